"""Events → chat.completion.chunk frames, streamed, stored and recovered. Pure.

The stream's encoder runs once per token for every stream, so a chunk is three prepared pieces around the text, and an
answer's text is read (answer_reading.py) only for as long as there may be something to read: a plain answer to its
first word.

What OpenAI's shapes have no place for, in a stored answer:
1. A frame's `id:` is the event's number, to go on from with Last-Event-ID.
2. The first chunk's "bdchat" says what the answer belongs to, what it goes on from, and what its prompt leaves out.
3. {"object": "chat.completion.reset", "choices": [], "text": …}: the content that was read so far is to be replaced by
   `text`, thoughts by `reasoning_content` and calls by `tool_calls` (`function_call`), where there are any.
4. A stopped answer's finish_reason is "stop"; "bdchat".state tells it from a complete one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from bdchat.api.answering.choice_readers import ChoiceReaders
from bdchat.api.answering.logprobs import chat_logprobs
from bdchat.api.generation.answer_reading import Reading, call_id
from bdchat.api.generation.events import Ended, Failed, LogEvent, Opened, Reset, Started
from bdchat.api.generation.progress import progress_of
from bdchat.api.generation.streaming import frame, json_text
from bdchat.api.generation.usage import UsageCount
from bdchat.api.http.errors import ErrorEvent, seconds_left
from bdchat.api.openai.annotations import AnswerSources
from bdchat.api.openai.chat_answer import ChatHead, Message
from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted, Content, Thought
from bdchat.engine.request import Accepted, Delta, Finished, Progress

CHUNK = "chat.completion.chunk"
NO_SOURCES = AnswerSources()
NOTHING: Mapping[str, Any] = {}
ABOUT = ("session_id", "message_id", "prefix", "num_dropped_messages")  # of Started, in the first chunk
_encoder = msgspec.json.Encoder()


class ChatChunks:
    """StreamEncoder. Every choice's role chunk goes out with the first event of any, so that choice 0 is first."""

    def __init__(
        self,
        head: ChatHead,
        *,
        includes_usage: bool,
        reading: Reading,
        includes_speeds: bool = False,
        sources: AnswerSources = NO_SOURCES,
    ) -> None:
        self._head = head
        self._sources = sources
        self._contents: list[list[str]] = [[] for _ in range(head.num_choices)]  # kept where they may cite
        self._includes_usage = includes_usage
        self._includes_speeds = includes_speeds
        self._usage = UsageCount()
        self._readers = ChoiceReaders(reading, head.num_choices)
        self._is_plain_now = self._all_is_content
        self._role = {"role": "assistant", "content": None if reading.tools else "", "refusal": None}
        self._has_roles = False
        self._start = b"data: " + _encoder.encode(head.to_wire(CHUNK))[:-1]
        self._text_starts = self._starts(b"content")
        self._thought_starts = self._starts(b"reasoning_content")
        self._end = b'],"usage":null' if includes_usage else b"]"
        self._text_end = b'},"logprobs":null,"finish_reason":null}' + self._end + b"}"

    def _starts(self, name: bytes) -> list[bytes]:
        choices = range(self._head.num_choices)
        return [self._start + b',"choices":[{"index":%d,"delta":{"%s":' % (index, name) for index in choices]

    def encode(self, position: int, events: Sequence[LogEvent], first_id: int | None = None) -> bytes:
        """`first_id`: the number of the first event, for frames that name theirs."""
        pieces: list[bytes] = []
        if first_id is not None:
            self._has_roles = True  # Started brings it; who goes on from a number has it
        end = b"\n\n"
        for number, event in enumerate(events):
            if first_id is not None:
                end = b"\nid: %d\n\n" % (first_id + number)
            if (
                isinstance(event, Delta)
                and self._is_plain_now
                and self._has_roles
                and event.text
                and not event.logprobs
            ):
                pieces += (self._text_starts[event.index], json_text(event.text), self._text_end, end)  # nearly all
                continue
            for each in self._frames(event):
                pieces += (each, end)
            self._is_plain_now = self._all_is_content
            if isinstance(event, Ended) and self._includes_usage:
                pieces.append(self._usage_frame(event.usage, event.timings))
        return b"".join(pieces)

    @property
    def _all_is_content(self) -> bool:
        """Of every choice, and nothing looks at it."""
        return not self._readers and not self._sources

    @property
    def is_plain(self) -> bool:
        """Whether the text is told as it is: nothing in it is read."""
        return self._readers.reading.is_raw and not self._sources

    def close(self) -> bytes:
        """For who has read no Ended."""
        self._usage.num_reasoning_tokens = self._readers.num_thought_tokens
        if self._includes_speeds:
            about = {"usage": self._usage.to_wire()} if self._includes_usage else {}
            last = self._head.to_wire(CHUNK) | {"choices": [], **about, "timings": self._usage.speeds}
            return frame(last | {"bdchat": {"timings": self._usage.timings}})
        return self._usage_frame(self._usage.to_wire(), self._usage.timings) if self._includes_usage else b""

    def _frames(self, event: LogEvent) -> list[bytes]:
        """Without their blank lines."""
        frames: list[bytes] = []
        if isinstance(event, Delta):
            parts = self._readers.read(event.index, event.text, len(event.tokens))
            if event.logprobs:
                frames = [*self._roles(), *self._scored(event, parts)]
            elif parts:
                frames = [*self._roles(), *self._said(event.index, parts)]
        elif isinstance(event, Started):
            self._readers.hear(event)
            self._contents[0].clear()
            about = {name: getattr(event, name) for name in ABOUT}
            frames = [self._chunk(0, self._role, about=about, more=self._sources.to_wire())]
        elif isinstance(event, Opened):
            self._readers.hear(event)
        elif isinstance(event, Finished):
            self._usage.add_finished(event)
            frames = [*self._roles(), *self._ends(event.index, event.reason.value)]
        elif isinstance(event, Ended):
            frames = self._ends(0, event.reason, about={"state": event.state})
        elif isinstance(event, Failed):
            frames = [b"data: " + _encoder.encode(ErrorEvent(event.error, seconds_left(event.retry_at_ms)))]
        elif isinstance(event, Reset):
            frames = [self._reset(event.text)]
        elif isinstance(event, Accepted):
            self._usage.add_accepted(event)
            self._readers.hear(event)
        elif isinstance(event, Progress):
            frames = [self._progress(event)]
        return frames

    def _progress(self, event: Progress) -> bytes:
        """Without choices: who does not know it passes over it."""
        tail = b',"bdchat":' + _encoder.encode({"progress": progress_of(event)})
        return self._start + b',"choices":[' + self._end + tail + b"}"

    def _roles(self) -> list[bytes]:
        if self._has_roles:
            return []
        self._has_roles = True
        more = self._sources.to_wire()
        return [self._chunk(index, self._role, more={} if index else more) for index in range(self._head.num_choices)]

    def _said(self, index: int, parts: Iterable[AnswerPart]) -> list[bytes]:
        frames: list[bytes] = []
        for part in parts:
            if isinstance(part, Content):
                self._keep(index, part.text)
                frames.append(self._text_starts[index] + json_text(part.text) + self._text_end)
            elif isinstance(part, Thought):
                frames.append(self._thought_starts[index] + json_text(part.text) + self._text_end)
            else:
                frames.append(self._chunk(index, self._delta(index, part)))
        return frames

    def _scored(self, event: Delta, parts: Sequence[AnswerPart]) -> list[bytes]:
        """One entry a token, also of what is held back or is a mark."""
        logprobs = {"content": chat_logprobs(event.logprobs), "refusal": None}
        first = self._delta(event.index, parts[0]) if parts else {}
        self._keep(event.index, first.get("content") or "")
        return [self._chunk(event.index, first, logprobs), *self._said(event.index, parts[1:])]

    def _ends(self, index: int, reason: str | None, *, about: dict[str, Any] | None = None) -> list[bytes]:
        parts, wire_reason = self._readers.finish(index, reason)
        said = self._said(index, parts)
        delta: dict[str, Any] = {}
        if self._sources:
            delta["annotations"] = self._sources.annotations("".join(self._contents[index]))
        return [*said, self._chunk(index, delta, reason=wire_reason, about=about)]

    def _keep(self, index: int, text: str) -> None:
        if self._sources:
            self._contents[index].append(text)

    def _delta(self, index: int, part: AnswerPart) -> dict[str, Any]:
        match part:
            case Content(text=text):
                return {"content": text}
            case Thought(text=text):
                return {"reasoning_content": text}
            case CallStarted(number=number, name=name):
                function = {"name": name, "arguments": ""}
                if self._readers.reading.is_legacy_call:
                    return {"function_call": function}
                of_call = {"index": number, "id": call_id(self._head.completion_id, index, number), "type": "function"}
                return {"tool_calls": [of_call | {"function": function}]}
            case CallArguments(number=number, text=text):
                if self._readers.reading.is_legacy_call:
                    return {"function_call": {"arguments": text}}
                return {"tool_calls": [{"index": number, "function": {"arguments": text}}]}

    def _reset(self, text: str) -> bytes:
        self._readers.begin()
        message = Message(self._head.completion_id, 0, is_legacy_call=self._readers.reading.is_legacy_call)
        message.add(self._readers.read(0, text, 0))
        self._contents[0] = [message.content or ""]
        reset = {"choices": [], "text": message.content or ""} | message.parts()
        return b"data: " + _encoder.encode(self._head.to_wire("chat.completion.reset") | reset)

    def _chunk(
        self,
        index: int,
        delta: dict[str, Any],
        logprobs: dict[str, Any] | None = None,
        *,
        reason: str | None = None,
        about: dict[str, Any] | None = None,
        more: Mapping[str, Any] = NOTHING,
    ) -> bytes:
        """`more`: fields beside the choices."""
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        fields = {**more, "bdchat": about} if about is not None else more
        tail = b"," + _encoder.encode(fields)[1:-1] if fields else b""
        return self._start + b',"choices":[' + _encoder.encode(choice) + self._end + tail + b"}"

    def _usage_frame(self, usage: dict[str, Any], timings: dict[str, float]) -> bytes:
        last = self._head.to_wire(CHUNK) | {"choices": [], "usage": usage}
        return frame(last | {"bdchat": {"timings": timings}})
