"""Events → text_completion documents and chunks (the object has one name for both). Pure.

Choice i of prompt p is number p · n + i. With echo the prompt's text, and its logprobs if asked for, come first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.streaming import frame
from bdchat.api.generation.usage import UsageCount
from bdchat.api.openai.logprobs import LegacyLogprobs
from bdchat.engine.request import Accepted, Delta, Finished, Prompt, PromptLogprobs, TextPrompt


@dataclass(frozen=True, slots=True)
class CompletionHead:
    completion_id: str
    created: int
    model: str
    fingerprint: str | None
    num_choices: int  # per prompt
    prompts: tuple[Prompt, ...]
    echo: bool
    num_top_logprobs: int | None  # None = no logprobs

    def to_wire(self) -> dict[str, Any]:
        return {
            "id": self.completion_id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event adds to one choice."""

    index: int
    text: str = ""
    logprobs: dict[str, Any] | None = None
    finish_reason: str | None = None


class _Pieces:
    """Events → pieces; keeps each choice's logprob offset and the call's usage."""

    def __init__(self, head: CompletionHead) -> None:
        self._head = head
        self._logprobs: dict[int, LegacyLogprobs] = {}
        self.usage = UsageCount()

    def of(self, position: int, events: Sequence[LogEvent]) -> list[Piece]:
        pieces: list[Piece] = []
        for event in events:
            if isinstance(event, Delta):
                index = self._index(position, event.index)
                logprobs = self._take(position, index, event) if event.logprobs else None
                if event.text or logprobs:
                    pieces.append(Piece(index, event.text, logprobs))
            elif isinstance(event, Finished):
                self.usage.add_finished(event)
                pieces.append(Piece(self._index(position, event.index), finish_reason=event.reason.value))
            elif isinstance(event, PromptLogprobs):
                pieces += self._prompt_logprobs(position, event)
            elif isinstance(event, Accepted):
                self.usage.add_accepted(event)
                pieces += self._echo(position, event)
        return pieces

    def _index(self, position: int, choice: int) -> int:
        return position * self._head.num_choices + choice

    def _choices(self, position: int) -> range:
        return range(self._index(position, 0), self._index(position + 1, 0))

    def _echo(self, position: int, event: Accepted) -> list[Piece]:
        if not self._head.echo or not event.prompt_text:
            return []
        return [Piece(index, event.prompt_text) for index in self._choices(position)]

    def _prompt_logprobs(self, position: int, event: PromptLogprobs) -> list[Piece]:
        return [Piece(index, "", self._take(position, index, event.tokens)) for index in self._choices(position)]

    def _take(self, position: int, index: int, source: Delta | Sequence[Any]) -> dict[str, Any]:
        tokens = source.logprobs if isinstance(source, Delta) else source
        legacy = self._logprobs.get(index)
        if legacy is None:
            prompt = self._head.prompts[position]
            before = len(prompt.text) if isinstance(prompt, TextPrompt) and not self._head.echo else 0
            legacy = self._logprobs[index] = LegacyLogprobs(before, self._head.num_top_logprobs or 0)
        return legacy.take(tokens)


class CompletionChunks:
    """StreamEncoder."""

    def __init__(self, head: CompletionHead, *, includes_usage: bool) -> None:
        self._wire = head.to_wire()
        self._pieces = _Pieces(head)
        self._includes_usage = includes_usage

    def encode(self, position: int, events: Sequence[LogEvent]) -> bytes:
        return b"".join(self._chunk(piece) for piece in self._pieces.of(position, events))

    def close(self) -> bytes:
        if not self._includes_usage:
            return b""
        usage = self._pieces.usage
        return frame(self._wire | {"choices": [], "usage": usage.to_wire(), "bdchat": {"timings": usage.timings}})

    def _chunk(self, piece: Piece) -> bytes:
        choice = {
            "index": piece.index,
            "text": piece.text,
            "logprobs": piece.logprobs,
            "finish_reason": piece.finish_reason,
        }
        chunk = self._wire | {"choices": [choice]}
        if self._includes_usage:
            chunk["usage"] = None
        return frame(chunk)


class CompletionCollector:
    """Collector: the whole answer as one document."""

    def __init__(self, head: CompletionHead) -> None:
        self._head = head
        self._pieces = _Pieces(head)
        num_choices = len(head.prompts) * head.num_choices
        self._texts: list[list[str]] = [[] for _ in range(num_choices)]
        self._logprobs: list[dict[str, list[Any]] | None] = [None] * num_choices
        self._reasons: list[str | None] = [None] * num_choices

    def add(self, position: int, events: Sequence[LogEvent]) -> None:
        for piece in self._pieces.of(position, events):
            self._texts[piece.index].append(piece.text)
            self._reasons[piece.index] = piece.finish_reason or self._reasons[piece.index]
            if piece.logprobs is not None:
                self._add_logprobs(piece.index, piece.logprobs)

    def document(self) -> dict[str, Any]:
        choices = [self._choice(index) for index in range(len(self._texts))]
        usage = self._pieces.usage
        document = self._head.to_wire() | {"choices": choices, "usage": usage.to_wire()}
        return document | {"bdchat": {"timings": usage.timings}}

    def _choice(self, index: int) -> dict[str, Any]:
        logprobs = self._logprobs[index]
        if logprobs is None and self._head.num_top_logprobs is not None:
            logprobs = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
        return {
            "index": index,
            "text": "".join(self._texts[index]),
            "logprobs": logprobs,
            "finish_reason": self._reasons[index],
        }

    def _add_logprobs(self, index: int, logprobs: dict[str, list[Any]]) -> None:
        so_far = self._logprobs[index]
        if so_far is None:
            self._logprobs[index] = logprobs
            return
        for key, values in logprobs.items():
            so_far[key].extend(values)
