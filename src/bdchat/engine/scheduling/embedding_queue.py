"""Which texts are embedded in the next step. Loop thread only. Knows texts and seq ids, never vectors' numbers.

Requests take turns, one text each, so that a single text does not wait behind a thousand of somebody else's. Texts of
one request begin and end in order. At most one text in all is read in several steps: its cells are all that is held
between two steps.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bdchat.engine.errors import InvalidRequest, QueueFull
from bdchat.engine.model_runner import EmbeddingText, TextRun

RETRY_AFTER_S = 5.0


@dataclass(slots=True)
class _Texts:
    request_id: str
    texts: deque[EmbeddingText]  # that have not begun


@dataclass(slots=True)
class _OpenText:
    """The one text that is read in several steps."""

    job: _Texts
    text: EmbeddingText
    seq_id: int
    num_computed: int = 0

    @property
    def num_left(self) -> int:
        return len(self.text.tokens) - self.num_computed


class EndedText(NamedTuple):
    """A text that ends in a step."""

    request_id: str
    num_tokens: int
    is_last: bool  # of its request


@dataclass(slots=True)
class EmbeddingStep:
    runs: list[TextRun] = field(default_factory=list)
    ended: list[EndedText] = field(default_factory=list)  # one for each run with is_end, in order
    request_ids: set[str] = field(default_factory=set)  # of all runs

    @property
    def num_tokens(self) -> int:
        return sum(len(run.tokens) for run in self.runs)


class EmbeddingQueue:
    def __init__(self, *, queue_limit: int) -> None:
        self._queue_limit = queue_limit
        self._jobs: deque[_Texts] = deque()  # the one whose turn it is first
        self._open: _OpenText | None = None

    @property
    def has_work(self) -> bool:
        return bool(self._jobs)

    @property
    def request_ids(self) -> list[str]:
        return [job.request_id for job in self._jobs]

    def add(self, request_id: str, texts: Sequence[EmbeddingText]) -> None:
        """Raises QueueFull, InvalidRequest."""
        if len(self._jobs) >= self._queue_limit:
            raise QueueFull(retry_after_s=RETRY_AFTER_S)
        if request_id in self.request_ids:
            raise InvalidRequest("request_id", "is in use")
        self._jobs.append(_Texts(request_id, deque(texts)))

    def remove(self, request_id: str) -> int | None:
        """The seq id that holds a part of one of its texts, if any."""
        self._jobs = deque(job for job in self._jobs if job.request_id != request_id)
        if self._open is None or self._open.job.request_id != request_id:
            return None
        seq_id, self._open = self._open.seq_id, None
        return seq_id

    def next_step(self, *, num_tokens: int, num_sequences: int, can_pause: bool) -> EmbeddingStep:
        """About `num_tokens`. A text that is longer and may not pause is a step alone."""
        step, free = EmbeddingStep(), deque(range(num_sequences))
        left = num_tokens
        if self._open is not None:
            free.remove(self._open.seq_id)
            share = num_tokens if len(self._jobs) == 1 else max(1, num_tokens // 2)
            left -= self._go_on(step, self._open, share)
        waiting = deque(job for job in self._jobs if job.texts and not self._is_open(job))
        while waiting and left > 0 and free:
            job = waiting[0]
            length = len(job.texts[0].tokens)
            if length <= left:
                begun = _OpenText(job, job.texts.popleft(), free.popleft())
                left -= self._go_on(step, begun, length)
                waiting.rotate(-1)
                if not job.texts:
                    waiting.remove(job)
            elif can_pause and self._open is None:
                self._open = _OpenText(job, job.texts.popleft(), free.popleft())
                left -= self._go_on(step, self._open, left)
                waiting.popleft()
            elif not step.runs:
                self._go_on(step, _OpenText(job, job.texts.popleft(), free.popleft()), length)
                break
            else:  # too long for what is left of this step
                break
        turns = {job.request_id: job for job in (*waiting, *self._jobs)}  # who had none yet comes first
        self._jobs = deque(job for job in turns.values() if job.texts or self._is_open(job))
        return step

    def _is_open(self, job: _Texts) -> bool:
        return self._open is not None and self._open.job is job

    def _go_on(self, step: EmbeddingStep, text: _OpenText, num_tokens: int) -> int:
        """How many tokens of it are in the step."""
        tokens = text.text.tokens[text.num_computed : text.num_computed + num_tokens]
        is_end = len(tokens) == text.num_left
        step.runs.append(TextRun(text.seq_id, text.num_computed, tokens, is_end))
        step.request_ids.add(text.job.request_id)
        text.num_computed += len(tokens)
        if is_end:
            step.ended.append(EndedText(text.job.request_id, text.text.num_tokens, not text.job.texts))
            if self._open is text:
                self._open = None
        return len(tokens)
