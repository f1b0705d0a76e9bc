"""Who of those that wait gets a place now. Loop thread only."""

from collections.abc import Callable
from collections.abc import Sequence as SequenceOf

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
            if not self.try_admit(sequence):
                if now - sequence.arrived_at > MAX_PASSED_OVER_S and sequence.num_passed_over:
                    return
                continue
            for earlier in places.waiting:
                if earlier.arrived_at < sequence.arrived_at and not shares_running_prefill(earlier, places.running, 0):
                    earlier.num_passed_over += 1

    def try_admit(self, sequence: Sequence) -> bool:
        """False: it goes on waiting."""
        if self.waits_for_prefix(sequence) or not self.fits(sequence):
            return False
        began = self._clock()
        paused = sequence.paused_state
        if paused is not None and paused.is_kept:
            claim = self._places.state_back(paused)
        else:
            claim = self._kv_cache.claim(sequence.tokens, reuse=_may_reuse(sequence))
        if claim is None:
            return False
        self._places.enter(sequence, claim)
        num_cached = min(claim.num_cached_tokens, sequence.num_prompt_tokens)
        sequence.num_charged_tokens = max(sequence.num_charged_tokens, num_cached)
        if sequence.num_cached_tokens is None:
            note_claim(sequence, claim, self._counts, self._cost, claim_ms=1000 * (self._clock() - began))
        return True

    def waits_for_prefix(self, sequence: Sequence) -> bool:
        """Somebody reads what it wants to share right now."""
        paused = sequence.paused_state
        if not _may_reuse(sequence) or (paused is not None and paused.is_kept):
            return False
        return shares_running_prefill(sequence, self._places.running, self._kv_cache.num_reusable(sequence.tokens))

    def fits(self, sequence: Sequence, *, without: SequenceOf[Sequence] = ()) -> bool:
        """Its own tokens, its expected answer and what the running ones are expected to add still fit the cells.
        `without`: as if these did not run."""
        running = [other for other in self._places.running if other not in without]
        if self._runner.layout is KVLayout.STREAMS or not running:
            return True
        # Cells shared with a running sequence are free; idle ones count as available, so reusing them costs.
        paused_ids = {other.seq_id for other in without if other.seq_id is not None}
        num_free = 0
        if sequence.paused_state is None or sequence.paused_state.state is None:  # a state from RAM shares nothing
            num_free = self._kv_cache.num_shared_with_live(sequence.tokens, without=paused_ids)
        need = len(sequence.tokens) - num_free + self._growth.of(sequence)
        promised = sum(s.num_pending + self._growth.of(s) for s in running)
        return need + promised <= self._kv_cache.num_available_without(paused_ids)


def _may_reuse(sequence: Sequence) -> bool:
    may_share = sequence.request.cache_prompt and not sequence.is_deterministic
    return may_share and not sequence.wants_prompt_logprobs
