"""The waiting line: every user's requests by arrival, and who of all may be next (rank.py). Loop thread only.

Who may pass whom, and how far:
- of another user, by its counter: no further than rank.py's band, while both wait;
- by a cached prefix or an earlier arrival: within the band only;
- of a better class, and by users who come and go: for AGEING_S at most, then the longest waiting one of each user and
  class goes before everybody, again AGEING_S after it was last given a place;
- for want of cells: others may pass one that does not fit until they have taken a band of cells, or MAX_PASSED_S have
  gone by; then nobody behind it is let in before it.
Nobody is passed by who waits behind a neighbour's prompt or at a limit of its own user: these wait for themselves.
"""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as SequenceOf
from heapq import nsmallest
from itertools import chain, groupby, islice

from bdchat.engine.kv.prefix_tree import num_common
from bdchat.engine.request import Priority
from bdchat.engine.scheduling.fairness.rank import AGEING_S, Ranking, Standings
from bdchat.engine.scheduling.sequence import Sequence

LOOK_AHEAD = 8  # sequences whose cached prefixes are compared, and that are tried when others do not fit
SCANNED = 32  # of which some may be held back
MAX_PASSED_S = 5.0
BATCH_PATIENCE = 10
MIN_PREFERRED_TOKENS = 256  # cached ones that let a prompt go before an earlier one; fewer are half a chunk
# Waiting for a neighbour's prompt pays from so many common tokens on; choices of one request share any number.
MIN_SHARED_TOKENS = 64
# And only while the neighbour has at least so many of them still to read.
MIN_GAIN_TOKENS = 4


class UserLine:
    """What waits of one user and class. Who gave way stands before who never ran."""

    def __init__(self, user: str, priority: Priority) -> None:
        self.user = user
        self.priority = priority
        self.paused: dict[Sequence, None] = {}
        self.fresh: dict[Sequence, None] = {}
        self.last_given_at = 0.0

    def __len__(self) -> int:
        return len(self.paused) + len(self.fresh)

    def __iter__(self) -> Iterator[Sequence]:
        return chain(self.paused, self.fresh)

    @property
    def head(self) -> Sequence:
        return next(iter(self.paused or self.fresh))

    @property
    def waits_since(self) -> float:
        """With something waiting and nothing given a place."""
        head = self.head
        return max(self.last_given_at, head.arrived_at if head.paused_at is None else head.paused_at)


