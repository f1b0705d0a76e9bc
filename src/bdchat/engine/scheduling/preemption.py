"""Who gives way, to whom, and how: to those that outrank them, and when cells run out. Loop thread only.

Who gave way has lost nothing but time: its state comes back as it was. Who outranks whom is the ranking's to say
(fairness/rank.py), which also sees to it that two never change places for ever.
"""

from collections.abc import Callable
from collections.abc import Sequence as SequenceOf

from bdchat.engine.metrics import Counts
from bdchat.engine.scheduling.admission import SequenceAdmission
from bdchat.engine.scheduling.fairness.rank import Ranking, Standings
from bdchat.engine.scheduling.places import Places
from bdchat.engine.scheduling.sequence import Sequence
from bdchat.engine.scheduling.step_plan import Part, RepeatablePlan, StepPlan


class Preemption:
    """Owned by the scheduler."""

    def __init__(
        self,
        places: Places,
        admission: SequenceAdmission,
        ranking: Ranking,
        counts: Counts,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._places = places
        self._admission = admission
        self._ranking = ranking
        self._counts = counts
        self._clock = clock
        self._most_tokens: int | None = None  # of a step, while llama.cpp finds no slot for more

    @property
    def victim(self) -> Sequence:
        """Of those that run, the one that gives way first. Somebody runs."""
        running = self._places.running
        return max(running, key=self._ranking.standings(running, self._clock()).yielding)

    def make_places(self) -> None:
        """Who waits, could run now and outranks some that do gets the place of those. Nobody gives way in vain."""
        waiting, running = self._places.waiting, self._places.running
        for _ in range(len(running)):
            if not len(waiting) or not self._replace_one():
                return

    def _replace_one(self) -> bool:
        running = self._places.running
        standings = self._ranking.standings(running, self._clock())
        for sequence in self._places.waiting.challengers(standings):
            victims = self._victims_of(sequence, standings)
            if victims:
                for victim in victims:
                    self.preempt(victim)
                return self._admission.try_admit(sequence)
        return False

    def preempt(self, sequence: Sequence) -> None:
        """It goes on later, with nothing lost but time."""
        self._places.give_way(sequence)
        self._counts.num_preemptions += 1

    # --- llama.cpp finds no slot, though the ledger has room ----------------------------------------------------------

    def halve(self, parts: SequenceOf[Part]) -> bool:
        """The next steps have half of the tokens that these parts had. False: none of them can do with less."""
        num_tokens = sum(part.num_tokens + len(part.draft.tokens) for part in parts)
        was_refused = self._most_tokens is not None and num_tokens > self._most_tokens
        if num_tokens <= len(parts) or was_refused:
            return False
        self._most_tokens = max(len(parts), num_tokens // 2)
        return True

    def found_slot(self) -> None:
        self._most_tokens = None

    def cut(self, plan: StepPlan | RepeatablePlan) -> None:
        """To what the last refusal leaves."""
        if self._most_tokens is not None:
            while plan.num_tokens > self._most_tokens and plan.shrink(self._most_tokens):
                pass

    def _victims_of(self, sequence: Sequence, standings: Standings) -> list[Sequence]:
        """As few as it needs, and none where all that it outranks would not do. Each is outranked when those before it
        are gone: two users that took each other's last place in turn would never get on."""
        outranked = [other for other in self._places.running if standings.outranks(sequence, other)]
        if not outranked or self._admission.waits_for_prefix(sequence):
            return []
        victims: list[Sequence] = []
        fits = False
        for other in sorted(outranked, key=standings.yielding, reverse=True):
            if standings.outranks(sequence, other):
                victims.append(other)
                standings.leave(other)
                if fits := self._admission.fits(sequence, without=victims):
                    break
        for victim in victims:
            standings.enter(victim)
        return victims if fits else []
