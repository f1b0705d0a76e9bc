"""How long until a place is free. Pure."""

from bdchat.engine.scheduling.pace.growth import ExpectedOutput
from bdchat.engine.scheduling.pace.step_cost import StepCost


def seconds_to_drain(cost: StepCost, expected: ExpectedOutput, waiting: list[int], num_running: int) -> float:
    """A rough time until a place in the queue is free, for Retry-After. `waiting`: prompt tokens to read of each."""
    waiting_ms = sum(cost.prefill_ms(num_pending) for num_pending in waiting)
    answer_ms = expected.at_most(10_000) * cost.base_ms(max(1, num_running))
    return max(1.0, min(60.0, (waiting_ms / max(1, len(waiting)) + answer_ms) / 1000))
