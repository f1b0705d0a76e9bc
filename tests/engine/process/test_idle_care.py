"""What an engine does while nobody asks: on a clock of our own."""

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.model_runner import KVLayout
from bdchat.engine.process.idle_care import CALM_S, WATCH_S, IdleCare
from tests.engine.kv.computing import compute
from tests.engine.kv.test_retreat import STATE_BYTES, with_chats
from tests.fakes import FAKE_SEQUENCE_BYTES, FakeRunner

GIB = 1024**3
IDLE_S = 60.0


class Case:
    def __init__(self, *, num_chats: int = 4, keep_bytes: int = 2 * STATE_BYTES) -> None:
        self.now = 0.0
        self.free = 8 * GIB
        self.num_given_back = 0
        self.cache: KVCache
        self.runner: FakeRunner
        self.cache, self.runner = with_chats(range(1, num_chats + 1), layout=KVLayout.STREAMS)
        self.care = IdleCare(
            self.cache,
            self.runner,
            idle_s=IDLE_S,
            keep_bytes=keep_bytes,
            short_bytes=GIB,
            give_back_others=self._give_back,
            free_bytes=lambda: self.free,
            clock=lambda: self.now,
        )

    def _give_back(self) -> None:
        self.num_given_back += 1

    def rest_until(self, time_s: float) -> None:
        """As the loop does: it sleeps as long as it is told."""
        while self.now < time_s:
            wait_s = self.care.rest()
            if wait_s is None:
                self.now = time_s
                return
            self.now = min(time_s, self.now + max(wait_s, 1e-6))


def test_sequences_stay_in_the_cells_while_somebody_may_still_be_reading() -> None:
    case = Case()
    case.rest_until(IDLE_S - 1)
    assert len(case.cache.idle_ids) == 4
    assert case.cache.num_resident_bytes == 4 * FAKE_SEQUENCE_BYTES


def test_after_a_while_they_leave_within_the_bound_and_their_memory_goes_back() -> None:
    case = Case()
    case.rest_until(2 * IDLE_S)
    assert not case.cache.idle_ids
    assert case.cache.snapshots.num_bytes == 2 * STATE_BYTES
    assert case.cache.num_resident_bytes == 0
    assert case.num_given_back == 2  # when it was calm, and when all had left
    assert case.care.rest() is None


def test_cells_that_nobody_holds_go_back_as_soon_as_it_is_calm() -> None:
    case = Case(num_chats=1)
    case.cache.release(compute(case.cache, case.runner, [9] * 40), keep=False)
    case.rest_until(CALM_S - 0.1)
    assert case.runner.resident_bytes() == 2 * FAKE_SEQUENCE_BYTES
    case.rest_until(CALM_S + 0.1)
    assert case.runner.resident_bytes() == FAKE_SEQUENCE_BYTES


def test_a_request_makes_it_wait_anew() -> None:
    case = Case()
    case.rest_until(IDLE_S - 1)
    case.care.watch()
    case.rest_until(IDLE_S + 10)
    assert len(case.cache.idle_ids) == 4


def test_when_memory_is_short_idle_sequences_go_down_to_the_bound_at_once_beside_one_that_runs() -> None:
    case = Case(num_chats=3, keep_bytes=STATE_BYTES)
    running = compute(case.cache, case.runner, [9] * 40)
    case.free = GIB - 1
    case.care.watch()
    assert len(case.cache.idle_ids) == 3  # it looks every few seconds
    case.now += WATCH_S
    case.care.watch()
    assert len(case.cache.idle_ids) == 1  # where it is: a copy would take memory
    assert case.cache.snapshots.num_bytes == 0
    assert case.cache.num_resident_bytes == 2 * FAKE_SEQUENCE_BYTES
    assert case.runner.tokens(running) == [9] * 40


def test_when_memory_gets_short_while_it_rests_they_leave_sooner() -> None:
    case = Case()
    case.rest_until(IDLE_S / 2)
    case.free = GIB - 1
    case.rest_until(IDLE_S - 1)
    assert not case.cache.idle_ids
    assert case.cache.snapshots.num_bytes == 2 * STATE_BYTES
    assert case.runner.resident_bytes() == 0
