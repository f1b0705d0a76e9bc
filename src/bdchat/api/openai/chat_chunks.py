"""Events → chat.completion, or → chat.completion.chunk frames: streamed, collected, stored and recovered. Pure.

The stream's encoder runs once per token for every stream, so a chunk is three prepared pieces around the text.

What OpenAI's shapes have no place for, in a stored answer:
1. A frame's `id:` is the event's number, to go on from with Last-Event-ID.
2. The first chunk's "bdchat" says what the answer belongs to, what it goes on from, and what its prompt leaves out.
3. {"object": "chat.completion.reset", "choices": [], "text": …}: what was read so far is to be replaced by `text`.
4. A stopped answer's finish_reason is "stop"; "bdchat".state tells it from a complete one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bdchat.api.generation.events import Ended, Failed, LogEvent, Reset, Started
from bdchat.api.generation.progress import progress_of
from bdchat.api.generation.streaming import frame, json_text
from bdchat.api.generation.usage import UsageCount
from bdchat.api.http.errors import ErrorEvent, seconds_left
from bdchat.api.http.long_answer import GAP
from bdchat.api.openai.logprobs import chat_logprobs
from bdchat.engine.request import Accepted, Delta, Finished, FinishReason, Progress, TokenLogprob
from bdchat.store.chats.generation_rows import GenerationRow

CHUNK = "chat.completion.chunk"
ROLE = {"role": "assistant", "content": "", "refusal": None}
ABOUT = ("session_id", "message_id", "prefix", "num_dropped_messages")  # of Started, in the first chunk
WIRE_REASONS = {FinishReason.CANCELLED.value: FinishReason.STOP.value}
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class ChatHead:
    """What every chunk of an answer repeats."""

    completion_id: str
    created: int
    model: str
    fingerprint: str | None
    num_choices: int
    service_tier: str | None = None

    @classmethod
    def of(cls, shown: GenerationRow, fingerprint: str | None) -> "ChatHead":
        row, tier = shown.row, shown.service_tier
        created = row.created_at_ms // 1000
        return cls(row.generation_id, created, row.model, fingerprint, num_choices=1, service_tier=tier)

    def to_wire(self, kind: str) -> dict[str, Any]:
        head: dict[str, Any] = {
            "id": self.completion_id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }
        if self.service_tier is not None:
            head["service_tier"] = self.service_tier
        return head


class ChatChunks:
    """StreamEncoder. Every choice's role chunk goes out with the first event of any, so that choice 0 is first."""

    def __init__(self, head: ChatHead, *, includes_usage: bool) -> None:
        self._head = head
        self._includes_usage = includes_usage
        self._usage = UsageCount()
        self._has_roles = False
        self._start = b"data: " + _encoder.encode(head.to_wire(CHUNK))[:-1]
        self._text_starts = [
            self._start + b',"choices":[{"index":%d,"delta":{"content":' % index for index in range(head.num_choices)
        ]
        self._end = b'],"usage":null' if includes_usage else b"]"
        self._text_end = b'},"logprobs":null,"finish_reason":null}' + self._end + b"}"

    def encode(self, position: int, events: Sequence[LogEvent], first_id: int | None = None) -> bytes:
        """`first_id`: the number of the first event, for frames that name theirs."""
        pieces: list[bytes] = []
        if first_id is not None:
            self._has_roles = True  # Started brings it; who goes on from a number has it
        end = b"\n\n"
        for number, event in enumerate(events):
            if first_id is not None:
                end = b"\nid: %d\n\n" % (first_id + number)
            if self._has_roles and isinstance(event, Delta) and event.text and not event.logprobs:  # nearly all
                pieces += (self._text_starts[event.index], json_text(event.text), self._text_end, end)
                continue
            for each in self._frames(event):
                pieces += (each, end)
            if isinstance(event, Ended) and self._includes_usage:
                pieces.append(self._usage_frame(event.usage, event.timings))
        return b"".join(pieces)

    def close(self) -> bytes:
        """For who has read no Ended."""
        return self._usage_frame(self._usage.to_wire(), self._usage.timings) if self._includes_usage else b""

    def _frames(self, event: LogEvent) -> list[bytes]:
        """Without their blank lines."""
        frames: list[bytes] = []
        if isinstance(event, Delta):
            if event.logprobs:
                logprobs = {"content": chat_logprobs(event.logprobs), "refusal": None}
                frames = [*self._roles(), self._chunk(event.index, {"content": event.text}, logprobs)]
            elif event.text:
                frames = self._roles()
                frames.append(self._text_starts[event.index] + json_text(event.text) + self._text_end)
        elif isinstance(event, Started):
            frames = [self._chunk(0, ROLE, about={name: getattr(event, name) for name in ABOUT})]
        elif isinstance(event, Finished):
            self._usage.add_finished(event)
            frames = [*self._roles(), self._chunk(event.index, {}, reason=event.reason.value)]
        elif isinstance(event, Ended):
            frames = [self._chunk(0, {}, reason=wire_reason(event.reason), about={"state": event.state})]
        elif isinstance(event, Failed):
            frames = [b"data: " + _encoder.encode(ErrorEvent(event.error, seconds_left(event.retry_at_ms)))]
        elif isinstance(event, Reset):
            reset = self._head.to_wire("chat.completion.reset") | {"choices": [], "text": event.text}
            frames = [b"data: " + _encoder.encode(reset)]
        elif isinstance(event, Accepted):
            self._usage.add_accepted(event)
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
        return [self._chunk(index, ROLE) for index in range(self._head.num_choices)]

    def _chunk(
        self,
        index: int,
        delta: dict[str, Any],
        logprobs: dict[str, Any] | None = None,
        *,
        reason: str | None = None,
        about: dict[str, Any] | None = None,
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        tail = b',"bdchat":' + _encoder.encode(about) if about is not None else b""
        return self._start + b',"choices":[' + _encoder.encode(choice) + self._end + tail + b"}"

    def _usage_frame(self, usage: dict[str, Any], timings: dict[str, float]) -> bytes:
        last = self._head.to_wire(CHUNK) | {"choices": [], "usage": usage}
        return frame(last | {"bdchat": {"timings": timings}})


class ChatCollector:
    """Collector: the whole answer as one document. Of a stored one, as far as it is."""

    def __init__(self, head: ChatHead, *, has_logprobs: bool) -> None:
        self._head = head
        self._has_logprobs = has_logprobs
        self._usage = UsageCount()
        self._texts: list[list[str]] = [[] for _ in range(head.num_choices)]
        self._logprobs: list[list[TokenLogprob]] = [[] for _ in self._texts]
        self._reasons: dict[int, str | None] = {}
        self.ended: Ended | None = None
        self.failed: Failed | None = None

    def add(self, position: int, events: Sequence[LogEvent]) -> None:
        for event in events:
            if isinstance(event, Delta):
                self._texts[event.index].append(event.text)
                self._logprobs[event.index].extend(event.logprobs)
            elif isinstance(event, Finished):
                self._reasons[event.index] = event.reason.value
                self._usage.add_finished(event)
            elif isinstance(event, Accepted):
                self._usage.add_accepted(event)
            elif isinstance(event, Reset):
                self._texts[0], self._logprobs[0] = [event.text], []
            elif isinstance(event, Ended):
                self._reasons[0] = wire_reason(event.reason)
                self.ended = event
            elif isinstance(event, Failed):
                self.failed = event

    def document(self) -> dict[str, Any]:
        return self._document(self._usage.to_wire()) | {"bdchat": {"timings": self._usage.timings}}

    @property
    def text(self) -> str:
        """Of the first choice."""
        return "".join(self._texts[0])

    def stored_document(self, shown: GenerationRow, last_event_id: int, *, content: Any) -> dict[str, Any]:
        """`shown` may be older than what was read. Its prefix is a gap when it is long, after the content's."""
        row, ended, failed = shown.row, self.ended, self.failed
        ours = {
            "state": ended.state if ended else failed.state if failed else row.state,
            "session_id": row.session_id,
            "message_id": row.message_id,
            "prefix": GAP if shown.prefix is None else shown.prefix,
            "num_dropped_messages": shown.num_dropped_messages,
            "last_event_id": last_event_id,
            "timings": ended.timings if ended else {},
        }
        document = self._document(ended.usage if ended else None)
        document["choices"][0]["message"]["content"] = content
        document |= {"metadata": shown.metadata, "bdchat": ours}
        return document if failed is None else document | {"error": failed.error}

    def _document(self, usage: dict[str, Any] | None) -> dict[str, Any]:
        choices = [self._choice(index) for index in range(self._head.num_choices)]
        return self._head.to_wire("chat.completion") | {"choices": choices, "usage": usage}

    def _choice(self, index: int) -> dict[str, Any]:
        logprobs = None
        if self._has_logprobs or self._logprobs[index]:
            logprobs = {"content": chat_logprobs(self._logprobs[index]), "refusal": None}
        text = "".join(self._texts[index])
        return {
            "index": index,
            "message": {"role": "assistant", "content": text, "refusal": None, "annotations": []},
            "logprobs": logprobs,
            "finish_reason": self._reasons.get(index),
        }


def wire_reason(reason: str | None) -> str | None:
    return WIRE_REASONS.get(reason, reason) if reason is not None else None
