"""How long until each request's first token, and its place in line. Loop thread only.

Looked at a few times a second at most, and only while somebody wants to know: what forecast.py needs of every sequence
is asked once each, so that a look at a thousand that wait takes about a millisecond.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.kv.prefix_tree import num_common
from bdchat.engine.model_runner import KVLayout, ModelRunner
from bdchat.engine.scheduling.fairness.waiting import MIN_SHARED_TOKENS
from bdchat.engine.scheduling.pace.growth import AnswerGrowth
from bdchat.engine.scheduling.places import Places
from bdchat.engine.scheduling.sequence import Sequence
from bdchat.engine.scheduling.telling.forecast import NUM_FOLLOWED, Course, StepPace, foresee

LOOK_S = 0.2  # between two looks
MAX_NEW = 32  # sequences whose cached prefix is looked for in one; the others are asked the next time
NUM_FRESH = NUM_FOLLOWED  # at the line's head, whose answers' lengths are asked for again each time
NUM_NEIGHBOURS = 16  # that a prompt is compared with: what they read it need not


class _Known(NamedTuple):
    """What of one does not change, and what changes little while it waits."""

    num_cached: int
    length: float  # of its answer, as a share of what is expected
    course: Course


class WaitEstimates:
    """Owned by the scheduler. `ready_at`: when a sequence is expected to get its first token (its next one, if it was
    paused), seconds of the scheduler's clock."""

    def __init__(
        self,
        runner: ModelRunner,
        kv_cache: KVCache,
        places: Places,
        growth: AnswerGrowth,
        pace: StepPace,
        *,
        line: Callable[[], list[Sequence]],
    ) -> None:
        """`line`: those that wait, in the order in which they get places."""
        self._runner = runner
        self._kv_cache = kv_cache
        self._places = places
        self._growth = growth
        self._pace = pace
        self._line = line
        self._known: dict[Sequence, _Known] = {}
        self._num_seen = 0
        self._looked_at = -math.inf
        self.line: list[Sequence] = []  # as of the last look
        self.ready_at: dict[Sequence, float] = {}

    def look(self, now: float) -> bool:
        """False: too soon after the last one, whose answers still stand."""
        if now - self._looked_at < LOOK_S:
            return False
        self._looked_at = now
        running, self.line = self._places.running, self._line()
        if len(self._known) > 2 * (len(running) + len(self.line)):
            still = {*running, *self.line}
            self._known = {sequence: known for sequence, known in self._known.items() if sequence in still}
        reading = [s for s in running if s.is_being_read]
        courses = [self._course_of_running(s) for s in running]
        forecast = foresee(
            [course for s, course in zip(running, courses, strict=True) if not s.is_being_read],
            [course for s, course in zip(running, courses, strict=True) if s.is_being_read],
            self._courses_of_line(),
            pace=self._pace,
            num_places=self._runner.info.num_sequences,
            num_cells=self._num_cells(courses),
        )
        told = zip((*reading, *self.line), (*forecast.reading_ms, *forecast.waiting_ms), strict=True)
        self.ready_at = {sequence: now + ms / 1000 for sequence, ms in told}
        return True

    @property
    def places(self) -> dict[str, int]:
        """Request id → its place in line, 1 for the next; a request's choices stand together."""
        places: dict[str, int] = {}
        for sequence in self.line:
            places.setdefault(sequence.request.request_id, len(places) + 1)
        return places

    def eta_ms(self, sequence: Sequence, now: float) -> int | None:
        """As of the last look; None: it was not there, or needs none any more."""
        ready_at = self.ready_at.get(sequence)
        return None if ready_at is None else max(0, round(1000 * (ready_at - now)))

    def _course_of_running(self, sequence: Sequence) -> Course:
        known = self._known.get(sequence) or self._know(sequence, 0, self._spread())
        num_to_write = self._num_to_write(sequence, known.length)
        return Course(sequence.num_pending, num_to_write, len(sequence.tokens) + num_to_write)

    def _courses_of_line(self) -> list[Course]:
        courses: list[Course] = []
        num_new = 0
        for place, sequence in enumerate(self.line):
            known = self._known.get(sequence)
            if known is None:
                num_new += 1
                num_cached = self._num_cached(sequence, place) if num_new <= MAX_NEW else 0
                known = self._know(sequence, num_cached, self._spread())
            elif place < NUM_FRESH:
                known = self._know(sequence, known.num_cached, known.length)
            courses.append(known.course)
        return courses

    def _know(self, sequence: Sequence, num_cached: int, length: float) -> _Known:
        num_to_write = self._num_to_write(sequence, length)
        is_kept = sequence.paused_at is not None and not sequence.num_computed_tokens  # as cache, to be found again
        num_to_read = 0 if is_kept else sequence.num_pending - num_cached
        course = Course(num_to_read, num_to_write, len(sequence.tokens) + num_to_write)
        known = self._known[sequence] = _Known(num_cached, length, course)
        return known

    def _num_to_write(self, sequence: Sequence, length: float) -> int:
        """What is expected of all alike is not what each does, unless its max_tokens says so."""
        expected, most = self._growth.of(sequence), sequence.num_to_go
        return min(most, 1 + int(expected * length)) if expected < most else expected

    def _num_cells(self, courses: list[Course]) -> int | None:
        """What those that run hold and will hold, and what they leave of the rest."""
        if self._runner.layout is KVLayout.STREAMS:
            return None
        running = self._places.running
        promised = sum(s.num_pending + course.num_to_write for s, course in zip(running, courses, strict=True))
        left = max(0, self._kv_cache.num_available_cells - promised)
        return sum(course.num_cells for course in courses) + left

    def _num_cached(self, sequence: Sequence, place: int) -> int:
        """Of its prompt: kept, or read by who goes before it."""
        if sequence.paused_at is not None or not sequence.request.shares_cache:
            return 0
        others = (*self._places.running, *self.line[max(0, place - NUM_NEIGHBOURS) : place])
        wanted = sequence.tokens[:-1]
        shared = max((num_common(other.tokens, wanted, 0) for other in others), default=0)
        return max(self._kv_cache.num_reusable(sequence.tokens), shared if shared >= MIN_SHARED_TOKENS else 0)

    def _spread(self) -> float:
        """Answers that are expected to be alike do not end together: their lengths are taken at the quantiles of an
        exponential distribution, in van der Corput's order, so that of sixteen one ends after a sixteenth."""
        self._num_seen += 1
        quantile, number, half = 0.0, self._num_seen, 0.5
        while number:
            quantile += half * (number & 1)
            number, half = number >> 1, half / 2
        return -math.log(1 - quantile)
