"""What a chat completion's chunks and its document have in common: their head, and an answer's parts. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bdchat.api.generation.answer_reading import ChoiceReader, Reading, call_id
from bdchat.api.generation.events import LogEvent, Opened, Started
from bdchat.api.openai.annotations import AnswerSources
from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted, Content, Thought
from bdchat.engine.request import Accepted, FinishReason
from bdchat.store.chats.generation_rows import GenerationRow

WIRE_REASONS = {FinishReason.CANCELLED.value: FinishReason.STOP.value}


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


class ChoiceReaders:
    """One reader for each choice of which there may be something to read; of a plain answer none after its first word.

    An answer that goes on (continue) is read from its prefix on, which is not told again."""

    def __init__(self, reading: Reading, num_choices: int) -> None:
        self._reading = reading
        self._num_choices = num_choices
        self._prefix = ""
        self.num_thought_tokens = 0  # of those that are read no more
        self._readers: dict[int, ChoiceReader] = {}
        self.begin(reading)

    def begin(self, reading: Reading | None = None, *, prefix: str | None = None) -> None:
        """Reads from the beginning: what was not known before is `reading`, or what the answer goes on from."""
        self._reading = reading or self._reading
        self._prefix = self._prefix if prefix is None else prefix
        self.num_thought_tokens = 0
        self._readers.clear()
        if self._reading.is_raw:
            return
        for index in range(self._num_choices):
            self._readers[index] = reader = ChoiceReader(self._reading)
            if self._prefix:
                reader.feed(self._prefix)
                self._let_go(index, reader)

    def hear(self, event: LogEvent) -> None:
        """What the log says of how the text is to be read."""
        if isinstance(event, Started):
            self.begin(prefix=event.prefix)
        elif isinstance(event, Opened):
            self.begin(self._reading.by(event.answer_format, opens_thought=event.opens_thought))
        elif isinstance(event, Accepted) and event.opens_thought:
            self.begin(self._reading.by(self._reading.answer_format, opens_thought=True))

    @property
    def reading(self) -> Reading:
        return self._reading

    def __bool__(self) -> bool:
        """Whether anything is read."""
        return bool(self._readers)

    def read(self, index: int, text: str, num_tokens: int) -> list[AnswerPart]:
        reader = self._readers.get(index)
        if reader is None:
            return [Content(text)] if text else []
        parts = reader.feed(text, num_tokens)
        self._let_go(index, reader)
        return parts

    def finish(self, index: int, reason: str | None) -> tuple[list[AnswerPart], str | None]:
        """What was held back, and OpenAI's reason for the end."""
        reader = self._readers.pop(index, None)
        if reader is None:
            return [], wire_reason(reason)
        parts = reader.finish()
        self.num_thought_tokens += reader.num_thought_tokens
        return parts, wire_reason(reader.reason(reason))

    def _let_go(self, index: int, reader: ChoiceReader) -> None:
        if reader.is_plain:
            self.num_thought_tokens += reader.num_thought_tokens
            del self._readers[index]


def wire_reason(reason: str | None) -> str | None:
    return WIRE_REASONS.get(reason, reason) if reason is not None else None


class Message:
    """An assistant's message, part by part."""

    def __init__(self, completion_id: str, index: int, *, is_legacy_call: bool) -> None:
        self._completion_id = completion_id
        self._index = index
        self._is_legacy_call = is_legacy_call
        self._content: list[str] = []
        self._thought: list[str] = []
        self._calls: list[tuple[int, str, list[str]]] = []  # number, name, pieces of its arguments

    def add(self, parts: Iterable[AnswerPart]) -> None:
        for part in parts:
            match part:
                case Content(text=text):
                    self._content.append(text)
                case Thought(text=text):
                    self._thought.append(text)
                case CallStarted(number=number, name=name):
                    self._calls.append((number, name, []))
                case CallArguments(text=text):
                    if self._calls:
                        self._calls[-1][2].append(text)

    @property
    def content(self) -> str | None:
        """None: it is calls and nothing else."""
        return "".join(self._content) if self._content or not self._calls else None

    def parts(self) -> dict[str, Any]:
        """Beside its content, what there is."""
        found: dict[str, Any] = {}
        if self._thought:
            found["reasoning_content"] = "".join(self._thought)
        if self._calls and self._is_legacy_call:
            _, name, pieces = self._calls[0]
            found["function_call"] = {"name": name, "arguments": "".join(pieces)}
        elif self._calls:
            found["tool_calls"] = list(self._tool_calls())
        return found

    def to_wire(self, sources: AnswerSources) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": self.content, "refusal": None}
        return message | {"annotations": sources.annotations(self.content or "")} | self.parts()

    def _tool_calls(self) -> Iterator[dict[str, Any]]:
        for number, name, pieces in self._calls:
            function = {"name": name, "arguments": "".join(pieces)}
            yield {"id": call_id(self._completion_id, self._index, number), "type": "function", "function": function}
