"""Who of those that wait gets a place now. Loop thread only."""

from collections.abc import Callable

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.metrics import Counts
from bdchat.engine.model_runner import KVLayout, ModelRunner
from bdchat.engine.scheduling.fairness.waiting import shares_running_prefill
from bdchat.engine.scheduling.pace.growth import AnswerGrowth
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.places import Places
from bdchat.engine.scheduling.sequence import Sequence
from bdchat.engine.scheduling.telling.reuse import note_claim

MAX_PASSED_OVER_S = 5.0


class SequenceAdmission:
    """Owned by the scheduler."""

    def __init__(
        self,
        runner: ModelRunner,
        kv_cache: KVCache,
        places: Places,
        growth: AnswerGrowth,
        counts: Counts,
        *,
        cost: StepCost,
        clock: Callable[[], float],
    ) -> None:
        self._runner = runner
        self._kv_cache = kv_cache
        self._places = places
        self._growth = growth
        self._counts = counts
        self._cost = cost
        self._clock = clock

    def admit(self) -> None:
        """Fills free places from the line, as far as the cells allow."""
        places, now = self._places, self._clock()
        if not len(places.waiting) or not places.num_free:
            return
        for sequence in places.waiting.candidates():
            if not places.num_free:
                return
            if not self._try_admit(sequence):
                if now - sequence.arrived_at > MAX_PASSED_OVER_S and sequence.num_passed_over:
                    return
                continue
            for earlier in places.waiting:
                if earlier.arrived_at < sequence.arrived_at and not shares_running_prefill(earlier, places.running, 0):
                    earlier.num_passed_over += 1

    def _try_admit(self, sequence: Sequence) -> bool:
        may_reuse = sequence.request.cache_prompt and not sequence.is_deterministic
        reuse = may_reuse and not sequence.wants_prompt_logprobs
        num_reusable = self._kv_cache.num_reusable(sequence.tokens) if reuse else 0
        if reuse and shares_running_prefill(sequence, self._places.running, num_reusable):
            return False
        if not self._fits(sequence):
            return False
        began = self._clock()
        claim = self._kv_cache.claim(sequence.tokens, reuse=reuse)
        if claim is None:
            return False
        self._places.enter(sequence, claim)
        num_cached = min(claim.num_cached_tokens, sequence.num_prompt_tokens)
        sequence.num_charged_tokens = max(sequence.num_charged_tokens, num_cached)
        if sequence.num_cached_tokens is None:
            note_claim(sequence, claim, self._counts, self._cost, claim_ms=1000 * (self._clock() - began))
        return True

    def _fits(self, sequence: Sequence) -> bool:
        """Its own tokens, its expected answer and what the running ones are expected to add still fit the cells."""
        running = self._places.running
        if self._runner.layout is KVLayout.STREAMS or not running:
            return True
        # Cells shared with a running sequence are free; idle ones count as available, so reusing them costs.
        num_free = self._kv_cache.num_shared_with_live(sequence.tokens)
        need = len(sequence.tokens) - num_free + self._growth.of(sequence)
        promised = sum(s.num_pending + self._growth.of(s) for s in running)
        return need + promised <= self._kv_cache.num_available_cells
