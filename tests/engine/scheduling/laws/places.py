"""Who gets a place, and what is told of it: the laws of the line, held after every step."""

from collections.abc import Iterable, Sequence

from bdchat.engine.kv.prefix_tree import num_common
from bdchat.engine.model_runner import KVLayout
from bdchat.engine.request import Event, Priority, Progress
from bdchat.engine.scheduling.fairness.rank import AGEING_S
from bdchat.engine.scheduling.fairness.waiting import MIN_GAIN_TOKENS, MIN_SHARED_TOKENS
from bdchat.engine.scheduling.sequence import Sequence as Answer
from tests.engine.scheduling.laws.callers import hold

_STALE_S = 1.0  # a place is told twice a second at most
_STALE_STEPS = 3

Line = tuple[str, Priority]  # a user's answers of one class


class LineWatch:
    """Of one engine's life. What it compares with is its own: who waited before a step and who runs after it."""

    def __init__(self, layout: KVLayout) -> None:
        self._always_fits = layout is KVLayout.STREAMS  # so that nobody passes for want of cells
        self._running: set[Answer] = set()
        self._waiting: Sequence[Answer] = ()
        self._since: dict[Answer, float] = {}  # when each came into the line, at first or again
        self._given_at: dict[Line, float] = {}  # when one of the line was last given a place
        self._told: dict[str, int | None] = {}
        self._true: dict[str, tuple[int, float, int]] = {}  # place, since when, steps since then

    def before(self, running: Sequence[Answer], waiting: Sequence[Answer]) -> None:
        """A step begins."""
        self._waiting = waiting
        self._running = set(running)
        self._since = {a: a.arrived_at if a.paused_at is None else a.paused_at for a in waiting}

    def after(
        self,
        running: Sequence[Answer],
        waiting: Sequence[Answer],
        events: Iterable[Event],
        *,
        began_at: float,
        now: float,
    ) -> None:
        if not self._waiting and not waiting:
            return
        still = set(waiting)
        given = [a for a in self._waiting if a not in still and a.admitted_at is not None and a.paused_at is None]
        if self._always_fits:
            self._hold_order(given, still, [*self._running, *given], began_at)
        for answer in given:
            self._given_at[_line_of(answer)] = began_at
        for place, answer in enumerate(running):
            most = answer.request.max_running
            if most and answer not in self._running:
                num = sum(other.request.user == answer.request.user for other in running[:place])
                hold("nobody is given more places than its limit", num < most, (answer.request.request_id, num))
        self._hear(events, waiting, now)

    def _hold_order(self, given: Sequence[Answer], still: set[Answer], running: Sequence[Answer], at: float) -> None:
        """Nobody is given a place before who is due, nor a batch answer before an interactive one. Who waits for a
        neighbour's prompt or at its user's limit waits for itself. `still`: who waits on; `running`: at that time."""
        heads: dict[Line, Answer] = {}
        for answer in self._waiting:
            heads.setdefault(_line_of(answer), answer)
        passed = [a for a in heads.values() if a in still and not _waits_for_itself(a, running)]
        if not still.isdisjoint(self._running):
            return  # who took another's place took it from that one alone
        for other in given:
            is_due = at - self._waits_since(other) >= AGEING_S
            for answer in passed:
                told = (answer.request.request_id, other.request.request_id)
                if at - self._waits_since(answer) >= AGEING_S:
                    is_longer = self._waits_since(other) <= self._waits_since(answer)
                    hold("nobody goes before who is due", is_due and is_longer, told)
                if answer.request.priority is Priority.INTERACTIVE and other.request.priority is Priority.BATCH:
                    hold("interactive answers go before batch ones", is_due, told)

    def _waits_since(self, answer: Answer) -> float:
        return max(self._since[answer], self._given_at.get(_line_of(answer), 0.0))

    def _hear(self, events: Iterable[Event], waiting: Sequence[Answer], now: float) -> None:
        true = positions_of(waiting)
        fresh: list[int] = []
        for event in events:
            if isinstance(event, Progress):
                self._told[event.request_id] = event.queue_position
                if event.queue_position is not None:
                    fresh.append(event.queue_position)
                    is_true = event.queue_position == true.get(event.request_id)
                    hold("a place that is told is true", is_true, (event, true))
        hold("places are a permutation", len(set(fresh)) == len(fresh), fresh)
        followed = {a.request.request_id for a in waiting if a.request.wants_progress and a.index == 0}
        before, self._true = self._true, {}
        for request_id in followed:
            place = true[request_id]
            was, since, num_steps = before.get(request_id, (place, now, 0))
            if was != place:
                since, num_steps = now, 0
            self._true[request_id] = (place, since, num_steps + 1)
            if now - since > _STALE_S and num_steps > _STALE_STEPS:
                hold("everyone's place is told", self._told.get(request_id) == place, (request_id, place, self._told))


def positions_of(waiting: Iterable[Answer]) -> dict[str, int]:
    """Of the requests in a line of answers, from 1."""
    return {
        request_id: place for place, request_id in enumerate(dict.fromkeys(a.request.request_id for a in waiting), 1)
    }


def _line_of(answer: Answer) -> Line:
    return answer.request.user, answer.request.priority


def _waits_for_itself(answer: Answer, running: Iterable[Answer]) -> bool:
    request = answer.request
    num_running = 0
    for other in running:
        num_running += other.request.user == request.user
        num_shared = num_common(other.tokens, answer.tokens, 0)
        is_sibling = other.request.request_id == request.request_id
        if num_shared >= (MIN_GAIN_TOKENS if is_sibling else MIN_SHARED_TOKENS):
            return True
    return bool(request.max_running) and num_running >= request.max_running
