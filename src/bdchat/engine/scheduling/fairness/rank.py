"""The one order of all that wait and run. Pure: no cells, no clock of its own; loop thread only.

Of those that wait goes first
1. who is due: nothing of its user's and class got a place for AGEING_S; the longest wait first;
2. the better class: interactive before batch;
3. the user that has been served least, in bands of BAND_CHUNKS chunks. What its running answers are expected to cost
   counts as served, so that places that come free together are shared;
4. within the band a user with nothing running, then the longest prefix that is cached, then the earlier arrival.
So a cached prefix moves nobody out of its band (deficit longest prefix match: Cao et al., 2025).

What runs gives way to what waits only where `outranks` says so. Two never change places for ever: a better class never
gives way to a worse one, except that who came in as due keeps its place for QUANTUM_S; within a class either the number
of answers that users run gets more equal, or one user was served a band more than the other, and back again takes a
band of service the other way.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from bdchat.engine.request import Priority
from bdchat.engine.scheduling.fairness.counters import GENERATED_TOKEN_COST, PROMPT_TOKEN_COST, VirtualCounters
from bdchat.engine.scheduling.sequence import Sequence

BAND_CHUNKS = 4
FAIR_CHUNK = 128  # prompt tokens of a step beside answers; a step that reads alone takes more
AGEING_S = 30.0  # with something waiting and nothing given a place: then it goes before everybody
QUANTUM_S = 5.0  # that who came in so may run before anybody takes its place
ASKED_EVERY = 16  # tokens of an answer between two questions how many are still expected


class Ranking:
    """Owned by the scheduler. `expected`: how many tokens a sequence is expected to generate from now on."""

    def __init__(self, counters: VirtualCounters, *, chunk: int, expected: Callable[[Sequence], int]) -> None:
        self.counters = counters
        self.band = BAND_CHUNKS * chunk
        self._ask = expected

    def expected(self, sequence: Sequence) -> int:
        """Tokens still to come of it. Asked again every ASKED_EVERY tokens: all that run are asked in most steps."""
        num_generated = len(sequence.tokens) - sequence.num_prompt_tokens
        if sequence.growth_asked_at is None or num_generated - sequence.growth_asked_at >= ASKED_EVERY:
            sequence.growth_asked_at, sequence.growth_told = num_generated, self._ask(sequence)
        told = sequence.growth_told
        return max(min(1, told), told - (num_generated - sequence.growth_asked_at))

    def standings(self, running: Iterable[Sequence], now: float) -> "Standings":
        """As they are until somebody comes, goes or is charged. `now`: seconds of the scheduler's clock."""
        return Standings(self, list(running), now)

    def charge(self, sequence: Sequence, num_generated: int = 0) -> None:
        """To its user: what was computed of its prompt for the first time, and so many generated tokens. What has to be
        computed again since it gave way is on the house."""
        num_read = min(sequence.num_computed_tokens, sequence.num_prompt_tokens)
        num_new = max(0, num_read - sequence.num_charged_tokens)
        sequence.num_charged_tokens += num_new
        self.counters.charge(sequence.request.user, num_new, num_generated)

    def cost_of(self, sequence: Sequence) -> int:
        """What it is expected to be charged from now on."""
        num_prompt = max(0, sequence.num_prompt_tokens - max(sequence.num_computed_tokens, sequence.num_charged_tokens))
        return PROMPT_TOKEN_COST * num_prompt + GENERATED_TOKEN_COST * self.expected(sequence)


class Standings:
    """`now`: when they were taken."""

    def __init__(self, ranking: Ranking, running: list[Sequence], now: float) -> None:
        self.running = running
        self.now = now
        self._ranking = ranking
        self._counters = ranking.counters
        self.band = ranking.band
        self._num_running = Counter([s.request.user for s in running])
        self._committed: dict[str, int] | None = None  # not asked for yet
        self._most_served: dict[Priority, int] | None = None  # of the users that run something of a class

    def enter(self, sequence: Sequence) -> None:
        """It runs too now."""
        self.running.append(sequence)
        user = sequence.request.user
        self._num_running[user] += 1
        if self._committed is not None:
            self._committed[user] = self._committed.get(user, 0) + self._ranking.cost_of(sequence)

    def leave(self, sequence: Sequence) -> None:
        """It runs no longer."""
        self.running.remove(sequence)
        user = sequence.request.user
        self._num_running[user] -= 1
        if self._committed is not None:
            self._committed[user] -= self._ranking.cost_of(sequence)

    def num_running_of(self, user: str) -> int:
        return self._num_running.get(user, 0)

    def served(self, user: str) -> int:
        """What it was charged and what its running sequences are expected to be."""
        if self._committed is None:
            self._committed = {}
            for sequence in self.running:
                other = sequence.request.user
                self._committed[other] = self._committed.get(other, 0) + self._ranking.cost_of(sequence)
        return self._counters.of(user) + self._committed.get(user, 0)

    def may_outrank(self, user: str, priority: Priority) -> bool:
        """False: nobody who runs gives way to a request like that. Asked of many that wait, in every step."""
        if self._most_served is None:
            self._most_served = {}
            for sequence in self.running:
                other, served = sequence.request.priority, self._counters.of(sequence.request.user)
                self._most_served[other] = max(self._most_served.get(other, served), served)
        if priority is Priority.INTERACTIVE and Priority.BATCH in self._most_served:
            return True
        if priority not in self._most_served:
            return False
        if self._most_served[priority] - self._counters.of(user) > self.band:
            return True
        return user not in self._num_running and max(self._num_running.values()) > 1

    def outranks(self, waiting: Sequence, running: Sequence) -> bool:
        """Whether `running` gives its place to `waiting`: it is of a worse class, or of the same and its user was
        served a band more and runs no fewer; or its user runs two or more and the other's none."""
        if self.now < running.keeps_place_until:
            return False
        if waiting.request.priority is not running.request.priority:
            return running.request.priority is Priority.BATCH
        ahead = self._counters.of(running.request.user) - self._counters.of(waiting.request.user)
        num_running, num_other = self._num_running[running.request.user], self._num_running[waiting.request.user]
        if waiting.request.user == running.request.user:
            return False
        if ahead > self.band:
            return num_running >= num_other
        return num_other == 0 and num_running > 1 and ahead >= -self.band

    def yielding(self, running: Sequence) -> tuple[bool, int, float, float, int]:
        """The greatest gives way first: worst class, largest counter, latest start."""
        request = running.request
        is_batch = request.priority is Priority.BATCH
        started = running.admitted_at or 0.0
        return (is_batch, self._counters.of(request.user), started, running.arrived_at, running.index)