class WaitingLine:
    """Owned by the scheduler's places. `version` changes with what waits."""

    def __init__(self, ranking: Ranking) -> None:
        self._ranking = ranking
        self._lines: dict[tuple[Priority, str], UserLine] = {}
        self._in_line: dict[Sequence, UserLine] = {}
        self._never_ran: dict[Sequence, None] = {}  # by arrival
        self._passed: dict[Sequence, tuple[float, int]] = {}  # since when, by how many tokens
        self.version = 0

    def __len__(self) -> int:
        return len(self._in_line)

    def __iter__(self) -> Iterator[Sequence]:
        """In no order that means anything; also while they leave."""
        return iter(list(self._in_line))

    @property
    def num_queued(self) -> int:
        """Those that never had a place."""
        return len(self._never_ran)

    @property
    def paused(self) -> list[Sequence]:
        return [sequence for line in self._lines.values() for sequence in line.paused]

    def append(self, sequence: Sequence, running: Iterable[Sequence], now: float) -> None:
        """A new request of its user."""
        standings = self._ranking.standings(running, now)
        request = sequence.request
        self._ranking.counters.arrive(
            request.user,
            waiting={line.user for line in self._of(request.priority) if has_free_share(line.head, standings)},
            running={s.request.user for s in standings.running if s.request.priority is request.priority},
            others={*(s.request.user for s in standings.running), *(line.user for line in self._lines.values())},
            slack=self._ranking.band,
        )
        self._line_of(sequence).fresh[sequence] = None
        self._never_ran[sequence] = None

    def put_back(self, sequence: Sequence) -> None:
        """It gave its place to others: it stands by its rank, as its user's first."""
        line = self._line_of(sequence)
        line.paused = {sequence: None, **line.paused}

    def give_place(self, sequence: Sequence, now: float) -> None:
        self._in_line[sequence].last_given_at = now
        self.remove(sequence)

    def remove(self, sequence: Sequence) -> None:
        line = self._in_line.pop(sequence)
        line.paused.pop(sequence, None)
        line.fresh.pop(sequence, None)
        self._never_ran.pop(sequence, None)
        self._passed.pop(sequence, None)
        if not len(line):
            del self._lines[line.priority, line.user]
        self.version += 1

    def overdue(self, now: float, timeout_s: float) -> list[Sequence]:
        """Those that never had a place for so long; for a batch request BATCH_PATIENCE times as long, since it is there
        to wait for others."""
        found: list[Sequence] = []
        for sequence in self._never_ran:
            waited_s = now - sequence.arrived_at
            if waited_s <= timeout_s:
                break
            if waited_s > timeout_s * BATCH_PATIENCE or sequence.request.priority is Priority.INTERACTIVE:
                found.append(sequence)
        return found

    def num_requests_of(self, user: str) -> int:
        """That never had a place."""
        lines = [line for line in self._lines.values() if line.user == user]
        return len({sequence.request.request_id for line in lines for sequence in line.fresh})

    # --- who is next --------------------------------------------------------------------------------------------------

    def candidates(
        self, standings: Standings, saved: Callable[[Sequence], int | None] = lambda _: 0
    ) -> Iterator[Sequence]:
        """Those that may get a place now, the best first. `saved`: tokens of a cached prefix that need not be computed;
        None: it is held back."""
        lines = [line for line in self._lines.values() if has_free_share(line.head, standings)]
        due_since = standings.now - AGEING_S
        due = [line for line in lines if line.last_given_at <= due_since and line.waits_since <= due_since]
        tried: set[Sequence] = set()
        for line in nsmallest(LOOK_AHEAD, due, key=lambda line: line.waits_since):
            if saved(line.head) is not None:
                tried.add(line.head)
                yield line.head
        for _, group in groupby(_ranked(lines, standings), key=lambda entry: entry[0]):
            yield from (s for s in _by_prefix([entry[-1] for entry in group], standings, saved) if s not in tried)

    def is_due(self, sequence: Sequence, now: float) -> bool:
        """Asked before it is given a place."""
        line = self._in_line[sequence]
        return sequence is line.head and line.waits_since <= now - AGEING_S

    def challengers(self, standings: Standings) -> list[Sequence]:
        """Those that might outrank somebody who runs, the best first: of the best class, with nothing running, served
        least."""
        counter, runs = self._ranking.counters.of, standings.num_running_of
        found: list[tuple[bool, bool, int, float, int, Sequence]] = []
        for (priority, user), line in self._lines.items():
            if standings.may_outrank(user, priority) and has_free_share(head := line.head, standings):
                key = (priority is Priority.BATCH, runs(user) > 0, counter(user), head.arrived_at, len(found))
                found.append((*key, head))
        poor, others = [key for key in found if not key[1]], [key for key in found if key[1]]
        best = nsmallest(LOOK_AHEAD // 2, poor) + nsmallest(LOOK_AHEAD // 2, others)
        return [key[-1] for key in sorted(best)]

    def in_order(self, standings: Standings) -> list[Sequence]:
        """As they are expected to get places: what goes before one of its user counts as served by then."""
        served_of = {line: standings.served(line.user) for line in self._lines.values()}
        least: dict[Priority, int] = {}
        for line, served in served_of.items():
            least[line.priority] = min(served, least.get(line.priority, served))
        keyed: list[tuple[bool, int, bool, float, int, Sequence]] = []
        for line, served in served_of.items():
            is_batch, runs = line.priority is Priority.BATCH, standings.num_running_of(line.user) > 0
            for sequence in line:
                band = (served - least[line.priority]) // standings.band
                keyed.append((is_batch, band, runs, sequence.arrived_at, len(keyed), sequence))
                served, runs = served + self._ranking.cost_of(sequence), True  # noqa: PLW2901  foreseen
        keyed.sort(key=lambda entry: entry[:5])
        return [entry[5] for entry in keyed]

    # --- who does not fit ---------------------------------------------------------------------------------------------

    def note_passed(self, passed: Iterable[Sequence], num_tokens: int, now: float) -> None:
        """Another took so many cells that these have waited for."""
        for sequence in passed:
            since, before = self._passed.get(sequence, (now, 0))
            self._passed[sequence] = (since, before + num_tokens)

    def is_wall(self, sequence: Sequence, now: float) -> bool:
        """Enough have passed it."""
        since, num_tokens = self._passed.get(sequence, (now, 0))
        return num_tokens > self._ranking.band or now - since > MAX_PASSED_S

    def _of(self, priority: Priority) -> list[UserLine]:
        return [line for line in self._lines.values() if line.priority is priority]

    def _line_of(self, sequence: Sequence) -> UserLine:
        user, priority = sequence.request.user, sequence.request.priority
        line = self._lines.setdefault((priority, user), UserLine(user, priority))
        self._in_line[sequence] = line
        self.version += 1
        return line


def has_free_share(sequence: Sequence, standings: Standings) -> bool:
    """Its user runs fewer than it may at once."""
    most = sequence.request.max_running
    return not most or standings.num_running_of(sequence.request.user) < most


def _ranked(lines: list[UserLine], standings: Standings) -> list[tuple[tuple[bool, int, bool], float, int, UserLine]]:
    """The first of them by class, band and who has nothing running, then by arrival."""
    served = [standings.served(line.user) for line in lines]
    least: dict[Priority, int] = {}
    for line, num_tokens in zip(lines, served, strict=True):
        if num_tokens < least.get(line.priority, num_tokens + 1):
            least[line.priority] = num_tokens
    keyed = [
        (
            (
                line.priority is Priority.BATCH,
                (num_tokens - least[line.priority]) // standings.band,
                standings.num_running_of(line.user) > 0,
            ),
            line.head.arrived_at,
            place,
            line,
        )
        for place, (line, num_tokens) in enumerate(zip(lines, served, strict=True))
    ]
    return nsmallest(LOOK_AHEAD, keyed)


def _by_prefix(lines: list[UserLine], standings: Standings, saved: Callable[[Sequence], int | None]) -> list[Sequence]:
    """The first of these lines, those first that have most of their tokens already."""
    first = [sequence for line in lines for sequence in islice(line, SCANNED)]
    first.sort(key=lambda sequence: sequence.arrived_at)
    found: list[tuple[int, int, Sequence]] = []
    for place, sequence in enumerate(first[:SCANNED]):
        num_saved = saved(sequence) if has_free_share(sequence, standings) else None
        if num_saved is not None:
            found.append((-num_saved if num_saved >= MIN_PREFERRED_TOKENS else 0, place, sequence))
        if len(found) == LOOK_AHEAD:
            break
    return [sequence for _, _, sequence in sorted(found, key=lambda entry: entry[:2])]


def shares_running_prefill(waiting: Sequence, running: SequenceOf[Sequence], num_reusable: int) -> bool:
    """A running sequence is computing a prefix that `waiting` wants, and has not finished it: hold back, then share."""
    wanted = waiting.tokens[:-1]
    for other in running:
        if other.num_pending <= 1:
            continue
        sibling = other.request.request_id == waiting.request.request_id
        num_shared = num_common(other.tokens, wanted, 0)
        if num_shared < (MIN_GAIN_TOKENS if sibling else MIN_SHARED_TOKENS):
            continue
        if num_shared - max(num_reusable, other.num_computed_tokens) >= MIN_GAIN_TOKENS:
            return True
    return False
