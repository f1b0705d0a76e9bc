"""One step of the engine: schedule, decode, sample, update. Loop thread only.

The scheduler decides and keeps the books, the runner computes, a sequence chooses its next token. They meet here and
nowhere else: another way of guessing tokens has its place in `_sample`.
"""

import time
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from bdchat.engine.model_runner import DecodeFailed, LogitsRow, ModelRunner, NoKVSlot, Sampler
from bdchat.engine.request import Event
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.scheduling.step_plan import Part, Sampled


class EngineCore:
    """`runner` is the scheduler's own."""

    def __init__(self, scheduler: Scheduler, runner: ModelRunner) -> None:
        self.scheduler = scheduler
        self._runner = runner
        self._busy_since: float | None = None  # the end of the last step, while there is work

    def step(self) -> list[Event]:
        """Runs at most one llama_decode. Returns the events of all requests, in order per choice."""
        began = self._busy_since if self._busy_since is not None else time.perf_counter()
        decoded_before = self._decode_seconds
        parts = self.scheduler.schedule()
        logits = self._decode(parts) if parts else None
        if logits is not None:
            for part, rows, chosen in _rows_of(parts, logits, self._choose(parts, logits)):
                start = part.sequence.num_computed_tokens
                self.scheduler.take_in(part)
                self.scheduler.score_prompt(part, start, rows)
                if not part.sequence.num_pending:
                    own = rows[-1 - len(part.draft.tokens) :]
                    self.scheduler.update(part, self._sample(part, own, chosen))
        events = self.scheduler.end_step()
        ended = time.perf_counter()
        in_decode = self._decode_seconds - decoded_before
        self.scheduler.counts.outside_seconds += ended - began - in_decode
        self._busy_since = ended if self.scheduler.has_work else None
        return events

    @property
    def _decode_seconds(self) -> float:
        """Of the model and of the one that guesses for it."""
        return self._runner.decode_seconds + self.scheduler.drafts.decode_seconds

    def _decode(self, parts: list[Part]) -> npt.NDArray[np.float32] | None:
        """(num_outputs, n_vocab). None: the step came to nothing, and the scheduler knows why."""
        decoded_before = self._runner.decode_seconds
        try:
            logits = self._runner.decode([part.as_slice() for part in parts])
        except NoKVSlot:
            self.scheduler.make_way(parts)
            return None
        except DecodeFailed as error:
            self.scheduler.fail(parts, f"llama_decode: {error}")
            return None
        self.scheduler.observe(parts, step_ms=1000 * (self._runner.decode_seconds - decoded_before))
        return logits

    def _choose(self, parts: list[Part], logits: npt.NDArray[np.float32]) -> list[int | None]:
        """For each row the next token, of those that are chosen together: who has guesses is asked row by row."""
        samplers: list[Sampler | None] = []
        for part in parts:
            num_outputs = part.num_outputs
            samplers += [part.sequence.free_sampler] if num_outputs == 1 else [None] * num_outputs
        return self._runner.choose(logits, samplers)

    def _sample(self, part: Part, rows: Sequence[LogitsRow], chosen: int | None) -> Sampled:
        """`rows`: the logits behind the part's last own token, then those behind each token of its draft. A guess that
        is the token chosen before it has its own logits, which choose the next. `chosen`: from the first, if it is."""
        sequence, now = part.sequence, self.scheduler.clock()
        num_before, length = sequence.num_sampled, len(sequence.tokens)
        sequence.num_drafted_tokens += len(part.draft.tokens)  # at once: its last event tells of this step too
        events = sequence.sample(rows[0], self._runner, now, chosen)
        num_accepted = 0
        for place, (guess, logits) in enumerate(zip(part.draft.tokens, rows[1:], strict=True), start=length):
            if sequence.is_finished or sequence.tokens[place] != guess:
                break
            num_accepted += 1
            sequence.num_accepted_tokens += 1
            if place + 1 == len(sequence.tokens):  # else a grammar has said already what follows
                events += sequence.sample(logits, self._runner, now)
        return Sampled(events, sequence.num_sampled - num_before, num_accepted)


def _rows_of(
    parts: list[Part], logits: npt.NDArray[np.float32], chosen: list[int | None]
) -> Iterator[tuple[Part, list[LogitsRow], int | None]]:
    """Each part, its rows, and what was chosen from its only one."""
    row = 0
    for part in parts:
        end = row + part.num_outputs
        yield part, list(logits[row:end]), chosen[row] if end - row == 1 else None
        row = end
