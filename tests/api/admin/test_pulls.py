"""Models on their way: told about, paused, gone on with, given up. The test lets the catalog's pulls go on."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest

from bdchat.api.admin.pulls import MAX_RUNNING, Pulls, PullState
from bdchat.api.bus.interface import ADMIN_TOPIC, Subscription
from bdchat.api.bus.local_bus import LocalBus
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.models.downloads import ProgressCallback, PullFailed, PullProgress
from bdchat.store.errors import Conflict, NotFound
from tests.patience import PATIENCE_S, until

pytestmark = pytest.mark.anyio
TOTAL = 100


class SlowCatalog:
    """A pull reads ten bytes at each `step`; what it has read stays for the next one."""

    def __init__(self) -> None:
        self.entries = dict.fromkeys(("tiny", "small", "large"))
        self.steps = threading.Semaphore(0)
        self.num_bytes = 0
        self.num_clearings = 0
        self.failure: Exception | None = None

    def pull(self, spec: str, progress: ProgressCallback) -> Any:
        if self.failure is not None:
            raise self.failure
        while self.num_bytes < TOTAL:
            progress(PullProgress("download", self.num_bytes, TOTAL, 10.0))
            if self.steps.acquire(timeout=0.005):  # progress is also told while nothing comes
                self.num_bytes += 10
        progress(PullProgress("verify", TOTAL, TOTAL, None))
        return SimpleNamespace(name=f"{spec}-installed")

    def clear_partials(self) -> None:
        self.num_clearings += 1
        self.num_bytes = 0

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.steps.release()


@pytest.fixture
def catalog() -> SlowCatalog:
    return SlowCatalog()


@pytest.fixture
async def bus() -> LocalBus:
    return LocalBus()


@pytest.fixture
async def pulls(catalog: SlowCatalog, bus: LocalBus) -> AsyncGenerator[Pulls]:
    made = Pulls(catalog, bus)  # type: ignore[arg-type]
    yield made
    await made.aclose()


async def next_state(heard: Subscription, state: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        async for _, message in heard:
            if message["state"] == state:
                return message
    raise AssertionError(state)


def told(pulls: Pulls, pull: PullState) -> PullState:
    return next(each for each in pulls.list() if each.pull_id == pull.pull_id)


async def test_a_pull_tells_how_far_it_is_and_how_it_ended(catalog: SlowCatalog, pulls: Pulls, bus: LocalBus) -> None:
    async with bus.subscribe(ADMIN_TOPIC) as heard:
        pull = pulls.begin("tiny")
        assert (pull.state, pull.num_bytes_done) == ("running", 0)
        began = await next_state(heard, "running")
        assert (began["type"], began["model"], began["pull_id"]) == ("pull", "tiny", pull.pull_id)
        catalog.step(3)
        await until(lambda: told(pulls, pull).num_bytes_done == 30)
        assert (told(pulls, pull).phase, told(pulls, pull).bytes_per_s) == ("download", 10.0)
        catalog.step(7)
        done = await next_state(heard, "done")
    assert (done["installed_as"], done["num_bytes_done"], done["num_bytes_total"]) == ("tiny-installed", TOTAL, TOTAL)
    assert told(pulls, pull).state == "done"


async def test_a_paused_pull_goes_on_where_it_stopped(catalog: SlowCatalog, pulls: Pulls, bus: LocalBus) -> None:
    pull = pulls.begin("tiny")
    catalog.step(4)
    await until(lambda: catalog.num_bytes == 40)
    assert (await pulls.pause(pull.pull_id)).state == "paused"
    with pytest.raises(Conflict):
        await pulls.pause(pull.pull_id)
    async with bus.subscribe(ADMIN_TOPIC) as heard:
        assert pulls.resume(pull.pull_id).state == "running"
        catalog.step(6)
        done = await next_state(heard, "done")
    assert done["num_bytes_done"] == TOTAL
    assert catalog.num_clearings == 0


async def test_what_was_given_up_is_deleted_unless_another_is_unfinished(catalog: SlowCatalog, pulls: Pulls) -> None:
    first, second = pulls.begin("tiny"), pulls.begin("small")
    assert (await pulls.pause(second.pull_id)).state == "paused"
    assert (await pulls.cancel(first.pull_id)).state == "cancelled"
    assert catalog.num_clearings == 0
    assert (await pulls.cancel(second.pull_id)).state == "cancelled"
    assert catalog.num_clearings == 1
    with pytest.raises(Conflict):
        await pulls.cancel(second.pull_id)


async def test_what_has_ended_can_be_taken_out_of_the_list(catalog: SlowCatalog, pulls: Pulls) -> None:
    pull = pulls.begin("tiny")
    assert pulls.forget(pull.pull_id) is None  # it runs
    await pulls.cancel(pull.pull_id)
    assert pulls.forget(pull.pull_id) is not None
    assert pulls.list() == ()
    assert pulls.forget(pull.pull_id) is None
    with pytest.raises(NotFound):
        await pulls.cancel(pull.pull_id)


async def test_a_failure_is_told_and_can_be_tried_again(catalog: SlowCatalog, pulls: Pulls, bus: LocalBus) -> None:
    catalog.failure = PullFailed("tiny", "the line is dead", "interrupted")
    async with bus.subscribe(ADMIN_TOPIC) as heard:
        pull = pulls.begin("tiny")
        failed = await next_state(heard, "failed")
        assert "the line is dead" in failed["error"]
        assert failed["error_code"] == "interrupted"
        catalog.failure = None
        resumed = pulls.resume(pull.pull_id)
        assert (resumed.error, resumed.error_code) == (None, None)
        catalog.step(10)
        await next_state(heard, "done")
        catalog.failure = ZeroDivisionError("secret")
        pulls.begin("tiny")
        failed = await next_state(heard, "failed")
        assert "secret" not in failed["error"]
        assert failed["error_code"] == "other"


async def test_there_is_one_pull_of_a_model_and_few_at_a_time(pulls: Pulls) -> None:
    pulls.begin("tiny")
    with pytest.raises(Conflict):
        pulls.begin("tiny")
    pulls.begin("small")
    assert MAX_RUNNING == 2
    with pytest.raises(Conflict):
        pulls.begin("large")


@pytest.mark.parametrize("model", ["nothing", "/etc/passwd", "~/x.gguf", "http://x/y.gguf", "", "hf:" + "x" * 400])
async def test_no_path_and_no_url_is_pulled(pulls: Pulls, model: str) -> None:
    with pytest.raises(InvalidRequest):
        pulls.begin(model)
    with pytest.raises(NotFound):
        pulls.resume("nothing")


async def test_closing_pauses_what_runs(catalog: SlowCatalog, bus: LocalBus) -> None:
    pulls = Pulls(catalog, bus)  # type: ignore[arg-type]
    pull = pulls.begin("tiny")
    await pulls.aclose()
    assert told(pulls, pull).state == "paused"
