"""The laws of the line: who is next, who waits for whom, and how far one may be passed."""

from collections.abc import Iterable

from bdchat.engine.scheduling.fairness.rank import AGEING_S, BAND_CHUNKS, Standings
from bdchat.engine.scheduling.fairness.waiting import (
    LOOK_AHEAD,
    MAX_PASSED_S,
    MIN_PREFERRED_TOKENS,
    WaitingLine,
    shares_running_prefill,
)
from bdchat.engine.scheduling.sequence import Sequence
from tests.engine.scheduling.fairness.standing import BATCH, CHUNK, ranking, sequence

BAND = BAND_CHUNKS * CHUNK


def line_of(
    *waiting: Sequence, running: Iterable[Sequence] = (), **served_meanwhile: int
) -> tuple[WaitingLine, Standings]:
    ranks = ranking()
    line = WaitingLine(ranks)
    for each in waiting:
        line.append(each, running, each.arrived_at)
    for user, num_tokens in served_meanwhile.items():
        ranks.counters.charge(user, num_tokens, 0)
    return line, ranks.standings(running, max(each.arrived_at for each in waiting))


def names(sequences: Iterable[Sequence]) -> list[str]:
    return [s.request.request_id for s in sequences]


def test_the_least_served_user_is_next() -> None:
    waiting = [sequence(user) for user in ("much", "less", "least")]
    line, standings = line_of(*waiting, much=3 * BAND, less=2 * BAND, least=10)
    assert names(line.candidates(standings)) == ["least", "less", "much"]


def test_interactive_goes_before_batch_however_much_its_user_was_served() -> None:
    line, standings = line_of(sequence("idle", priority=BATCH), sequence("much", arrived_at=9), much=9 * BAND)
    assert names(line.candidates(standings)) == ["much", "idle"]


def test_within_a_band_the_longest_cached_prefix_goes_first() -> None:
    waiting = [sequence("b", request_id="cold"), sequence("a", request_id="warm")]
    line, standings = line_of(*waiting, a=BAND - 1)
    saved = {"cold": 10, "warm": 500}
    assert names(line.candidates(standings, lambda s: saved[s.request.request_id])) == ["warm", "cold"]


def test_a_few_tokens_in_common_change_no_order() -> None:
    waiting = [sequence(request_id="first"), sequence(request_id="second", arrived_at=1.0)]
    line, standings = line_of(*waiting)
    assert names(line.candidates(standings, lambda s: int(s.arrived_at) * (MIN_PREFERRED_TOKENS - 1))) == [
        "first",
        "second",
    ]
    assert names(line.candidates(standings, lambda s: int(s.arrived_at) * MIN_PREFERRED_TOKENS)) == ["second", "first"]


def test_a_cached_prefix_never_beats_the_band() -> None:
    waiting = [sequence("b", request_id="cold"), sequence("a", request_id="warm")]
    line, standings = line_of(*waiting, a=BAND)
    saved = {"cold": 0, "warm": 10**6}
    assert names(line.candidates(standings, lambda s: saved[s.request.request_id])) == ["cold", "warm"]


def test_within_a_band_a_user_with_nothing_running_goes_first() -> None:
    line, standings = line_of(
        sequence("heavy", request_id="old"), sequence("light", arrived_at=5), running=[sequence("heavy")]
    )
    assert names(line.candidates(standings, lambda s: 1000 * (s.request.request_id == "old"))) == ["light", "old"]


def test_arrival_decides_the_rest() -> None:
    line, standings = line_of(*(sequence("a", request_id=str(i), arrived_at=i) for i in range(5)))
    assert names(line.candidates(standings)) == ["0", "1", "2", "3", "4"]


def test_who_came_while_others_waited_is_not_behind_their_history() -> None:
    """A user that was away for hours has no claim to all that others were served meanwhile."""
    ranks = ranking()
    line = WaitingLine(ranks)
    line.append(sequence("busy"), [], 0.0)
    ranks.counters.charge("busy", 10**6, 0)
    line.append(sequence("away"), [], 1.0)
    assert ranks.counters.of("away") == ranks.counters.of("busy")


def test_a_class_that_waits_for_another_holds_nobody_down() -> None:
    """A batch user that gets nothing would have let every newcomer owe the others nothing for ever."""
    ranks = ranking(busy=10**6)
    line = WaitingLine(ranks)
    running = [sequence("busy")]
    line.append(sequence("bulk", priority=BATCH), running, 0.0)
    line.append(sequence("newcomer"), running, 1.0)
    assert (ranks.counters.of("bulk"), ranks.counters.of("newcomer")) == (0, 10**6 - BAND)


def test_batch_behind_a_flood_gets_its_turn_when_it_is_due() -> None:
    line, _ = line_of(sequence("bulk", priority=BATCH), sequence("bulk", priority=BATCH, request_id="next"))
    for number in range(60):
        line.append(sequence(f"user {number}", arrived_at=AGEING_S + number), [], AGEING_S + number)
    before = ranking().standings([], AGEING_S - 0.1)
    assert "bulk" not in names(line.candidates(before))
    due = ranking().standings([], AGEING_S)
    (first, *_) = line.candidates(due)
    assert first.request.request_id == "bulk"
    assert line.is_due(first, AGEING_S)
    line.give_place(first, AGEING_S)
    after = ranking().standings([], 2 * AGEING_S - 0.1)
    assert "next" not in names(line.candidates(after))  # a class of a user is due once in so long, not all of it
    (first, *_) = line.candidates(ranking().standings([], 2 * AGEING_S))
    assert first.request.request_id == "next"


