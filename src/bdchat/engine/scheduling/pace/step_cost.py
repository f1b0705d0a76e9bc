"""How long a step takes, and how many prompt tokens fit into one. Pure: numbers in, numbers out; no clock, no cells.

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


def _smoothed(old: float, observed: float) -> float:
    return old + SMOOTHING * (observed - old)


def _nearest(known: Iterable[int], wanted: int) -> int:
    """Of two as near the smaller."""
    return min(known, key=lambda n: (abs(n - wanted), n))
