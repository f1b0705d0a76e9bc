"""Progress events of requests that asked: their place in line, how far the prompt is read, that they are paused, and
when they are expected to get their next token. Loop thread only.

A change of what a request does is told with the next step; everything else at most every MIN_GAP_S, and only where it
says something new: the time that is left counts down by itself.
"""

from collections.abc import Iterable
from typing import NamedTuple

from bdchat.engine.request import Progress
from bdchat.engine.scheduling.sequence import Sequence
from bdchat.engine.scheduling.telling.eta import WaitEstimates

MIN_GAP_S = 0.5  # between two reports of one request
# What was told of the time left stands while it is off by no more than the larger of these.
TOLERANCE_S = 1.0
TOLERANCE_SHARE = 0.1


class _Stand(NamedTuple):
    place: int | None  # None: it has one
    num_read: int
    is_paused: bool
    ready_at: float | None


class _Told(NamedTuple):
    stand: _Stand
    at: float


class ProgressWatch:
    """Owned by the scheduler. Costs nothing while nobody asks."""

    def __init__(self, estimates: WaitEstimates) -> None:
        self._estimates = estimates
        self._watched: dict[str, Sequence] = {}
        self._told: dict[str, _Told] = {}

    def watch(self, sequence: Sequence) -> None:
        """It is about to wait: its first choice is followed where its request asked."""
        if sequence.request.wants_progress and sequence.index == 0:
            self._watched[sequence.request.request_id] = sequence

    def news(self, running: Iterable[Sequence], now: float) -> list[Progress]:
        """What has changed since it was told."""
        if not self._watched:
            return []
        if self._estimates.look(now):
            self._drop_ended()
            places = self._estimates.places
            watched: Iterable[Sequence] = list(self._watched.values())
        else:
            places = None
            watched = [s for s in running if self._watched.get(s.request.request_id) is s]
        found: list[Progress] = []
        for sequence in watched:
            request_id = sequence.request.request_id
            place = None
            if sequence.seq_id is not None:
                if not sequence.is_being_read:
                    self._told.pop(request_id, None)  # its text tells
                    continue
            elif places is None or (place := places.get(request_id)) is None:
                continue
            num_read = min(sequence.num_computed_tokens, sequence.num_prompt_tokens)
            stand = _Stand(place, num_read, sequence.paused_at is not None, self._estimates.ready_at.get(sequence))
            if self._is_news(self._told.get(request_id), stand, now):
                self._told[request_id] = _Told(stand, now)
                found.append(self._progress(sequence, stand, now))
        return found

    def _drop_ended(self) -> None:
        for request_id in [request_id for request_id, sequence in self._watched.items() if sequence.is_finished]:
            del self._watched[request_id]
            self._told.pop(request_id, None)

    def _progress(self, sequence: Sequence, stand: _Stand, now: float) -> Progress:
        return Progress(
            request_id=sequence.request.request_id,
            queue_position=stand.place,
            num_prompt_tokens=sequence.num_prompt_tokens,
            num_cached_tokens=sequence.num_cached_tokens or 0,
            num_computed_tokens=stand.num_read,
            is_paused=stand.is_paused,
            eta_ms=self._estimates.eta_ms(sequence, now),
        )

    def _is_news(self, told: _Told | None, stand: _Stand, now: float) -> bool:
        if told is None:
            return True
        before, at = told
        if (before.place is None, before.is_paused) != (stand.place is None, stand.is_paused):
            return True  # it does something else
        if now - at < MIN_GAP_S:
            return False
        if before[:2] != stand[:2]:
            return True
        if before.ready_at is None or stand.ready_at is None:
            return before.ready_at is not stand.ready_at
        return abs(stand.ready_at - before.ready_at) > max(TOLERANCE_S, TOLERANCE_SHARE * (before.ready_at - at))
