"""What those who watch and those who wait are promised, on a virtual clock."""

from itertools import pairwise

import pytest

from bdchat.engine.model_runner import KVLayout
from bdchat.engine.request import Priority
from bdchat.engine.scheduling.pace.promises import Promises, ReadingCost, unwatched_budget, watched_budget
from tests.engine.scheduling.pace.timed_runner import LARGE, SMALL, Arrival, Prices, play

LAYOUTS = pytest.mark.parametrize("layout", list(KVLayout))


def reading_cost(prices: Prices, num_decodes: int) -> ReadingCost:
    def step_ms(num_tokens: int) -> float:
        return prices.a_pass + prices.output * num_decodes + prices.silent * num_tokens

    def alone_ms(num_tokens: int) -> float:
        return prices.a_pass + prices.silent * num_tokens

    return ReadingCost(step_ms, alone_ms, prices.a_pass, prices.silent, 1.0)


def test_a_chunk_fills_the_gap() -> None:
    cost = reading_cost(SMALL, 4)
    budget = watched_budget(Promises(150, 0.6), cost, 500)
    assert cost.step_ms(budget) <= 150 < cost.step_ms(budget + 2)
    assert watched_budget(Promises(150, 0.6), cost, 20) == 20


def test_a_longer_step_is_taken_where_it_reads_much_faster() -> None:
    """Fewer than 65 tokens look at their cells row by row."""

    def priced(row_ms: float, tile_ms: float) -> ReadingCost:
        def step_ms(num_tokens: int) -> float:
            return 45 + num_tokens * (tile_ms if num_tokens >= 65 else row_ms)

        return ReadingCost(step_ms, step_ms, 5, 1.5, 1.0)

    promises = Promises(150, 0.6)
    assert watched_budget(promises, priced(5.0, 3.0), 500) == 21
    assert watched_budget(promises, priced(5.0, 3.0), 500, 65) == 65  # 240 ms, twice the speed
    assert watched_budget(promises, priced(5.0, 3.0), 50, 65) == 21
    assert watched_budget(promises, priced(90.0, 80.0), 5, 65) == 5  # no more than a step has room for
    assert watched_budget(promises, priced(9.0, 6.5), 500, 65) == 16  # 468 ms are too long
    assert watched_budget(promises, priced(2.0, 1.9), 500, 65) == 52  # little is gained


def test_on_a_slow_model_the_share_of_speed_comes_first() -> None:
    cost = reading_cost(LARGE, 8)
    budget = watched_budget(Promises(150, 0.6), cost, 500)
    speed, alone = budget / cost.step_ms(budget), 219 / cost.alone_ms(219)
    assert 0.58 * alone < speed < 0.64 * alone
    assert watched_budget(Promises(150, 0.3), cost, 500) < budget


def test_a_step_that_nobody_watches_is_bounded_by_who_may_come() -> None:
    cost = reading_cost(SMALL, 0)
    assert 180 < unwatched_budget(Promises(150, 0.6), cost, 500, 500) < 200
    slow = unwatched_budget(Promises(150, 0.6), reading_cost(LARGE, 0), 500, 500)
    assert LARGE.a_pass / (slow * LARGE.silent) == pytest.approx(0.03, rel=0.05)


def test_a_step_that_nobody_watches_ends_with_the_prompt_that_can_answer() -> None:
    cost = reading_cost(SMALL, 0)
    assert unwatched_budget(Promises(150, 0.6), cost, 500, 120) == 120
    assert unwatched_budget(Promises(150, 0.6), cost, 500, 30) == 90  # so many fit into a gap


@LAYOUTS
def test_sixteen_at_once_hear_nothing_for_no_longer_than_a_gap(layout: KVLayout) -> None:
    seen = play(SMALL, [Arrival(0, f"{i:02}", 218) for i in range(16)], layout=layout)
    joining = max(seen.ttft_s.values())
    gaps = [
        gap for request_id, gaps in seen.gaps_s.items() for gap in gaps_until(seen.ttft_s[request_id], gaps, joining)
    ]
    assert sorted(gaps)[int(0.95 * len(gaps))] <= 0.150
    assert max(gaps) < 0.250
    alone = play(SMALL, [Arrival(0, "i", 218)], layout=layout).ttft_s["i"]
    assert joining < 1.4 * 16 * alone  # reading them and nothing else
    assert list(seen.ttft_s) == sorted(seen.ttft_s)  # one after the other


