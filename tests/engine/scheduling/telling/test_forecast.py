"""The forecast is the course of a scheduler with expected numbers: held against one that takes every step."""

import random

import pytest

from bdchat.engine.scheduling.telling.forecast import Course, StepPace, foresee

PACE = StepPace(chunk=lambda n: 64 - 2 * n, step_ms=lambda n, num_read: (8.0 + 2 * n if n else 0.0) + 1.5 * num_read)


def by_steps(
    writing: list[Course], reading: list[Course], line: list[Course], num_places: int, num_cells: int | None
) -> list[float]:
    """Of those that read and those that wait: every step taken."""
    everybody = [*reading, *line]
    ready: dict[int, float] = {}
    left = {place: max(1, course.num_to_read) for place, course in enumerate(everybody)}
    writers = [[max(1, course.num_to_write), course.num_cells] for course in writing]
    readers = list(range(len(reading)))
    waiting = list(range(len(reading), len(everybody)))
    now = 0.0
    while len(ready) < len(everybody):
        while waiting and len(writers) + len(readers) < num_places:
            held = sum(cells for _, cells in writers) + sum(everybody[i].num_cells for i in readers)
            is_alone = not writers and not readers
            if num_cells is not None and not is_alone and held + everybody[waiting[0]].num_cells > num_cells:
                break
            readers.append(waiting.pop(0))
        budget = num_read = 0
        if readers:
            budget = PACE.chunk(len(writers))
        for i in sorted(readers, key=lambda i: (left[i], i)):
            share = min(left[i], budget)
            left[i] -= share
            budget -= share
            num_read += share
        now += PACE.step_ms(len(writers), num_read)
        for writer in writers:
            writer[0] -= 1
        writers = [writer for writer in writers if writer[0] > 0]
        for i in [i for i in readers if left[i] == 0]:
            ready[i] = now
            readers.remove(i)
            writers.append([max(1, everybody[i].num_to_write), everybody[i].num_cells])
    return [ready[i] for i in range(len(everybody))]


@pytest.mark.parametrize("num_cells", [None, 1200])
@pytest.mark.parametrize("seed", range(10))
def test_the_forecast_is_what_step_by_step_comes_out(seed: int, num_cells: int | None) -> None:
    rng = random.Random(seed)

    def some(most: int) -> list[Course]:
        drawn = ((rng.randrange(20, 600), rng.randrange(5, 200)) for _ in range(rng.randrange(most)))
        return [Course(num_read, num_write, num_read + num_write) for num_read, num_write in drawn]

    writing, reading, line = some(4), some(4), some(30)
    told = foresee(writing, reading, line, pace=PACE, num_places=8, num_cells=num_cells)
    true = by_steps(writing, reading, line, 8, num_cells)
    for foretold, real in zip((*told.reading_ms, *told.waiting_ms), true, strict=True):
        assert foretold == pytest.approx(real, rel=0.12, abs=250)  # two steps: what is told knows no whole ones


def test_alone_it_is_the_reading() -> None:
    (ready_ms,) = foresee([], [], [Course(640, 100)], pace=PACE, num_places=4).waiting_ms
    assert ready_ms == pytest.approx(10 * PACE.step_ms(0, 64))


def test_nobody_who_comes_later_and_asks_the_same_is_told_less() -> None:
    line = [Course(100, 80, 180)] * 300
    told = foresee([Course(0, 10 * i, 100) for i in range(8)], [], line, pace=PACE, num_places=8).waiting_ms
    assert told == sorted(told)


def test_the_far_end_of_a_line_is_told_as_if_it_were_followed() -> None:
    rng = random.Random(1)
    line = [Course(rng.randrange(10, 300), rng.randrange(10, 200)) for _ in range(400)]
    writing = [Course(0, 20 * i) for i in range(8)]
    told = foresee(writing, [], line, pace=PACE, num_places=8).waiting_ms
    whole = foresee(writing, [], line, pace=PACE, num_places=8, num_followed=400).waiting_ms
    assert told[:80] == whole[:80]  # those behind may be overtaken by short prompts
    assert told[-1] == pytest.approx(whole[-1], rel=0.1)
