"""Who of those that wait gets a place now. Loop thread only."""

from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from weakref import WeakKeyDictionary

from bdchat.engine.kv.cache import KVCache, prompt_key
from bdchat.engine.metrics import Counts
from bdchat.engine.model_runner import KVLayout, ModelRunner
from bdchat.engine.scheduling.fairness.rank import QUANTUM_S, Ranking, Standings
from bdchat.engine.scheduling.fairness.waiting import LOOK_AHEAD, shares_running_prefill
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.places import Places
from bdchat.engine.scheduling.sequence import Sequence
from bdchat.engine.scheduling.telling.reuse import note_claim

FOUND_FOR_S = 1.0  # what was found of a prompt in the cache stands for so long
RETRY_S = 0.25  # of who did not fit, while nothing has changed that was noticed


class SequenceAdmission:
    """Owned by the scheduler."""

    def __init__(
        self,
        runner: ModelRunner,
        kv_cache: KVCache,
        places: Places,
        counts: Counts,
        *,
        ranking: Ranking,
        cost: StepCost,
        clock: Callable[[], float],
    ) -> None:
        self._runner = runner
        self._kv_cache = kv_cache
        self._places = places
        self._counts = counts
        self._ranking = ranking
        self._stuck, self._stuck_until = (-1, 0, 0, 0), 0.0
        self._found: WeakKeyDictionary[Sequence, tuple[int, float, int]] = WeakKeyDictionary()
        self._keys: WeakKeyDictionary[Sequence, tuple[int, bytes]] = WeakKeyDictionary()  # of how many tokens
        self._promised: dict[Sequence, int] = {}  # cells that those who run are expected to add, as of this step
        self._cost = cost
        self._clock = clock

    def begin_step(self) -> None:
        """Something has been computed since the last one."""
        self._promised.clear()

    def admit(self) -> None:
        """Fills free places from the line, as far as the cells allow."""
        places, now = self._places, self._clock()
        if not len(places.waiting) or not places.num_free or self._is_stuck(now):
            return
        standings = self._ranking.standings(places.running, now)
        while places.num_free and len(places.waiting) and (admitted := self._admit_one(standings)) is not None:
            standings.enter(admitted)
        self._stuck, self._stuck_until = self._scene(), now + RETRY_S

    def _is_stuck(self, now: float) -> bool:
        """Nobody found a place in the last step, and nothing has changed that could give one."""
        return now < self._stuck_until and self._stuck == self._scene()

    def _scene(self) -> tuple[int, int, int, int]:
        """What waits, what runs, and how far the prompts are read that others wait for."""
        running = self._places.running
        num_read = [s.num_computed_tokens for s in running if not s.is_decoding]
        return self._places.waiting.version, len(running), len(num_read), sum(num_read)

    def _admit_one(self, standings: Standings) -> Sequence | None:
        line, passed = self._places.waiting, list[Sequence]()
        for sequence in line.candidates(standings, self._num_saved):
            self._found.pop(sequence, None)  # who is about to get a place is looked up again
            if self._num_saved(sequence) is None:
                continue
            is_due = line.is_due(sequence, standings.now)
            if self._try_admit(sequence):
                if is_due:
                    sequence.keeps_place_until = standings.now + QUANTUM_S
                line.note_passed(passed, sequence.num_pending + self._ranking.expected(sequence), standings.now)
                return sequence
            passed.append(sequence)
            if line.is_wall(sequence, standings.now) or len(passed) == LOOK_AHEAD:
                return None
        return None

    def try_admit(self, sequence: Sequence) -> bool:
        """False: it goes on waiting."""
        return not self.waits_for_prefix(sequence) and self._try_admit(sequence)

    def waits_for_prefix(self, sequence: Sequence) -> bool:
        """Somebody reads what it wants to share right now."""
        return self._num_saved(sequence) is None

    def _num_saved(self, sequence: Sequence) -> int | None:
        """Tokens of a prefix that is cached, or its own since it gave way. None: it waits for one that is read."""
        paused = sequence.paused_state
        if paused is not None and paused.is_kept:
            return len(paused.tokens)
        if not _may_reuse(sequence):
            return 0
        num_reusable = self._num_reusable(sequence)
        reading = [other for other in self._places.running if not other.is_decoding]
        if reading and shares_running_prefill(sequence, reading, num_reusable):
            self._found.pop(sequence, None)  # there will be more of it
            return None
        return num_reusable

    def _num_reusable(self, sequence: Sequence) -> int:
        """As of a moment ago, of so many tokens: it orders those that wait, and a claim looks again."""
        found, now = self._found.get(sequence), self._clock()
        if found is None or now - found[1] > FOUND_FOR_S or len(sequence.tokens) != found[2]:
            found = (self._kv_cache.num_reusable(self._key_of(sequence)), now, len(sequence.tokens))
            self._found[sequence] = found
        return found[0]

    def _key_of(self, sequence: Sequence) -> bytes:
        """Of its tokens, for the cache: made once while it waits, for they are looked up again and again."""
        num_tokens, key = self._keys.get(sequence, (0, b""))
        if num_tokens != len(sequence.tokens):
            key = prompt_key(sequence.tokens)
            self._keys[sequence] = len(sequence.tokens), key
        return key

    def _try_admit(self, sequence: Sequence) -> bool:
        if not self.fits(sequence):
            return False
        began = self._clock()
        paused = sequence.paused_state
        if paused is not None and paused.is_kept:
            claim = self._places.state_back(paused)
        else:
            claim = self._kv_cache.claim(sequence.tokens, key=self._key_of(sequence), reuse=_may_reuse(sequence))
        if claim is None:
            return False
        self._places.enter(sequence, claim)
        self._keys.pop(sequence, None)
        self._promised.pop(sequence, None)
        num_cached = min(claim.num_cached_tokens, sequence.num_prompt_tokens)
        sequence.num_charged_tokens = max(sequence.num_charged_tokens, num_cached)
        if sequence.num_cached_tokens is None:
            note_claim(sequence, claim, self._counts, self._cost, claim_ms=1000 * (self._clock() - began))
        return True

    def fits(self, sequence: Sequence, *, without: SequenceOf[Sequence] = ()) -> bool:
        """Its own tokens, its expected answer and what the running ones are expected to add still fit the cells.
        `without`: as if these did not run."""
        running = self._places.running
        if without:
            running = [other for other in running if other not in without]
        if self._runner.layout is KVLayout.STREAMS or not running:
            return True
        # Cells shared with a running sequence are free; idle ones count as available, so reusing them costs.
        paused_ids = {other.seq_id for other in without if other.seq_id is not None}
        num_free = 0
        if sequence.paused_state is None or sequence.paused_state.state is None:  # a state from RAM shares nothing
            num_free = self._kv_cache.num_shared_with_live(self._key_of(sequence), without=paused_ids)
        need = len(sequence.tokens) - num_free + self._ranking.expected(sequence)
        promised = sum([self._promised.get(other) or self._promise(other) for other in running])
        return need + promised <= self._kv_cache.num_available_without(paused_ids)

    def _promise(self, running: Sequence) -> int:
        """Asked of all that run, for everybody who is tried."""
        self._promised[running] = promised = running.num_pending + self._ranking.expected(running)
        return promised


def _may_reuse(sequence: Sequence) -> bool:
    return sequence.request.shares_cache and not sequence.wants_prompt_logprobs
