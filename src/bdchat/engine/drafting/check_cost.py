"""What a step takes that checks guesses, learned from such steps. Pure; owned by the scheduler's StepCost.

A token beside others is anything from nearly free to dearer than a step of its own, and not evenly so: two tokens in a
step can take three times as long as one, eight four times (kernels for single rows are others than those for many). So
the time is kept by the number of tokens, and read off between neighbours.
"""

from collections.abc import Iterable

# Other processes only ever add time: what was quicker than known is believed sooner than what was slower.
_SLOWER, _QUICKER = 0.2, 0.3  # weight of the newest observation
# Steps of any kind after which a figure that was not seen again is forgotten: one bad moment must not end guessing for
# good, and trying again costs one step of so many.
FORGOTTEN_AFTER = 1000


class CheckCost:
    """By number of sequences in a step, since each also reads its own context."""

    def __init__(self) -> None:
        self._ms: dict[int, dict[int, float]] = {}  # sequences → tokens of the step → ms
        self._seen_at: dict[tuple[int, int], int] = {}
        self._now = 0  # steps

    def pass_by(self) -> None:
        """A step of any kind."""
        self._now += 1
        if self._now % FORGOTTEN_AFTER == 0:
            for key in [key for key, at in self._seen_at.items() if self._now - at >= FORGOTTEN_AFTER]:
                num_sequences, num_tokens = key
                del self._seen_at[key], self._ms[num_sequences][num_tokens]

    def observe(self, *, num_sequences: int, num_tokens: int, step_ms: float) -> None:
        """`num_tokens`: the sequences' own ones too."""
        known = self._ms.setdefault(num_sequences, {})
        old = known.get(num_tokens, step_ms)
        known[num_tokens] = old + (_SLOWER if step_ms > old else _QUICKER) * (step_ms - old)
        self._seen_at[num_sequences, num_tokens] = self._now

    def step_ms(self, *, num_sequences: int, num_tokens: int, base_ms: float, token_ms: float) -> float:
        """Between the nearest numbers seen; `base_ms` is that of the sequences' own tokens alone, and each token beyond
        the highest number adds `token_ms`."""
        below, below_ms = num_sequences, base_ms
        for known, known_ms in sorted(self._points(num_sequences)):
            if known <= num_sequences:
                continue
            if known >= num_tokens:
                share = (num_tokens - below) / (known - below)
                return max(base_ms, below_ms + share * (known_ms - below_ms))
            below, below_ms = known, known_ms
        return max(base_ms, below_ms + (num_tokens - below) * token_ms)

    def _points(self, num_sequences: int) -> Iterable[tuple[int, float]]:
        known = {n: points for n, points in self._ms.items() if points}
        if not known:
            return ()
        nearest = min(known, key=lambda n: (abs(n - num_sequences), n))
        return known[nearest].items()
