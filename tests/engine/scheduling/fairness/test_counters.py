"""The laws of what users owe one another."""

import random

from bdchat.engine.scheduling.fairness.counters import PRUNED_FROM, VirtualCounters


def arrive(
    counters: VirtualCounters, user: str, *, waiting: str = "", running: str = "", others: str = ""
) -> VirtualCounters:
    """Users with names of one letter."""
    counters.arrive(user, waiting=list(waiting), running=list(running), others=list(others))
    return counters


def test_a_computed_prompt_token_costs_one_and_a_generated_one_two() -> None:
    counters = VirtualCounters()
    counters.charge("a", 100, 7)
    assert (counters.of("a"), counters.of("b")) == (114, 0)


def test_who_comes_owes_as_much_as_the_least_of_those_who_wait() -> None:
    counters = VirtualCounters()
    counters.charge("a", 1000, 0)
    counters.charge("b", 300, 0)
    counters.charge("r", 5, 0)
    assert arrive(counters, "c", waiting="ab", running="r").of("c") == 300
    assert counters.of("r") == 5


def test_who_waits_already_is_not_lifted() -> None:
    counters = VirtualCounters()
    counters.charge("a", 1000, 0)
    assert arrive(counters, "b", waiting="ab").of("b") == 0


def test_nobody_is_let_down() -> None:
    counters = VirtualCounters()
    counters.charge("a", 10, 0)
    counters.charge("b", 1000, 0)
    assert arrive(counters, "b", waiting="a").of("b") == 1000


def test_what_nobody_else_wanted_is_owed_to_nobody() -> None:
    """One user had the machine for hours, beside another that wanted little: they begin as equals."""
    counters = VirtualCounters()
    counters.charge("hours", 10**6, 0)
    counters.charge("little", 10, 0)
    counters.arrive("little", waiting=[], running=["hours", "little"], others=[])
    assert counters.of("little") == counters.of("hours")


def test_an_idle_machine_forgets() -> None:
    counters = VirtualCounters()
    counters.charge("a", 1000, 0)
    assert arrive(counters, "b").of("a") == 0
    assert len(counters) == 0


def test_another_class_neither_lifts_nor_makes_the_machine_idle() -> None:
    counters = VirtualCounters()
    counters.charge("batch", 9, 0)
    counters.arrive("a", waiting=[], running=[], others=["batch"])
    assert (counters.of("a"), counters.of("batch")) == (0, 9)


def test_counters_of_users_who_are_away_are_bounded() -> None:
    rng = random.Random(1)
    counters = VirtualCounters(max_remembered=100)
    counters.charge("here", 10**9, 0)
    for number in range(5000):
        user = f"user {number}"
        counters.arrive(user, waiting=["here"], running=[], others=[])
        counters.charge(user, rng.randrange(1, 1000), 0)
        assert len(counters) <= 100 + PRUNED_FROM + 3


def test_who_owes_most_is_forgotten_last() -> None:
    counters = VirtualCounters(max_remembered=1)
    counters.charge("here", 10, 0)
    for number in range(200):
        counters.charge(f"user {number}", 1000 - number, 0)
    arrive(counters, "x", others="h")
    assert counters.of("user 0") == 1000
    assert counters.of("user 1") == 0


def test_weeks_of_service_are_counted_to_the_token() -> None:
    counters = VirtualCounters()
    counters.charge("a", 10**18, 0)
    counters.charge("a", 1, 0)
    assert counters.of("a") - 10**18 == 1
