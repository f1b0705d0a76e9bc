"""Where the state of who gave way waits, and what goes before it."""

from pathlib import Path

import pytest

from bdchat.engine.kv.disk import DiskSnapshots
from bdchat.engine.model_runner import KVLayout
from bdchat.engine.request import FinishReason
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import Heard, add, ask, run, spelled, step
from tests.engine.scheduling.interruptions import (
    LONG,
    PLENTY,
    SHORT,
    batch,
    interrupted,
    one_place,
    steps,
    urgent,
)
from tests.fakes import FakeRunner


def test_no_other_snapshot_drives_it_out_of_ram() -> None:
    """Room for its state and one of the short answers', which come and go while it waits."""
    runner = one_place()
    scheduler, heard = interrupted(runner, ram_cache_bytes=4 * (106 + 60))
    snapshots = scheduler.kv_cache.snapshots
    assert snapshots.num_reserved_bytes == 4 * 106
    for number in range(6):
        add(scheduler, ask([number, *SHORT], request_id=f"next {number}", max_tokens=12))
        heard.take(step(scheduler))
    while len(heard.finished) < 7:
        heard.take(step(scheduler))
        assert snapshots.num_reserved_bytes + snapshots.num_bytes <= snapshots.max_bytes
    assert "batch" not in {request_id for request_id, _ in heard.finished}
    before = runner.num_tokens_computed
    run(scheduler, heard=heard)
    assert heard.text["batch", 0] == spelled(LONG, 40)
    assert runner.num_tokens_computed - before == 100 + 39 - 106
    assert snapshots.num_reserved_bytes == 0


def test_other_snapshots_make_room_for_it() -> None:
    scheduler = Scheduler(one_place(), ram_cache_bytes=4 * 150)
    add(scheduler, ask(SHORT, request_id="first", max_tokens=20))
    add(scheduler, batch())
    heard = steps(scheduler, 32)
    assert scheduler.kv_cache.snapshots.num_bytes == 4 * 59
    add(scheduler, urgent())
    heard.take(step(scheduler))
    assert scheduler.kv_cache.snapshots.num_bytes == 0
    assert scheduler.kv_cache.snapshots.num_reserved_bytes > 4 * 100
    run(scheduler, heard=heard)
    assert heard.text["batch", 0] == spelled(LONG, 40)
    assert scheduler.metrics().num_swaps_in == 1


def test_without_ram_it_goes_to_the_disk_where_its_tag_allows(tmp_path: Path) -> None:
    runner = one_place()
    disk = DiskSnapshots(tmp_path, 100_000, made_by="a model")
    scheduler, heard = interrupted(runner, disk=disk)
    assert scheduler.metrics().num_swaps_out_to_disk == 1
    disk.close()  # written
    before = runner.num_tokens_computed
    run(scheduler, heard=heard)
    assert heard.text["batch", 0] == spelled(LONG, 40)
    assert runner.num_tokens_computed - before == 8 + 14 + 100 + 39 - 106  # what is left of both


def test_it_stays_in_its_cells_while_nobody_needs_them() -> None:
    scheduler, heard = interrupted(FakeRunner(n_ctx=200, num_sequences=1, num_ids=3, num_cells=300, n_batch=32))
    run(scheduler, heard=heard)
    assert heard.text["batch", 0] == spelled(LONG, 40)
    metrics = scheduler.metrics()
    assert (metrics.num_swaps_out, metrics.num_swaps_recomputed) == (0, 0)
    assert heard.finished["batch", 0].usage.num_computed_tokens == len(LONG)


def test_of_what_is_in_the_cells_it_is_the_last_to_leave() -> None:
    runner = FakeRunner(n_ctx=200, num_sequences=1, num_ids=3, num_cells=250, n_batch=32)
    scheduler = Scheduler(runner, ram_cache_bytes=PLENTY)
    add(scheduler, ask([9, *SHORT], request_id="idle", max_tokens=20))
    run(scheduler)
    add(scheduler, batch())
    heard = steps(scheduler, 10)
    add(scheduler, ask([3, *LONG], request_id="urgent", max_tokens=15))  # 60 + 106 + 115 > 250
    run(scheduler, heard=heard)
    assert scheduler.kv_cache.num_evictions > 0
    assert scheduler.metrics().num_swaps_out == 0
    assert heard.text["batch", 0] == spelled(LONG, 40)


@pytest.mark.parametrize("ram", [0, PLENTY])
@pytest.mark.parametrize("num_ids", [1, 2])
def test_cancelled_while_it_is_paused_it_leaves_nothing_reserved(num_ids: int, ram: int) -> None:
    runner = FakeRunner(n_ctx=200, num_sequences=1, num_ids=num_ids, num_cells=300, n_batch=32)
    scheduler, heard = interrupted(runner, ram_cache_bytes=ram)
    scheduler.cancel("batch")
    run(scheduler, heard=heard)
    assert heard.finished["batch", 0].reason is FinishReason.CANCELLED
    assert heard.text["batch", 0] == spelled(LONG, 7)
    assert heard.text["urgent", 0] == spelled(SHORT, 15)
    assert scheduler.kv_cache.snapshots.num_reserved_bytes == 0
    scheduler.kv_cache.check()


def test_when_a_step_breaks_also_the_paused_ones_end() -> None:
    scheduler, _ = interrupted(one_place(), ram_cache_bytes=PLENTY)
    ended = Heard()
    ended.take(scheduler.fail_all("broken"))
    assert {request_id for request_id, _ in ended.finished} == {"batch", "urgent"}
    assert scheduler.kv_cache.snapshots.num_reserved_bytes == scheduler.kv_cache.snapshots.num_bytes == 0


def test_a_state_that_is_copied_slower_than_read_is_read_again() -> None:
    """The clock stands for both: a copy takes a minute of it, a prompt token a millisecond."""
    now = 0.0

    class SlowCopies(FakeRunner):
        def save(self, seq_id: int) -> bytes:
            nonlocal now
            now += 60
            return super().save(seq_id)

    runner = SlowCopies(n_ctx=200, num_sequences=1, n_batch=32, layout=KVLayout.STREAMS)
    scheduler = Scheduler(runner, ram_cache_bytes=PLENTY, clock=lambda: now)
    add(scheduler, batch(max_tokens=60))
    heard = steps(scheduler, 10)
    for number in range(2):
        add(scheduler, urgent(request_id=f"urgent {number}", max_tokens=2))
        heard.take(step(scheduler))
        while (f"urgent {number}", 0) not in heard.finished:
            heard.take(step(scheduler))
        heard.take(step(scheduler))  # the batch one is back
    run(scheduler, heard=heard)
    metrics = scheduler.metrics()
    assert (metrics.num_preemptions, metrics.num_swaps_out, metrics.num_swaps_recomputed) == (2, 1, 1)
    assert metrics.swap_seconds == 60
    assert heard.text["batch", 0] == spelled(LONG, 60)
