"""How long until a place is free. Pure."""

from collections.abc import Iterable

LONGEST_WAIT_S = 600.0  # nobody believes more


def seconds_until_free(remaining: Iterable[int], *, reading_ms: float, step_ms: float, num_wanted: int = 1) -> float:
    """Until so many of the running answers have ended, for Retry-After. `remaining`: tokens still expected of each, as
    if ends came at random, so that many answers free a place sooner than few; `reading_ms`: of prompts that are read
    meanwhile; `step_ms`: of a step that decodes all of them."""
    ends_per_step = sum(1 / max(1, num_tokens) for num_tokens in remaining)
    num_steps = num_wanted / ends_per_step if ends_per_step else 1.0
    return max(1.0, min(LONGEST_WAIT_S, (reading_ms + num_steps * step_ms) / 1000))
