"""What is pinned is read once, stays whatever else comes, and outlives the process."""

from collections.abc import Sequence
from pathlib import Path

from bdchat.engine.inspection import PinState
from bdchat.engine.kv.disk import DiskSnapshots
from bdchat.engine.kv.files import keep_only
from bdchat.engine.kv.lookup import Tier
from bdchat.engine.request import Event, Finished
from bdchat.engine.scheduling.engine_core import EngineCore
from bdchat.engine.scheduling.pins import MAX_TRIES, PinKeeper
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import add, ask
from tests.fakes import FakeRunner

SYSTEM = [number % 200 for number in range(100, 180)]  # 80 tokens, 320 bytes of state
KV_FOLDER = "kv"


class Engine:
    """What a worker has of them."""

    def __init__(self, folder: Path | None = None, *, ram_cache_bytes: int = 4_000, made_by: str = "this") -> None:
        self.runner = FakeRunner(n_ctx=200, num_sequences=2, num_cells=250, n_batch=64)
        self.disk = DiskSnapshots(folder, 100_000, made_by=made_by) if folder is not None else None
        self.scheduler = Scheduler(self.runner, ram_cache_bytes=ram_cache_bytes, disk=self.disk)
        self.core = EngineCore(self.scheduler, self.runner)
        self.pins = PinKeeper(self.scheduler)

    def run(self) -> list[Event]:
        heard: list[Event] = []
        while self.pins.rest() or self.scheduler.has_work:
            heard += self.pins.without_own(self.core.step())
        return heard

    def state(self) -> PinState:
        states = self.pins.news()
        assert states is not None
        return states[0]

    def flood(self, num_chats: int = 12) -> None:
        """Chats of others, more than cells and RAM hold."""
        for number in range(num_chats):
            add(self.scheduler, ask([(number + i * i) % 250 for i in range(150)], request_id=f"c{number}"))
            self.run()

    def save_all(self) -> None:
        while self.scheduler.kv_cache.save_one():
            pass
        if self.disk is not None:
            self.disk.close()

    def num_computed_of(self, tokens: Sequence[int]) -> int:
        before = self.runner.num_tokens_computed
        add(self.scheduler, ask([*tokens, 7, 8], request_id="asks", max_tokens=1))
        self.run()
        return self.runner.num_tokens_computed - before


def test_a_pin_is_read_once_and_nobody_hears_of_it() -> None:
    engine = Engine()
    engine.pins.put("house", SYSTEM)
    assert engine.state().state == "waiting"
    assert engine.run() == []
    assert engine.runner.num_tokens_computed == len(SYSTEM)
    assert engine.state() == PinState(pin_id="house", state="kept", num_tokens=80, num_bytes=320, is_in_ram=True)
    assert engine.pins.news() is None
    assert engine.scheduler.metrics().num_requests == 0


def test_a_pin_stays_whatever_else_comes() -> None:
    engine = Engine()
    engine.pins.put("house", SYSTEM)
    engine.run()
    engine.flood()
    assert engine.scheduler.kv_cache.reach([*SYSTEM, 1]).num_in_ram == len(SYSTEM)
    assert engine.num_computed_of(SYSTEM) == 2
    assert engine.scheduler.kv_cache.snapshots.num_bytes <= 4_000


def test_a_pin_is_there_after_a_restart_without_being_read(tmp_path: Path) -> None:
    engine = Engine(tmp_path / KV_FOLDER / "model")
    engine.pins.put("house", SYSTEM)
    engine.run()
    engine.save_all()
    assert engine.state().is_on_disk
    keep_only(tmp_path, ["some chat"])
    later = Engine(tmp_path / KV_FOLDER / "model")
    later.pins.put("house", SYSTEM)
    assert later.run() == []
    assert (later.state().state, later.runner.num_tokens_computed) == ("kept", 0)
    claim = later.scheduler.kv_cache.claim([*SYSTEM, 1])
    assert claim is not None
    assert (claim.num_cached_tokens, claim.tier) == (80, Tier.RAM)


def test_another_model_never_gets_it(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.pins.put("house", SYSTEM)
    engine.run()
    engine.save_all()
    other = Engine(tmp_path, made_by="another")
    other.pins.put("house", SYSTEM)
    other.run()
    assert other.runner.num_tokens_computed == len(SYSTEM)


def test_what_is_unpinned_is_in_no_file_and_not_in_ram(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.pins.put("house", SYSTEM)
    engine.run()
    engine.save_all()
    assert engine.state().is_on_disk
    engine.pins.remove("house")
    assert list(tmp_path.iterdir()) == []
    assert len(engine.scheduler.kv_cache.snapshots) == 0
    assert engine.pins.news() == ()


def test_a_pin_of_other_words_takes_the_first_ones_place(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    for tokens in (SYSTEM, SYSTEM[::-1]):
        engine.pins.put("house", tokens)
        engine.run()
        engine.save_all()
    assert [snapshot.tokens for snapshot in engine.scheduler.kv_cache.snapshots] == [SYSTEM[::-1]]
    assert engine.disk is not None
    assert [kept.tokens for kept in engine.disk] == [SYSTEM[::-1]]


def test_pins_of_deleted_ids_go_when_all_are_known(tmp_path: Path) -> None:
    engine = Engine(tmp_path / KV_FOLDER / "model")
    for pin_id, tokens in (("house", SYSTEM), ("old", SYSTEM[::-1])):
        engine.pins.put(pin_id, tokens)
        engine.run()
        engine.save_all()
    assert keep_only(tmp_path, [], ["house"]) == 1
    assert [kept.tokens for kept in DiskSnapshots(tmp_path / KV_FOLDER / "model", 10_000, made_by="this")] == [SYSTEM]


def test_what_is_too_large_is_refused_with_its_reason() -> None:
    engine = Engine(ram_cache_bytes=1_000)
    engine.pins.put("house", SYSTEM)
    engine.run()
    assert engine.state().state == "refused"
    engine.pins.put("house", SYSTEM * 3)
    engine.run()
    assert engine.state().reason == "the prompt has 240 tokens, the context holds 200"
    engine.pins.put("house", [], problem="messages: no")
    engine.run()
    assert (engine.state().state, engine.runner.num_tokens_computed) == ("refused", len(SYSTEM))


def test_a_pin_that_fails_is_tried_a_few_times() -> None:
    engine = Engine()
    engine.runner.fail_decodes = MAX_TRIES
    engine.pins.put("house", SYSTEM)
    assert engine.run() == []
    assert "told to fail" in engine.state().reason
    engine.runner.fail_decodes = MAX_TRIES - 1
    engine.pins.put("house", SYSTEM)
    engine.run()
    assert engine.state().state == "kept"


def test_a_pin_that_is_taken_back_while_it_is_read_leaves_others_alone() -> None:
    engine = Engine()
    add(engine.scheduler, ask(SYSTEM[::-1], request_id="other"))
    engine.pins.put("house", SYSTEM)
    heard = engine.pins.without_own(engine.core.step())
    engine.pins.remove("house")
    heard += engine.run()
    assert [event.request_id for event in heard if isinstance(event, Finished)] == ["other"]
    assert len(engine.scheduler.kv_cache.snapshots) == 0
