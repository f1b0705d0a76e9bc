"""Chooses the number of threads of the next step. Pure: the runner measures and obeys.

llama.cpp's threads wait for each other at every node of the graph by spinning. On two cores that other processes use
too, a step then takes ten times as long as one thread alone would need (measured under load: 271 ms against 44).
So when steps take far longer than calibration promised, one thread is tried, and the better of the two is kept for a
while. On more than MAX_TEAM cores one thread is no alternative, and nothing is tried.
"""

from collections.abc import Sequence

from bdchat.engine.kv.plan import KVPlan
from bdchat.engine.model_runner import Slice

MAX_TEAM = 4
COLLAPSED = 3.0  # a step took this many times its expected time; deep contexts alone reach it, hence the trial
NUM_TRIAL_STEPS = 3
MIN_HOLD_S, MAX_HOLD_S = 1.0, 30.0  # between trials; doubled whenever a trial changes nothing
_KEPT_SHARE = 0.5  # of the running mean at each new step
_BETTER = 0.9  # a trial must win by a tenth


class ThreadTeam:
    """Two ways to run, all threads (`full`) or one; `n_threads` is the current one."""

    def __init__(self, n_threads: int, plan: KVPlan) -> None:
        self.n_threads = n_threads
        self.full = n_threads
        self._plan = plan
        self._is_adaptive = plan.is_measured and 1 < n_threads <= MAX_TEAM
        self._slowness: dict[int, float] = {}  # threads → running mean of taken ÷ expected
        self._num_steps = 0  # since the last change
        self._is_trial = False
        self._hold_s = MIN_HOLD_S
        self._next_trial_s = 0.0

    def observe(self, slices: Sequence[Slice], took_s: float, now_s: float) -> bool:
        """After each step. True when n_threads has changed."""
        if not self._is_adaptive:
            return False
        slowness = 1000 * took_s / self._expected_ms(slices)
        known = self._slowness.get(self.n_threads)
        if known is not None and self._num_steps > 0:
            slowness = _KEPT_SHARE * known + (1 - _KEPT_SHARE) * slowness
        self._slowness[self.n_threads] = slowness
        self._num_steps += 1
        if self._num_steps < NUM_TRIAL_STEPS:
            return False
        return self._judge_trial(now_s) if self._is_trial else self._begin_trial(now_s)

    def _judge_trial(self, now_s: float) -> bool:
        self._is_trial = False
        is_better = self._slowness[self.n_threads] < _BETTER * self._slowness[self._other]
        self._hold_s = MIN_HOLD_S if is_better else min(MAX_HOLD_S, 2 * self._hold_s)
        self._next_trial_s = now_s + self._hold_s
        if not is_better:
            self._change()
        return not is_better

    def _begin_trial(self, now_s: float) -> bool:
        is_doubtful = self.n_threads != self.full or self._slowness[self.n_threads] > COLLAPSED
        if not is_doubtful or now_s < self._next_trial_s:
            return False
        self._is_trial = True
        self._change()
        return True

    def _change(self) -> None:
        self.n_threads = self._other
        self._num_steps = 0

    @property
    def _other(self) -> int:
        return 1 if self.n_threads == self.full else self.full

    def _expected_ms(self, slices: Sequence[Slice]) -> float:
        # several outputs: a next token with guesses behind it
        num_decodes = sum(1 for piece in slices if len(piece.tokens) == 1 or piece.num_outputs > 1)
        num_prefill = sum(len(piece.tokens) for piece in slices) - num_decodes
        base = self._plan.base_ms if num_decodes else 0.0
        return max(
            0.1,
            base + max(0, num_decodes - 1) * self._plan.ms_per_decode + num_prefill * self._plan.ms_per_prefill_token,
        )
