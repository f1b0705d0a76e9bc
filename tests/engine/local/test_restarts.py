"""How an engine process died, and whether it is started again."""

import signal
from pathlib import Path

import pytest

from bdchat.engine.local.restarts import Death, OOMWitness, RestartPolicy
from bdchat.engine.local.totals import GAUGES, with_former_lives
from bdchat.engine.metrics import EngineMetrics


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("death", "may_be", "cause"),
    [
        (Death(-signal.SIGSEGV), True, "SIGSEGV"),
        (Death(-signal.SIGABRT), True, "SIGABRT"),
        (Death(-signal.SIGILL), True, "SIGILL"),
        (Death(1), True, "exit status 1"),
        (Death(-signal.SIGKILL), False, "SIGKILL"),
        (Death(-signal.SIGTERM), False, "SIGTERM"),
        (Death(0), False, "exit status 0"),
        (Death(-signal.SIGKILL, was_oom=True), True, "the system ran out of memory"),
        (Death(-signal.SIGKILL, killed_because="it hung"), True, "it hung"),
        (Death(-99), False, "signal 99"),
    ],
)
def test_only_a_crash_may_be_a_requests_fault(death: Death, may_be: bool, cause: str) -> None:
    assert death.may_be_a_requests_fault is may_be
    assert death.cause == cause


def test_a_death_is_described_by_what_was_said_before_the_traceback() -> None:
    words = "GGML_ASSERT(n_tokens > 0) failed\nFatal Python error: Aborted\n  File x, line 1"
    assert Death(-signal.SIGABRT, last_words=words).description == "SIGABRT: GGML_ASSERT(n_tokens > 0) failed"
    assert Death(-signal.SIGKILL).description == "SIGKILL"


def test_backoff_grows_until_the_engine_is_given_up() -> None:
    policy = RestartPolicy(Clock())
    assert [policy.note_death() for _ in range(6)] == [0.1, 0.5, 2.0, 5.0, 5.0, None]


def test_progress_makes_a_death_a_first_one() -> None:
    policy = RestartPolicy(Clock())
    for _ in range(20):
        assert policy.note_death() == 0.1
        policy.note_progress()


def test_deaths_long_ago_are_no_crash_loop() -> None:
    clock = Clock()
    policy = RestartPolicy(clock)
    for _ in range(20):
        clock.now += 61
        assert policy.note_death() == 0.1


def test_the_kernels_count_tells_want_of_memory_from_a_kill(tmp_path: Path) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("nr_free_pages 1\noom_kill 3\nswap_ra 0\n")
    witness = OOMWitness(vmstat)
    assert not witness.saw_a_kill()
    vmstat.write_text("nr_free_pages 1\noom_kill 4\nswap_ra 0\n")
    assert witness.saw_a_kill()
    assert not witness.saw_a_kill()


def test_without_the_kernels_count_memory_is_never_blamed(tmp_path: Path) -> None:
    assert not OOMWitness(tmp_path / "missing").saw_a_kill()


def test_totals_are_summed_over_lives_and_gauges_are_not() -> None:
    former = EngineMetrics(num_running=5, num_cells=9, tokens_generated=10, decode_seconds=1.5)
    current = EngineMetrics(num_running=1, num_cells=2, tokens_generated=3, decode_seconds=0.5)
    both = with_former_lives(former, current)
    assert (both.num_running, both.num_cells) == (1, 2)
    assert (both.tokens_generated, both.decode_seconds) == (13, 2.0)
    assert set(EngineMetrics.__struct_fields__) >= GAUGES
