"""How prompts that are read together share the tokens of a step. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

PATIENCE_S = 30.0  # a batch prompt that has been read for so long is read like an interactive one


USER_BAND = 128  # of service, in prompt tokens: users within it are served alike, so that prompts are read whole


class ReadingPrompt(NamedTuple):
    num_left: int  # tokens
    waited_s: float  # since it has its place
    is_interactive: bool
    served: int = 0  # its user, without what its user's prompts that are still read have had


def reading_order(prompts: Sequence[ReadingPrompt], *, token_ms: float) -> list[int]:
    """Places in `prompts`, the first to be read first: interactive ones, then those of who was served least, then by
    what is left less what it has waited, in ms. So short questions start at once behind a long one, and newcomers pass
    it no longer once it has waited as long as it takes to be read."""
    least = min([prompt.served for prompt in prompts], default=0)

    def rank(place: int) -> tuple[bool, int, float, int]:
        prompt = prompts[place]
        is_urgent = prompt.is_interactive or prompt.waited_s >= PATIENCE_S
        band = (prompt.served - least) // USER_BAND
        return not is_urgent, band, prompt.num_left * token_ms - 1000 * prompt.waited_s, place

    return sorted(range(len(prompts)), key=rank)


def share_budget(
    wanted: Sequence[int], budget: int, *, order: Sequence[int], at_least: Sequence[int] | None = None
) -> list[int]:
    """Of `budget` tokens, in this order, what each wants; before that each gets its `at_least` while they last."""
    shares = [0] * len(wanted)
    for limits in (at_least, wanted):
        if limits is not None:
            for place in order:
                more = min(wanted[place], limits[place]) - shares[place]
                if more > 0:
                    more = min(more, budget)
                    shares[place] += more
                    budget -= more
    return shares
