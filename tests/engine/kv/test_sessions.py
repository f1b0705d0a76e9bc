"""Many chats over one system prompt, with sixteen times more tokens than the cells hold: what is read twice."""

import random
from pathlib import Path

import msgspec
import pytest

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.kv.disk import DiskSnapshots
from bdchat.engine.model_runner import KVLayout
from bdchat.engine.scheduling.engine_core import EngineCore
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.kv.computing import compute
from tests.engine.scheduler_runs import Heard, add, ask
from tests.fakes import FakeRunner

NUM_SESSIONS, NUM_TURNS = 24, 6
SYSTEM, SAID, ANSWER = 96, 40, 8  # tokens
LENGTH = SYSTEM + NUM_TURNS * (SAID + ANSWER)
STATE_BYTES = 4 * LENGTH  # FakeRunner's: four bytes a token
CELLS = 3 * LENGTH // 2
BETWEEN_TURNS_S = 2.0


def num_computed(
    *,
    num_cells: int = CELLS,
    num_sequences: int = 4,
    layout: KVLayout = KVLayout.UNIFIED,
    ram_cache_bytes: int = 0,
    folder: Path | None = None,
    seed: int = 1,
) -> int:
    """Prompt tokens that were read for all turns, chats in another order each time."""
    rng = random.Random(seed)
    now = [0.0]
    n_ctx = num_cells if layout is KVLayout.UNIFIED else 2 * LENGTH
    cells = num_cells if layout is KVLayout.UNIFIED else None
    runner = FakeRunner(
        n_ctx=n_ctx, num_sequences=num_sequences, num_cells=cells, n_batch=64, layout=layout, token_s=0.001
    )
    disk = DiskSnapshots(folder, 10**7, made_by="m") if folder is not None else None
    scheduler = Scheduler(runner, ram_cache_bytes=ram_cache_bytes, disk=disk, clock=lambda: now[0])
    core, heard = EngineCore(scheduler, runner), Heard()
    system = [rng.randrange(250) for _ in range(SYSTEM)]
    chats = [list(system) for _ in range(NUM_SESSIONS)]
    for turn in range(NUM_TURNS):
        for session in rng.sample(range(NUM_SESSIONS), NUM_SESSIONS):
            chat = chats[session]
            chat += [rng.randrange(250) for _ in range(SAID)]
            request_id = f"{session}.{turn}"
            request = ask(chat, request_id=request_id, max_tokens=ANSWER)
            add(scheduler, msgspec.structs.replace(request, cache_tag=f"chat {session}"))
            while scheduler.has_work:
                heard.take(core.step())
            chat += heard.tokens[request_id, 0]
            now[0] += BETWEEN_TURNS_S
            if disk is not None:
                disk.close()  # as quick as it has to be
    return scheduler.counts.prompt_tokens_computed


def least() -> int:
    return num_computed(num_cells=NUM_SESSIONS * LENGTH * 2, num_sequences=2 * NUM_SESSIONS)


@pytest.mark.parametrize("layout", list(KVLayout))
def test_where_ram_holds_all_nothing_is_read_twice(layout: KVLayout) -> None:
    evaluated = num_computed(layout=layout, num_sequences=2, ram_cache_bytes=(NUM_SESSIONS + 2) * STATE_BYTES)
    assert evaluated <= 1.10 * least()


@pytest.mark.parametrize("layout", list(KVLayout))
@pytest.mark.parametrize("num_in_ram", [0, 2])
def test_where_the_disk_holds_all_nothing_is_read_twice(num_in_ram: int, layout: KVLayout, tmp_path: Path) -> None:
    evaluated = num_computed(layout=layout, num_sequences=2, ram_cache_bytes=num_in_ram * STATE_BYTES, folder=tmp_path)
    assert evaluated <= 1.10 * least()


@pytest.mark.parametrize("seed", range(3))
def test_where_ram_holds_half_of_the_chats_half_of_them_are_read_once(seed: int) -> None:
    """Least recently used first out would find none of them: each goes before it is asked for again."""
    evaluated = num_computed(ram_cache_bytes=NUM_SESSIONS // 2 * STATE_BYTES, seed=seed)
    of_all_again = sum(NUM_SESSIONS * (SAID * (turn + 1) + ANSWER * turn) for turn in range(NUM_TURNS)) + SYSTEM
    assert evaluated < least() + 0.75 * (of_all_again - least())


def test_without_room_elsewhere_a_sequence_is_cut_back_to_what_others_begin_with() -> None:
    """The system prompt stays in the cells, and the next chat goes on from it, though no chat is left there whole."""
    runner = FakeRunner(n_ctx=300, num_sequences=3, num_cells=300, n_batch=300)
    cache = KVCache(runner)
    system = list(range(100))
    for first in (1000, 2000):
        cache.release(compute(cache, runner, [*system, *range(first, first + 90)]))
    other = compute(cache, runner, list(range(5000, 5150)))
    assert cache.num_reusable([*system, 7, 8]) == 100
    assert cache.num_cells == 250
    cache.check()
    cache.release(other)
