"""Events → Mistral's chat.completion, or its chunks. Pure.

Every chunk has a choice with a content, also the last one: editors join `choices[0].delta.content` of all of them. So
usage, when it is asked for, stands in the last one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.streaming import frame
from bdchat.api.generation.usage import UsageCount
from bdchat.engine.request import Accepted, Delta, Finished


@dataclass(frozen=True, slots=True)
class FimHead:
    completion_id: str
    created: int
    model: str

    def to_wire(self, kind: str) -> dict[str, Any]:
        return {"id": self.completion_id, "object": kind, "created": self.created, "model": self.model}


class FimChunks:
    """StreamEncoder."""

    def __init__(self, head: FimHead, *, includes_usage: bool) -> None:
        self._wire = head.to_wire("chat.completion.chunk")
        self._includes_usage = includes_usage
        self._usage = UsageCount()
        self._has_role = False

    def encode(self, position: int, events: Sequence[LogEvent]) -> bytes:
        return b"".join(self._chunk(event) for event in events)

    def close(self) -> bytes:
        return b""

    def _chunk(self, event: LogEvent) -> bytes:
        if isinstance(event, Accepted):
            self._usage.add_accepted(event)
        elif isinstance(event, Delta) and event.text:
            return frame(self._wire | {"choices": [self._choice(event.text, None)]})
        elif isinstance(event, Finished):
            self._usage.add_finished(event)
            last = self._wire | {"choices": [self._choice("", event.reason.value)]}
            return frame(last | {"usage": self._usage.to_wire()} if self._includes_usage else last)
        return b""

    def _choice(self, text: str, finish_reason: str | None) -> dict[str, Any]:
        delta = {"content": text} if self._has_role else {"role": "assistant", "content": text}
        self._has_role = True
        return {"index": 0, "delta": delta, "finish_reason": finish_reason}


class FimCollector:
    """Collector: the whole answer as one document."""

    def __init__(self, head: FimHead) -> None:
        self._head = head
        self._usage = UsageCount()
        self._texts: list[str] = []
        self._reason: str | None = None

    def add(self, position: int, events: Sequence[LogEvent]) -> None:
        for event in events:
            if isinstance(event, Accepted):
                self._usage.add_accepted(event)
            elif isinstance(event, Delta):
                self._texts.append(event.text)
            elif isinstance(event, Finished):
                self._usage.add_finished(event)
                self._reason = event.reason.value

    def document(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": "".join(self._texts), "tool_calls": None}
        choice = {"index": 0, "message": message, "finish_reason": self._reason}
        return self._head.to_wire("chat.completion") | {"choices": [choice], "usage": self._usage.to_wire()}
