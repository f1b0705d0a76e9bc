"""One thread is used exactly while the whole team is slower than it."""

from collections.abc import Callable

import pytest

from bdchat.engine.kv.plan import KVPlan
from bdchat.engine.llama.thread_team import MAX_HOLD_S, ThreadTeam
from bdchat.engine.model_runner import KVLayout, Slice

STEP = [Slice(0, 10, [1], 1)]


def plan(*, is_measured: bool = True) -> KVPlan:
    return KVPlan(KVLayout.STREAMS, "f16", flash_attention=False, base_ms=10.0, is_measured=is_measured)


def run(
    team: ThreadTeam, step_s: Callable[[int, float], float], until_s: float, now_s: float = 0.0
) -> dict[int, float]:
    """Seconds spent with each number of threads on a machine where a step takes step_s(n_threads, now)."""
    spent: dict[int, float] = {}
    while now_s < until_s:
        took = step_s(team.n_threads, now_s)
        now_s += took
        spent[team.n_threads] = spent.get(team.n_threads, 0.0) + took
        team.observe(STEP, took, now_s)
    return spent


def test_on_a_calm_machine_the_team_is_never_broken_up() -> None:
    assert run(ThreadTeam(2, plan()), lambda n, now: 0.010 if n == 2 else 0.018, 60.0).keys() == {2}


def test_while_others_use_the_cores_one_thread_runs_and_afterwards_the_team_again() -> None:
    team = ThreadTeam(2, plan())

    def step_s(n_threads: int, now_s: float) -> float:
        is_busy = now_s < 30.0
        return (0.300 if is_busy else 0.010) if n_threads == 2 else (0.040 if is_busy else 0.018)

    busy = run(team, step_s, 30.0)
    assert busy[1] > 0.6 * sum(busy.values())
    run(team, step_s, 30.0 + MAX_HOLD_S + 1, now_s=30.0)
    assert team.n_threads == 2


def test_a_deep_context_that_is_slow_either_way_keeps_its_team() -> None:
    spent = run(ThreadTeam(2, plan()), lambda n, now: 0.050 if n == 2 else 0.090, 120.0)
    assert spent[2] > 0.95 * sum(spent.values())


@pytest.mark.parametrize(("n_threads", "is_measured"), [(1, True), (16, True), (2, False)])
def test_nothing_is_tried_without_an_alternative_or_a_measure(n_threads: int, is_measured: bool) -> None:
    team = ThreadTeam(n_threads, plan(is_measured=is_measured))
    assert run(team, lambda n, now: 1.0, 60.0).keys() == {n_threads}
