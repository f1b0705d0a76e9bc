"""A planted fault is found, shrinks to what it needs, and is told as code that makes it again."""

from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.scheduling.step_plan import Part, Sampled
from tests.engine.scheduling.laws import history as names
from tests.engine.scheduling.laws.drawing import draw
from tests.engine.scheduling.laws.history import Ask, History
from tests.engine.scheduling.laws.reporting import report
from tests.engine.scheduling.laws.shrinking import fault_of, shrink


class LosesToken(Scheduler):
    """The third token of who runs beside another one is not told."""

    def update(self, part: Part, sampled: Sampled) -> None:
        if part.sequence.num_generated == 3 and len(self.sequences()[0]) > 1:
            sampled = sampled._replace(events=[])
        super().update(part, sampled)


def broken_seed() -> int:
    return next(seed for seed in range(100) if fault_of(draw(seed), LosesToken) == "an answer begins as it does alone")


def test_the_same_seed_draws_the_same_history() -> None:
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_a_fault_shrinks_to_what_it_needs() -> None:
    seed = broken_seed()
    smallest = shrink(draw(seed), LosesToken)
    assert fault_of(smallest, LosesToken) == "an answer begins as it does alone"
    assert fault_of(smallest) is None
    assert smallest == shrink(draw(seed), LosesToken)
    asks = [each for each in smallest.happenings if isinstance(each, Ask)]
    assert sum(ask.num_choices for ask in asks) == 2
    assert len(smallest.happenings) == len(asks)


def test_what_is_told_makes_the_history_again() -> None:
    smallest = History(
        names.Machine(num_places=3), (Ask(num_own=2, stop=("a",)), names.Steps(3), names.Die(loses=True))
    )
    assert eval(smallest.as_code(), vars(names)) == smallest
    seed = broken_seed()
    assert f"python -m tests.engine.scheduling.laws --seed {seed}\n" in report(seed, LosesToken)
