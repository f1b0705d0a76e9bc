"""Events → text_completion documents and chunks (the object has one name for both). Pure.

Choice i of prompt p is number p · n + i. With echo the prompt's text, and its logprobs if asked for, come first: a
choice that found the prompt in the cache waits for the one that scores it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bdchat.api.answering.logprobs import LegacyLogprobs
from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.progress import progress_of
from bdchat.api.generation.streaming import frame
from bdchat.api.generation.usage import UsageCount
from bdchat.engine.request import Accepted, Delta, Finished, Progress, PromptLogprobs


@dataclass(frozen=True, slots=True)
class CompletionHead:
    completion_id: str
    created: int
    model: str
    fingerprint: str | None
    num_choices: int  # per prompt, written
    num_prompts: int
    echo: bool
    has_logprobs: bool
    has_speeds: bool = False

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
        self._early: dict[int, list[LogEvent]] = {}  # position → what came before the prompt's logprobs
        self.usage = UsageCount()

    def of(self, position: int, events: Sequence[LogEvent]) -> list[Piece]:
        pieces: list[Piece] = []
        for event in events:
            if isinstance(event, Accepted):
                self.usage.add_accepted(event)
                pieces += self._begin(position, event)
            elif isinstance(event, PromptLogprobs):
                pieces += self._prompt_logprobs(position, event)
                for early in self._early.pop(position, ()):
                    pieces += self._answer(position, early)
            elif position in self._early:
                self._early[position].append(event)
            else:
                pieces += self._answer(position, event)
        return pieces

    def _answer(self, position: int, event: LogEvent) -> list[Piece]:
        if isinstance(event, Delta):
            index = self._index(position, event.index)
            is_shown = event.logprobs and self._head.has_logprobs  # best_of asks for them where nobody is shown any
            logprobs = self._logprobs[index].take(event.logprobs) if is_shown else None
            return [Piece(index, event.text, logprobs)] if event.text or logprobs else []
        if isinstance(event, Finished):
            self.usage.add_finished(event)
            return [Piece(self._index(position, event.index), finish_reason=event.reason.value)]
        return []

    def _index(self, position: int, choice: int) -> int:
        return position * self._head.num_choices + choice

    def _choices(self, position: int) -> range:
        return range(self._index(position, 0), self._index(position + 1, 0))

    def _begin(self, position: int, event: Accepted) -> list[Piece]:
        text = event.prompt_text or ""
        if self._head.has_logprobs:
            self._logprobs |= {index: LegacyLogprobs(text) for index in self._choices(position)}
            if self._head.echo:
                self._early[position] = []
        return [Piece(index, text) for index in self._choices(position)] if self._head.echo and text else []

    def _prompt_logprobs(self, position: int, event: PromptLogprobs) -> list[Piece]:
        choices = self._choices(position)
        return [Piece(index, "", self._logprobs[index].take_prompt(event.tokens)) for index in choices]


class CompletionChunks:
    """StreamEncoder."""

    def __init__(self, head: CompletionHead, *, includes_usage: bool) -> None:
        self._head = head
        self._wire = head.to_wire()
        self._pieces = _Pieces(head)
        self._includes_usage = includes_usage

    def encode(self, position: int, events: Sequence[LogEvent]) -> bytes:
        """Of several prompts each has its own progress, under its number."""
        told = [self._progress(position, event) for event in events if isinstance(event, Progress)]
        return b"".join((*told, *(self._chunk(piece) for piece in self._pieces.of(position, events))))

    def close(self) -> bytes:
        usage = self._pieces.usage
        last = {"usage": usage.to_wire()} if self._includes_usage else {}
        last |= {"timings": usage.speeds} if self._head.has_speeds else {}
        return frame(self._wire | {"choices": [], **last, "bdchat": {"timings": usage.timings}}) if last else b""

    def _progress(self, position: int, event: Progress) -> bytes:
        chunk = self._wire | {"choices": []}
        if self._includes_usage:
            chunk["usage"] = None
        return frame(chunk | {"bdchat": {"progress": {"prompt": position, **progress_of(event)}}})

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
        num_choices = head.num_prompts * head.num_choices
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
        document |= {"timings": usage.speeds} if self._head.has_speeds else {}
        return document | {"bdchat": {"timings": usage.timings}}

    def _choice(self, index: int) -> dict[str, Any]:
        logprobs = self._logprobs[index]
        if logprobs is None and self._head.has_logprobs:
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


class BestCompletionCollector(CompletionCollector):
    """The best of what was written for each prompt: of the highest log probability a token, best first."""

    def __init__(self, head: CompletionHead, num_returned: int) -> None:
        super().__init__(head)
        self._num_returned = num_returned
        self._sums = [0.0] * len(self._texts)  # of log probabilities
        self._num_tokens = [0] * len(self._texts)

    def add(self, position: int, events: Sequence[LogEvent]) -> None:
        super().add(position, events)
        for event in events:
            if isinstance(event, Delta):
                index = position * self._head.num_choices + event.index
                self._sums[index] += sum(token.logprob or 0.0 for token in event.logprobs)
                self._num_tokens[index] += len(event.logprobs)

    def document(self) -> dict[str, Any]:
        document = super().document()
        written, best = document["choices"], []
        for start in range(0, len(written), self._head.num_choices):
            of_prompt = written[start : start + self._head.num_choices]
            best += sorted(of_prompt, key=self._badness)[: self._num_returned]
        return document | {"choices": [choice | {"index": index} for index, choice in enumerate(best)]}

    def _badness(self, choice: dict[str, Any]) -> float:
        index: int = choice["index"]
        return -self._sums[index] / max(1, self._num_tokens[index])
