"""The laws of the order: who goes before whom, and who gives way."""

import random

import pytest

from bdchat.engine.scheduling.fairness.rank import BAND_CHUNKS, QUANTUM_S, Standings
from bdchat.engine.scheduling.sequence import Sequence
from tests.engine.scheduling.fairness.standing import ANSWER, BATCH, CHUNK, INTERACTIVE, ranking, sequence

BAND = BAND_CHUNKS * CHUNK


def test_a_batch_answer_gives_way_to_whoever_is_waited_for() -> None:
    waits, runs = sequence("a"), sequence("b", priority=BATCH)
    standings = ranking(a=10**6).standings([runs], 0.0)
    assert standings.outranks(waits, runs)
    assert not standings.outranks(runs, waits)


def test_who_came_in_as_due_keeps_its_place_for_a_while() -> None:
    waits, runs = sequence("a"), sequence("b", priority=BATCH)
    runs.keeps_place_until = QUANTUM_S
    assert not ranking().standings([runs], QUANTUM_S - 0.1).outranks(waits, runs)
    assert ranking().standings([runs], QUANTUM_S).outranks(waits, runs)


def test_who_was_served_a_band_more_gives_way() -> None:
    waits, runs = sequence("a"), sequence("b")
    assert not ranking(b=BAND).standings([runs], 0.0).outranks(waits, runs)
    assert ranking(b=BAND + 1).standings([runs], 0.0).outranks(waits, runs)


def test_places_are_made_equal_not_turned_around() -> None:
    """Else all places of one user went to the other at once, and back again a band later."""
    waits, runs = sequence("a"), sequence("b")
    behind = ranking(b=BAND + 1)
    assert behind.standings([runs, sequence("a")], 0.0).outranks(waits, runs)
    assert not behind.standings([runs, sequence("a"), sequence("a")], 0.0).outranks(waits, runs)


def test_a_user_with_nothing_running_takes_a_place_of_one_who_has_two() -> None:
    waits, runs = sequence("a"), sequence("b")
    assert ranking().standings([runs, sequence("b")], 0.0).outranks(waits, runs)
    assert not ranking().standings([runs], 0.0).outranks(waits, runs)
    assert not ranking(a=BAND + 1).standings([runs, sequence("b")], 0.0).outranks(waits, runs)


def test_nobody_gives_way_to_its_own_user() -> None:
    assert not ranking(a=10**6).standings([sequence("a")] * 4, 0.0).outranks(sequence("a"), sequence("a"))


def victim(standings: Standings, waiting: Sequence, running: list[Sequence]) -> Sequence | None:
    """Of those that give way to it the first to do so."""
    outranked = [other for other in running if standings.outranks(waiting, other)]
    return max(outranked, key=standings.yielding, default=None)


def test_first_gives_way_the_worst_class_then_the_most_served_then_the_latest() -> None:
    early = sequence("little", admitted_at=1.0)
    served = sequence("much", admitted_at=1.0)
    late = sequence("much", admitted_at=2.0)
    batch = sequence("little", priority=BATCH, admitted_at=0.0)
    running = [early, served, late, batch]
    standings = ranking(much=2 * BAND).standings(running, 0.0)
    waits = sequence("x")
    assert victim(standings, waits, running) is batch
    assert victim(standings, waits, [early, served, late]) is late
    assert victim(standings, waits, [early]) is early  # `little` has two places
    assert victim(ranking().standings([early], 0.0), waits, [early]) is None


@pytest.mark.parametrize("seed", range(100))
def test_places_never_change_for_ever(seed: int) -> None:
    """While nobody is charged anything, who outranks whom comes to rest."""
    rng = random.Random(seed)
    users = {name: rng.randrange(3 * BAND) for name in "abcde"[: rng.randrange(2, 6)]}
    everybody = [
        sequence(rng.choice(list(users)), priority=rng.choice([BATCH, INTERACTIVE, INTERACTIVE]), tokens=[1] * 50)
        for _ in range(rng.randrange(4, 20))
    ]
    running, waiting = everybody[:4], everybody[4:]
    ranks = ranking(**users)
    for _ in range(40):
        standings = ranks.standings(running, 0.0)
        pairs = [(w, v) for w in waiting if (v := victim(standings, w, running)) is not None]
        if not pairs:
            return
        waits, loses = rng.choice(pairs)
        running = [*(s for s in running if s is not loses), waits]
        waiting = [*(s for s in waiting if s is not waits), loses]
    raise AssertionError("it never came to rest")


def test_what_runs_counts_as_served_before_it_is() -> None:
    """Else a user that comes a moment earlier takes every place of an idle machine."""
    runs = sequence("a", tokens=[1] * 30, num_computed=20)
    standings = ranking(a=5).standings([runs, runs], 0.0)
    assert standings.served("a") == 5 + 2 * (10 + 2 * ANSWER)
    assert standings.num_running_of("a") == 2


def test_a_prompt_is_charged_once_however_often_it_is_read() -> None:
    ranks = ranking()
    runs = sequence("a", tokens=[1] * 30, num_computed=20)
    runs.num_charged_tokens = 8  # were cached
    ranks.charge(runs)
    runs.num_computed_tokens = 0  # it gave way
    ranks.charge(runs)
    runs.num_computed_tokens = 30
    ranks.charge(runs, num_generated=3)
    assert ranks.counters.of("a") == 22 + 2 * 3
