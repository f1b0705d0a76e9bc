"""What a person needs of a history that broke a law."""

import traceback

from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduling.laws.drawing import draw
from tests.engine.scheduling.laws.history import History
from tests.engine.scheduling.laws.playing import Play
from tests.engine.scheduling.laws.shrinking import fault_of, shrink


def report(seed: int, kind: type[Scheduler] = Scheduler) -> str:
    """The command that plays it again, what broke, and the smallest history that breaks the same."""
    history = draw(seed)
    fault = fault_of(history, kind)
    if fault is None:
        return f"seed {seed} breaks no law"
    smallest = shrink(history, kind)
    return (
        f"seed {seed} breaks a law: {fault}\n"
        f"    python -m tests.engine.scheduling.laws --seed {seed}\n"
        f"{_told_by(smallest, kind)}\n"
        f"{smallest.as_code()}"
    )


def _told_by(history: History, kind: type[Scheduler]) -> str:
    try:
        Play(history, kind).to_the_end()
    except Exception as error:  # whatever broke it
        frames = traceback.extract_tb(error.__traceback__)[-4:]
        where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
        return f"{error!r:.600} in {where}"
    raise AssertionError("it broke a moment ago")
