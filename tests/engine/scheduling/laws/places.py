"""Who gets a place, and what is told of it: the laws of the line, held after every step."""

from collections.abc import Iterable, Sequence

from bdchat.engine.request import Event, Priority, Progress
from bdchat.engine.scheduling.sequence import Sequence as Answer
from tests.engine.scheduling.laws.callers import hold

_STALE_S = 1.0  # a place is told twice a second at most
_STALE_STEPS = 3

Line = tuple[str, Priority]  # a user's answers of one class


class LineWatch:
    """Of one engine's life."""

    def __init__(self) -> None:
        self._waits = False
        self._told: dict[str, int | None] = {}
        self._true: dict[str, tuple[int, float, int]] = {}  # place, since when, steps since then

    def after(self, waiting: Sequence[Answer], events: Iterable[Event], now: float) -> None:
        """A step."""
        if self._waits or waiting:
            self._hear(events, waiting, now)
        self._waits = bool(waiting)

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