def gaps_until(first_s: float, gaps: list[float], end_s: float) -> list[float]:
    """Of an answer whose first token came then."""
    found, at = [], first_s
    for gap in gaps:
        at += gap
        if at > end_s:
            break
        found.append(gap)
    return found


@LAYOUTS
def test_a_long_prompt_beside_three_answers(layout: KVLayout) -> None:
    streams = [Arrival(0, f"s{i}", 100, 300) for i in range(3)]
    alone = play(SMALL, [Arrival(0, "long", 3000, 8)], layout=layout)
    seen = play(SMALL, [*streams, Arrival(3, "long", 3000, 8)], layout=layout)
    assert seen.gap_ms(0.95, "s0", "s1", "s2") <= 150
    assert seen.gap_ms(1, "s0", "s1", "s2") <= 300
    assert seen.ttft_s["long"] < alone.ttft_s["long"] / 0.6


def test_on_a_slow_model_a_prompt_keeps_its_share() -> None:
    streams = [Arrival(0, f"s{i}", 30, 120) for i in range(3)]
    alone = play(LARGE, [Arrival(0, "long", 1000, 4)], layout=KVLayout.UNIFIED)
    seen = play(LARGE, [*streams, Arrival(30, "long", 1000, 4)], layout=KVLayout.UNIFIED)
    assert seen.ttft_s["long"] < alone.ttft_s["long"] / 0.55
    assert seen.gap_ms(0.95, "s0", "s1", "s2") < 1300  # 400 of their own


@pytest.mark.parametrize("prices", [SMALL, LARGE])
def test_one_who_waits_is_not_kept_by_fifteen_that_nobody_watches(prices: Prices) -> None:
    idle = play(prices, [Arrival(0, "i", 218, 4)]).ttft_s["i"]
    batch = [Arrival(0, f"b{i}", 100, 3000, Priority.BATCH) for i in range(15)]
    begin = 40 * idle
    asked = [Arrival(begin + 3.3 * idle * i, f"i{i}", 218, 4) for i in range(6)]
    seen = play(prices, [*batch, *asked], until_s=begin + 24 * idle)
    assert len(seen.ttft_s) == 21
    assert max(seen.ttft_s[f"i{i}"] for i in range(6)) < 2 * idle


@LAYOUTS
def test_a_light_users_prompt_is_not_read_behind_all_of_a_heavy_ones(layout: KVLayout) -> None:
    """They have waited longer than it, one after the other."""
    idle = play(SMALL, [Arrival(0, "light", 218, 4)], layout=layout).ttft_s["light"]
    heavy = [Arrival(0, f"h{i:02}", 218, 200, user="heavy") for i in range(15)]
    seen = play(SMALL, [*heavy, Arrival(1.1, "light", 218, 4, user="light")], layout=layout)
    assert seen.ttft_s["light"] < 2 * idle
    assert seen.gap_ms(0.95) <= 150


def test_batch_answers_get_on_while_interactive_prompts_come_without_end() -> None:
    batch = [Arrival(0, f"b{i}", 50, 400, Priority.BATCH) for i in range(4)]
    asked = [Arrival(1 + 0.2 * i, f"i{i}", 400, 1) for i in range(60)]
    seen = play(SMALL, [*batch, *asked], until_s=13)
    waits = [later - sooner for sooner, later in pairwise([1.0, *at_times(seen.ttft_s["b0"], seen.gaps_s["b0"])])]
    assert max(waits) < 1.5


def at_times(first_s: float, gaps: list[float]) -> list[float]:
    times = [first_s]
    for gap in gaps:
        times.append(times[-1] + gap)
    return times


def test_a_finished_answers_place_reads_in_the_very_next_step() -> None:
    """A hole of one step for each of 20 that end would be 20 steps."""
    seen = play(SMALL, [Arrival(0, f"{i:02}", 40, 9 + i % 5) for i in range(24)], num_sequences=4)
    held: set[int] = set()
    waiting = 24 - 4
    for batch in seen.runner.batches:
        busy = {s.seq_id for s in batch}
        if waiting and len(held) == 4:
            waiting -= sum(s.start == 0 for s in batch)
            assert len(busy) == 4
        held |= busy
    assert waiting == 0
