"""When requests get their first token, if everything goes on as expected. Pure: numbers in, milliseconds out.

Not a formula but the scheduler's own course with expected numbers: those that write get a token a step, prompts share
what a step reads, the shortest first, and who ends leaves a place and cells to the next in line. As many events as
sequences, not as steps. Behind NUM_FOLLOWED of the line the rest follows at the speed of those.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import NamedTuple

NUM_FOLLOWED = 96  # of the line: a fifth of a millisecond


class Course(NamedTuple):
    """What is expected of one sequence from now on."""

    num_to_read: int  # prompt tokens that are not computed; for one that was paused what is brought back is none
    num_to_write: int
    num_cells: int = 0  # that it will hold at its end


class StepPace(NamedTuple):
    """`chunk`: prompt tokens of a step beside so many that write. `step_ms`: of a step of so many that write and so
    many prompt tokens."""

    chunk: Callable[[int], int]
    step_ms: Callable[[int, int], float]


class Forecast(NamedTuple):
    """Milliseconds until the first token (until the next one, of who was paused), in the order that was given."""

    reading_ms: list[float]
    waiting_ms: list[float]


def foresee(
    writing: list[Course],
    reading: list[Course],
    line: list[Course],
    *,
    pace: StepPace,
    num_places: int,
    num_cells: int | None = None,
    num_followed: int = NUM_FOLLOWED,
) -> Forecast:
    """`num_cells`: that all who run may hold together; None: each place has its own."""
    course = _ForecastWalk(pace, num_places, num_cells)
    for each in writing:
        course.begin_writing(each)
    for place, each in enumerate(reading):
        course.begin_reading(place, each)
    followed = line[:num_followed]
    ready_ms = course.walk([*reading, *followed], len(reading))
    waiting_ms = ready_ms[len(reading) :]
    if len(line) > len(followed):
        waiting_ms += _beyond(line, followed, waiting_ms, pace, num_places)
    return Forecast(ready_ms[: len(reading)], waiting_ms)


class _ForecastWalk:
    """From event to event: somebody has read its prompt, or has written its answer."""

    def __init__(self, pace: StepPace, num_places: int, num_cells: int | None) -> None:
        self._pace = pace
        self._num_places = num_places
        self._num_free_cells = num_cells
        self._now_ms = 0.0
        self._step = 0.0  # steps taken
        self._writing: list[tuple[float, int]] = []  # (step at which it ends, its cells)
        self._reading: list[tuple[float, int, Course]] = []  # (left to read, place in what is told, it)
        self._speeds: dict[int, tuple[int, float, float]] = {}

    def begin_writing(self, course: Course) -> None:
        self._take_cells(course)
        heappush(self._writing, (self._step + max(1, course.num_to_write), course.num_cells))

    def begin_reading(self, place: int, course: Course) -> None:
        self._take_cells(course)
        heappush(self._reading, (max(1, course.num_to_read), place, course))

    def walk(self, courses: list[Course], num_begun: int) -> list[float]:
        """Until all have a first token. The first `num_begun` read already."""
        ready_ms = [0.0] * len(courses)
        next_in_line = num_begun
        num_left = len(courses)
        while num_left:
            while next_in_line < len(courses) and self._has_room(courses[next_in_line]):
                self.begin_reading(next_in_line, courses[next_in_line])
                next_in_line += 1
            chunk, mixed_ms, plain_ms = self._speed(len(self._writing))
            until_end = self._writing[0][0] - self._step if self._writing else None
            if not self._reading:
                assert until_end is not None
                self._pass(until_end, plain_ms)
                self._end_one()
                continue
            num_tokens, place, course = self._reading[0]
            until_read = num_tokens / chunk
            if until_end is not None and until_end < until_read:
                # the same place in the heap: it stays the shortest
                self._reading[0] = (num_tokens - until_end * chunk, place, course)
                self._pass(until_end, mixed_ms)
                self._end_one()
                continue
            self._pass(until_read, mixed_ms)
            heappop(self._reading)
            ready_ms[place] = self._now_ms
            num_left -= 1
            heappush(self._writing, (self._step + max(1, course.num_to_write), course.num_cells))
        return ready_ms

    def _has_room(self, course: Course) -> bool:
        num_running = len(self._writing) + len(self._reading)
        if num_running >= self._num_places:
            return False
        return self._num_free_cells is None or not num_running or course.num_cells <= self._num_free_cells

    def _pass(self, num_steps: float, step_ms: float) -> None:
        self._step += num_steps
        self._now_ms += num_steps * step_ms

    def _end_one(self) -> None:
        _, num_cells = heappop(self._writing)
        if self._num_free_cells is not None:
            self._num_free_cells += num_cells

    def _take_cells(self, course: Course) -> None:
        if self._num_free_cells is not None:
            self._num_free_cells -= course.num_cells

    def _speed(self, num_writing: int) -> tuple[int, float, float]:
        """(prompt tokens of a step, its milliseconds, those of one without), beside so many that write."""
        known = self._speeds.get(num_writing)
        if known is None:
            chunk = max(1, self._pace.chunk(num_writing))
            plain_ms = self._pace.step_ms(num_writing, 0) if num_writing else 0.0
            known = self._speeds[num_writing] = (chunk, self._pace.step_ms(num_writing, chunk), plain_ms)
        return known


def _beyond(
    line: list[Course], followed: list[Course], waiting_ms: list[float], pace: StepPace, num_places: int
) -> list[float]:
    """Of the rest of the line: each waits for the work before it, which takes as long as in the second half of what was
    followed."""
    chunk = max(1, pace.chunk(num_places - 1))
    token_ms = pace.step_ms(num_places - 1, chunk) / chunk
    share_ms = pace.step_ms(num_places, 0) / num_places

    def work_ms(course: Course) -> float:
        return course.num_to_read * token_ms + course.num_to_write * share_ms

    half = len(followed) // 2
    work = sum(map(work_ms, followed[half:]))
    last_ms = waiting_ms[-1]
    speed = (last_ms - waiting_ms[half - 1]) / work if work else 1.0
    beyond: list[float] = []
    for course in line[len(followed) :]:
        last_ms += work_ms(course) * speed
        beyond.append(last_ms)
    return beyond
