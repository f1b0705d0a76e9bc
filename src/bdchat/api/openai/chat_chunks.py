"""Events → chat.completion, or → chat.completion.chunk frames. Pure but for the clock of `created`.

The stream's encoder runs once per token for every stream, so a chunk is three prepared pieces around the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bdchat.api.generation.streaming import frame, json_text
from bdchat.api.generation.usage import UsageCount
from bdchat.api.openai.logprobs import chat_logprobs
from bdchat.engine.request import Accepted, Delta, Event, Finished, TokenLogprob

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
        self._usage = UsageCount() if includes_usage else None
        self._have_roles = False
        start = b"data: " + _encoder.encode(head.to_wire("chat.completion.chunk"))[:-1] + b',"choices":[{"index":'
        self._starts = [start + b"%d" % index + b',"delta":' for index in range(head.num_choices)]
        self._text_starts = [piece + b'{"content":' for piece in self._starts]
        self._end = b'],"usage":null}\n\n' if includes_usage else b"]}\n\n"
        self._text_end = b'},"logprobs":null,"finish_reason":null}' + self._end

    def encode(self, position: int, events: Sequence[Event]) -> bytes:
        pieces: list[bytes] = []
        for event in events:
            if isinstance(event, Delta):
                if event.logprobs:
                    pieces += self._roles()
                    pieces.append(self._text_with_logprobs(event))
                elif event.text:
                    if not self._have_roles:
                        pieces += self._roles()
                    pieces += (self._text_starts[event.index], json_text(event.text), self._text_end)
            elif isinstance(event, Finished):
                pieces += self._roles()
                pieces.append(self._finish(event))
            elif isinstance(event, Accepted) and self._usage is not None:
                self._usage.add_accepted(event)
        return b"".join(pieces)

    def close(self) -> bytes:
        if self._usage is None:
            return b""
        last = self._head.to_wire("chat.completion.chunk") | {"choices": [], "usage": self._usage.to_wire()}
        return frame(last | {"bdchat": {"timings": self._usage.timings}})

    def _roles(self) -> list[bytes]:
        if self._have_roles:
            return []
        self._have_roles = True
        delta = b'{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}'
        return [start + delta + self._end for start in self._starts]

    def _text_with_logprobs(self, event: Delta) -> bytes:
        logprobs = _encoder.encode({"content": chat_logprobs(event.logprobs), "refusal": None})
        text = json_text(event.text)
        start = self._text_starts[event.index]
        return start + text + b'},"logprobs":' + logprobs + b',"finish_reason":null}' + self._end

    def _finish(self, event: Finished) -> bytes:
        if self._usage is not None:
            self._usage.add_finished(event)
        reason = event.reason.value.encode()
        return self._starts[event.index] + b'{},"logprobs":null,"finish_reason":"' + reason + b'"}' + self._end


class ChatCollector:
    """Collector: the whole answer as one document."""

    def __init__(self, head: ChatHead, *, has_logprobs: bool) -> None:
        self._head = head
        self._usage = UsageCount()
        self._texts: list[list[str]] = [[] for _ in range(head.num_choices)]
        self._logprobs: list[list[TokenLogprob]] | None = [[] for _ in self._texts] if has_logprobs else None
        self._reasons: dict[int, str] = {}

    def add(self, position: int, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Delta):
                self._texts[event.index].append(event.text)
                if self._logprobs is not None:
                    self._logprobs[event.index].extend(event.logprobs)
            elif isinstance(event, Finished):
                self._reasons[event.index] = event.reason.value
                self._usage.add_finished(event)
            elif isinstance(event, Accepted):
                self._usage.add_accepted(event)

    def document(self) -> dict[str, Any]:
        choices = [self._choice(index) for index in range(self._head.num_choices)]
        document = self._head.to_wire("chat.completion") | {"choices": choices, "usage": self._usage.to_wire()}
        return document | {"bdchat": {"timings": self._usage.timings}}

    def _choice(self, index: int) -> dict[str, Any]:
        logprobs = None
        if self._logprobs is not None:
            logprobs = {"content": chat_logprobs(self._logprobs[index]), "refusal": None}
        text = "".join(self._texts[index])
        return {
            "index": index,
            "message": {"role": "assistant", "content": text, "refusal": None, "annotations": []},
            "logprobs": logprobs,
            "finish_reason": self._reasons[index],
        }
