"""Policies in numbers: time of a step, prompt tokens per step, expected length of an answer, time until a place is
free. Pure: numbers in, numbers out; no clock, no cells.

A step's time is modelled as base(num_decodes) + cost · num_prefill_tokens, both learned as running averages from the
steps themselves, so the same policy fits a 135M model and a 7B one.
"""

from collections.abc import Iterable

from bdchat.engine.drafting.check_cost import CheckCost

MIN_CHUNK = 16  # below this a prompt crawls: the fixed cost of a step dominates
# With flash attention on a CPU a shorter chunk is attended to row by row: twice the time a token at a depth of 1,500
# (13.5 to 15.8 ms against 7.8 on one thread here; without flash attention 8.3 to 8.7 at every length).
MIN_CHUNK_FLASH_ATTENTION = 64
# A step may always take so many times what its decodes alone take: many slow decodes must not starve prompts, and an
# answer that waits for its prompt is missing from every batch, which makes all others dearer.
MAX_STRETCH = 2.5
SMOOTHING = 0.2  # weight of the newest observation


class StepCost:
    """Owned by the scheduler."""

    def __init__(
        self,
        *,
        prefill_ms_per_token: float = 1.0,
        decode_base_ms: float = 10.0,
        decode_ms_per_sequence: float = 3.0,  # for each further one in the step
        min_chunk: int = MIN_CHUNK,
    ) -> None:
        self._min_chunk = min_chunk
        self._prefill_ms = prefill_ms_per_token
        self._base_ms: dict[int, float] = {}
        self._check = CheckCost()
        self._guess_ms = decode_base_ms
        self._guess_ms_per_sequence = decode_ms_per_sequence

    def observe(self, *, num_decodes: int, num_prefill: int, step_ms: float, num_drafted: int = 0) -> None:
        self._check.pass_by()
        if num_drafted:
            num_tokens = num_decodes + num_drafted
            self._check.observe(num_sequences=num_decodes, num_tokens=num_tokens, step_ms=step_ms)
        elif num_prefill == 0:
            self._base_ms[num_decodes] = _smoothed(self._base_ms.get(num_decodes, step_ms), step_ms)
        elif num_prefill >= MIN_CHUNK:
            observed = max(0.0, step_ms - self.base_ms(num_decodes)) / num_prefill
            self._prefill_ms = _smoothed(self._prefill_ms, observed)

    def base_ms(self, num_decodes: int) -> float:
        """Expected time of a step that only decodes; of the nearest batch size seen when this one was not."""
        if num_decodes == 0:
            return 0.0
        if not self._base_ms:
            return self._guess_ms + (num_decodes - 1) * self._guess_ms_per_sequence
        return self._base_ms[_nearest(self._base_ms, num_decodes)]

    def check_ms(self, num_decodes: int, num_drafted: int) -> float:
        """Expected time of a step that checks so many guessed tokens beside the decodes' own."""
        return self._check.step_ms(
            num_sequences=num_decodes,
            num_tokens=num_decodes + num_drafted,
            base_ms=self.base_ms(num_decodes),
            token_ms=self._prefill_ms,
        )

    def prefill_ms(self, num_tokens: int) -> float:
        return self._prefill_ms * num_tokens

    def prefill_budget(self, *, num_decodes: int, target_ms: float, n_batch: int) -> int:
        """Prompt tokens for the next step, min_chunk or more. With nobody streaming: all that a batch holds.

        Not rounded to whole chunks: a chunk has a fixed cost (a second pass, 20 ms here), so that rounding 27 down to
        16 made a token dearer, which made the next chunk no larger."""
        if num_decodes == 0:
            return n_batch
        base = self.base_ms(num_decodes)
        room_ms = max(target_ms, MAX_STRETCH * base) - base
        budget = int(room_ms / max(self._prefill_ms, 1e-6))
        return min(max(self._min_chunk, budget), n_batch)


def seconds_to_drain(cost: StepCost, expected: "ExpectedOutput", waiting: list[int], num_running: int) -> float:
    """A rough time until a place in the queue is free, for Retry-After. `waiting`: prompt tokens to read of each."""
    waiting_ms = sum(cost.prefill_ms(num_pending) for num_pending in waiting)
    answer_ms = expected.at_most(10_000) * cost.base_ms(max(1, num_running))
    return max(1.0, min(60.0, (waiting_ms / max(1, len(waiting)) + answer_ms) / 1000))


class ExpectedOutput:
    """Running average of how long answers get, so that cells are not reserved for a max_tokens that nobody reaches."""

    def __init__(self, num_tokens: float = 128.0) -> None:
        self._num_tokens = num_tokens

    def observe(self, num_tokens: int) -> None:
        self._num_tokens = _smoothed(self._num_tokens, num_tokens)

    def at_most(self, max_tokens: int) -> int:
        return min(max_tokens, int(self._num_tokens) + 1)


def share_budget(remaining: list[int], budget: int, *, at_least: int = 0) -> list[int]:
    """Splits the prefill budget, shortest remaining prompt first: short questions start at once behind a long one.
    Before that each gets `at_least` tokens while the budget lasts."""
    shares = [0] * len(remaining)
    if at_least:
        for place, wanted in enumerate(remaining):
            shares[place] = min(wanted, at_least, budget)
            budget -= shares[place]
        rest = [wanted - share for wanted, share in zip(remaining, shares, strict=True)]
        return [share + more for share, more in zip(shares, share_budget(rest, budget), strict=True)]
    for place in sorted(range(len(remaining)), key=lambda i: (remaining[i], i)):
        shares[place] = min(remaining[place], budget)
        budget -= shares[place]
    return shares


def _smoothed(old: float, observed: float) -> float:
    return old + SMOOTHING * (observed - old)


def _nearest(known: Iterable[int], wanted: int) -> int:
    """Of two as near the smaller."""
    return min(known, key=lambda n: (abs(n - wanted), n))
