"""How many prompt tokens the next step reads: what it promises to those who watch an answer and those who wait. Pure.

Two promises: between two tokens of an interactive answer pass at most `max_gap_ms` (19 times in 20), and a prompt is
read at no less than `min_prefill_share` of its speed alone. Where the answers' own tokens leave too little of
that gap, both cannot be held, and the second one is: an answer that waits for its prompt is missing from every batch.
Nobody watches a batch answer: where only such run, a step is as long as somebody who comes now may wait for its end.
"""

from collections.abc import Callable
from typing import NamedTuple

UNWATCHED_GAPS = 2  # of max_gap_ms, that a step may take which nobody watches
# There a chunk is long enough for its pass, which costs as much as some tokens, to be so little of it.
MAX_PASS_SHARE = 0.03
MIN_ROOM = 0.4  # of the gap, that answers leave to prompts: else the share of speed comes first
TILE_GAPS = 2.5  # of max_gap_ms, that a step with a whole tile of a prompt may take
MIN_TILE_GAIN = 1.25  # in speed, that makes a longer gap worth it
MIN_CHUNK = 16  # tokens: below this a prompt crawls, for the fixed cost of a step dominates
_NUM_CORRECTIONS = 6


class Promises(NamedTuple):
    max_gap_ms: float = 150.0
    min_prefill_share: float = 0.6

    def step_ms(self, base_ms: float) -> float:
        """The longest step beside watched answers that alone take `base_ms`."""
        return max(self.max_gap_ms, base_ms / (1 - self.min_prefill_share))


class ReadingCost(NamedTuple):
    """Of the next step, as it is predicted."""

    step_ms: Callable[[int], float]  # by prompt tokens in it
    alone_ms: Callable[[int], float]  # to read so many of the first prompt and nothing else
    pass_ms: float
    token_ms: float
    margin: float  # predicted times may be short by so much


def watched_budget(promises: Promises, cost: ReadingCost, most: int, tile: int | None = None) -> int:
    """Prompt tokens of a step beside answers that somebody watches. `tile`: from so many on they are cheaper; such a
    step may take TILE_GAPS where that makes reading much faster."""
    within = _tokens_within(cost.step_ms, promises.max_gap_ms / cost.margin, most)
    if within >= most:
        return most
    if cost.step_ms(0) <= (1 - MIN_ROOM) * promises.max_gap_ms:
        few = min(most, max(MIN_CHUNK, within))
        if tile is None or not few < tile <= most or cost.step_ms(tile) > TILE_GAPS * promises.max_gap_ms:
            return few
        return tile if few / cost.step_ms(few) * MIN_TILE_GAIN < tile / cost.step_ms(tile) else few
    alone = max(1, min(most, unwatched_tokens(promises, cost)))
    speed = cost.margin * promises.min_prefill_share * alone / max(cost.alone_ms(alone), 1e-6)  # tokens/ms
    return min(most, max(MIN_CHUNK, within, _tokens_at(cost.step_ms, speed, most)))


def unwatched_budget(promises: Promises, cost: ReadingCost, most: int, first: int | None = None) -> int:
    """Prompt tokens of a step that nobody watches. `first`: what is left of the prompt that is read first; a step ends
    with it, so that it answers at once, unless more fits into a short one."""
    long = max(MIN_CHUNK, unwatched_tokens(promises, cost))
    if first is not None and first < long:
        long = max(MIN_CHUNK, first, _tokens_within(cost.step_ms, promises.max_gap_ms / cost.margin, most))
    return min(most, long)


def unwatched_tokens(promises: Promises, cost: ReadingCost) -> int:
    """Of a step that only reads."""
    in_time = UNWATCHED_GAPS * promises.max_gap_ms / max(cost.token_ms, 1e-6)
    return int(max(in_time, cost.pass_ms / max(cost.token_ms, 1e-6) / MAX_PASS_SHARE))


def _tokens_within(step_ms: Callable[[int], float], limit_ms: float, most: int) -> int:
    """The most tokens whose step takes no longer; 0 when none does. Time grows with them, faster the more they are."""
    low, high = 0, most
    high_ms = step_ms(high)
    if high_ms <= limit_ms:
        return high
    low_ms = step_ms(low)
    while high - low > 1 and low_ms < limit_ms:
        share = (limit_ms - low_ms) / (high_ms - low_ms)
        middle = min(high - 1, max(low + 1, low + int(share * (high - low))))
        middle_ms = step_ms(middle)
        if middle_ms > limit_ms:
            high, high_ms = middle, middle_ms
        elif limit_ms - middle_ms < 0.01 * limit_ms:
            return middle
        else:
            low, low_ms = middle, middle_ms
    return low


def _tokens_at(step_ms: Callable[[int], float], speed: float, most: int) -> int:
    """So few tokens that are read at so many a ms or faster; `most` where none are."""
    few = min(MIN_CHUNK, most)
    few_ms, many_ms = step_ms(few), step_ms(most)
    if few >= speed * few_ms or few == most:
        return few
    slope = (many_ms - few_ms) / (most - few)
    gain = 1 - speed * slope
    if gain <= 0:
        return most
    tokens = min(most, int(speed * (few_ms - slope * few) / gain) + 1)
    for _ in range(_NUM_CORRECTIONS):  # another pass makes a step longer by more than its tokens
        needed = int(speed * step_ms(tokens)) + 1
        if tokens >= min(needed, most):
            break
        tokens = min(most, needed)
    return tokens
