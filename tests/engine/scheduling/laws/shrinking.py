"""Makes a history that breaks a law as small as it gets while it breaks the same one. Deterministic."""

import traceback
from collections.abc import Iterator
from dataclasses import fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduling.laws.callers import LawBroken
from tests.engine.scheduling.laws.history import (
    Ask,
    Cancel,
    Happening,
    History,
    Machine,
)
from tests.engine.scheduling.laws.playing import Play

MAX_PLAYS = 4000
Value = TypeVar("Value", bound=Happening | Machine)


def fault_of(history: History, kind: type[Scheduler] = Scheduler) -> str | None:
    """What it breaks, in words that stay the same while it shrinks; None: nothing."""
    try:
        Play(history, kind).to_the_end()
    except LawBroken as broken:
        return broken.law
    except Exception as error:  # whatever the scheduler raises is a fault
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {frame.name}"
    return None


def shrink(history: History, kind: type[Scheduler] = Scheduler) -> History:
    """Of a history that breaks a law."""
    fault = fault_of(history, kind)
    assert fault is not None
    num_plays = 0
    goes_on = True
    while goes_on:
        goes_on = False
        for smaller in _smaller(history):
            num_plays += 1
            if num_plays > MAX_PLAYS:
                return history
            if fault_of(smaller, kind) == fault:
                history, goes_on = smaller, True
                break
    return history


def _smaller(history: History) -> Iterator[History]:
    """Large steps first."""
    length = len(history.happenings)
    size = length // 2
    while size:
        for first in range(length - size, -1, -size):
            yield _without(history, first, first + size)
        size //= 2
    for place, happening in enumerate(history.happenings):
        for simpler in _simpler(happening):
            happenings = (*history.happenings[:place], simpler, *history.happenings[place + 1 :])
            yield History(history.machine, happenings)
    for machine in _simpler(history.machine):
        if _is_sound(machine):
            yield History(machine, history.happenings)


def _without(history: History, first: int, end: int) -> History:
    """Numbers of requests behind those that are left out become smaller."""
    new_numbers: dict[int, int] = {}
    number = 0
    for place, happening in enumerate(history.happenings):
        if isinstance(happening, Ask):
            if not first <= place < end:
                new_numbers[number] = len(new_numbers)
            number += 1
    kept: list[Happening] = []
    for happening in (*history.happenings[:first], *history.happenings[end:]):
        if isinstance(happening, Ask) and happening.follows is not None:
            kept.append(replace(happening, follows=new_numbers.get(happening.follows)))
        elif isinstance(happening, Cancel):
            if happening.number in new_numbers:
                kept.append(Cancel(new_numbers[happening.number]))
        else:
            kept.append(happening)
    return History(history.machine, tuple(kept))


def _simpler(value: Value) -> Iterator[Value]:
    for field in fields(value):
        now: Any = getattr(value, field.name)
        if now == field.default:
            continue
        for simpler in (field.default, *_less(now)):
            yield replace(value, **{field.name: simpler})


def _less(now: Any) -> Iterator[Any]:
    if isinstance(now, StrEnum | bool):
        return
    if isinstance(now, tuple | str):
        for place in range(len(now) if len(now) > 1 else 0):
            yield (*now[:place], *now[place + 1 :]) if isinstance(now, tuple) else now[:place] + now[place + 1 :]
    elif isinstance(now, int):
        yield from (less for less in (0, 1, now // 2, now - 1) if 0 <= less < now)


def _is_sound(machine: Machine) -> bool:
    """One that the settings could make."""
    least = min(machine.num_places, machine.n_batch, machine.num_letters, machine.n_swa, machine.queue_limit)
    return least > 0 and machine.n_ctx > 2 and machine.num_cells >= machine.n_ctx