def test_who_gave_way_stands_by_its_rank_as_its_users_first() -> None:
    line, standings = line_of(sequence("a", request_id="fresh"), sequence("b"), a=BAND)
    paused = sequence("a", request_id="paused", arrived_at=-1.0)
    paused.paused_at = 0.0
    line.put_back(paused)
    assert names(line.candidates(standings)) == ["b", "paused", "fresh"]


def test_a_user_at_its_limit_waits_for_itself_alone() -> None:
    running = [sequence("a"), sequence("a")]
    waiting = [sequence("a", max_running=2), sequence("b", arrived_at=1.0)]
    line, standings = line_of(*waiting, running=running)
    assert names(line.candidates(standings)) == ["b"]
    assert names(line.candidates(ranking().standings(running[:1], 1.0))) == ["b", "a"]


def test_a_user_at_its_limit_holds_nobody_down() -> None:
    ranks, running = ranking(), [sequence("bulk"), sequence("busy")]
    line = WaitingLine(ranks)
    line.append(sequence("bulk", max_running=1), running, 0.0)
    line.append(sequence("busy"), running, 0.0)
    ranks.counters.charge("busy", 10**6, 0)
    line.append(sequence("newcomer"), running, 1.0)
    assert ranks.counters.of("newcomer") == 10**6


def test_held_back_ones_stand_in_nobodys_way() -> None:
    """Sixteen requests with one system prompt wait for the first that reads it; the others go on."""
    same = [sequence("a", request_id="same", arrived_at=i) for i in range(16)]
    line, standings = line_of(*same, sequence("a", request_id="other", arrived_at=99.0))
    assert names(line.candidates(standings, lambda s: None if s.request.request_id == "same" else 0)) == ["other"]


def test_only_the_first_few_prefixes_are_looked_up() -> None:
    line, standings = line_of(*(sequence(f"user {i % 50}", request_id=str(i), arrived_at=i) for i in range(1000)))
    looked_up: list[Sequence] = []

    def saved(each: Sequence) -> int:
        looked_up.append(each)
        return 0

    assert next(line.candidates(standings, saved)).request.request_id == "0"
    assert len(looked_up) <= LOOK_AHEAD


def test_one_that_does_not_fit_is_passed_by_a_band_of_cells_and_no_further() -> None:
    line, _ = line_of(sequence("a"))
    (big,) = line
    line.note_passed([big], BAND, 0.0)
    assert not line.is_wall(big, 1.0)
    line.note_passed([big], 1, 1.0)
    assert line.is_wall(big, 1.0)


def test_one_that_does_not_fit_is_passed_for_some_seconds_and_no_longer() -> None:
    line, _ = line_of(sequence("a"))
    (big,) = line
    assert not line.is_wall(big, 100.0)  # nobody has passed it yet
    line.note_passed([big], 1, 100.0)
    assert not line.is_wall(big, 100.0 + MAX_PASSED_S)
    assert line.is_wall(big, 100.1 + MAX_PASSED_S)


def test_the_order_foresees_what_each_user_will_have_been_served() -> None:
    """Eight of one user do not stand before the first of another."""
    heavy = [sequence("heavy", request_id=f"h{i}", tokens=[1] * (BAND // 2), arrived_at=i) for i in range(8)]
    light = [sequence("light", request_id=f"l{i}", tokens=[1] * (BAND // 2), arrived_at=8 + i) for i in range(2)]
    line, standings = line_of(*heavy, *light)
    order = names(line.in_order(standings))
    assert sorted(order) == sorted(names(line))
    assert order.index("l0") == 1
    assert order.index("l1") <= 4


def test_who_waited_longest_for_a_first_place_is_overdue_first() -> None:
    line, _ = line_of(*(sequence("a", request_id=str(i), arrived_at=i) for i in range(5)))
    assert names(line.overdue(10.0, 8.0)) == ["0", "1"]


def test_requests_of_a_user_are_counted_once_however_many_choices_they_have() -> None:
    choices = [sequence("a", request_id="n", index=i) for i in range(3)]
    line, _ = line_of(*choices, sequence("a", request_id="m", priority=BATCH), sequence("b"))
    assert line.num_requests_of("a") == 2


def test_nothing_is_left_of_who_went() -> None:
    waiting = [sequence(user, request_id=str(i)) for i, user in enumerate("abcab")]
    line, _ = line_of(*waiting)
    line.note_passed(waiting, 5, 0.0)
    for each in waiting:
        line.remove(each)
    assert not len(line)
    assert not any(vars(line)[kept] for kept in ("_lines", "_in_line", "_never_ran", "_passed"))


def test_a_request_waits_for_the_neighbour_who_reads_its_prefix() -> None:
    prefix = list(range(100))
    waiting = sequence(tokens=[*prefix, 1, 2], request_id="w")
    reader = [*prefix, 5, 6]
    assert shares_running_prefill(waiting, [sequence(tokens=reader, request_id="r", num_computed=40)], 40)
    assert not shares_running_prefill(waiting, [sequence(tokens=reader, request_id="r", num_computed=100)], 100)
    assert not shares_running_prefill(waiting, [sequence(tokens=reader, request_id="r", num_computed=40)], 99)
    assert not shares_running_prefill(waiting, [sequence(tokens=[*prefix[:50], 5, 6], request_id="r")], 0)


def test_choices_of_one_request_share_short_prompts_too() -> None:
    prompt = list(range(20))
    mine, sibling = sequence(tokens=prompt, request_id="r"), sequence(tokens=prompt, request_id="r")
    assert shares_running_prefill(mine, [sibling], 0)
    assert not shares_running_prefill(sequence(tokens=prompt, request_id="w"), [sibling], 0)
