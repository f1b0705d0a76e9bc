"""Models in an admin's hands: listed with what they need, loaded when memory holds them, unloaded, fetched, deleted."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from bdchat.api.admin.models import AdminModels
from bdchat.api.app import App
from bdchat.api.bus.interface import ADMIN_TOPIC
from bdchat.engine.engine import Engine
from bdchat.engine.local.local_models import LocalModels
from bdchat.engine.models.catalog import InstalledModel
from bdchat.engine.router import Router
from bdchat.settings import ModelSettings, Settings
from tests.api.people import audited
from tests.api.serving import USER, app_of, error_of, fresh_data_dir, over_app, signed_in
from tests.fake_engine import FakeEngine
from tests.gguf_files import GGUFFile, default_pairs, string
from tests.patience import PATIENCE_S, until

pytestmark = pytest.mark.anyio
MODELS = "/api/admin/models"
CHAT = "/v1/chat/completions"


class FakeShelf:
    """Finds what lies in the data directory; opens fakes that are loading until the test says otherwise."""

    def __init__(self, settings: Settings) -> None:
        self._local = LocalModels.of(settings)
        self.engines: dict[str, FakeEngine] = {}

    def find(self, name: str) -> InstalledModel:
        return self._local.find(name)

    def open(self, model: InstalledModel, *, starts: bool = True) -> Engine:
        engine = self.engines[model.name] = FakeEngine(model_id=model.name, state="loading")
        return engine


class Scene:
    def __init__(self, client: httpx.AsyncClient, shelf: FakeShelf, folder: Path, admin: dict[str, str]) -> None:
        self.client = client
        self.shelf = shelf
        self.folder = folder
        self.admin = admin

    async def post(self, path: str, **body: object) -> httpx.Response:
        return await self.client.post(f"{MODELS}/{path}", json=body, headers=self.admin)

    async def rows(self) -> dict[str, dict[str, object]]:
        listed = (await self.client.get(MODELS, headers=self.admin)).json()
        return {row["name"]: row for row in listed["data"]}


@asynccontextmanager
async def staged(*, named: str = "one") -> AsyncGenerator[Scene]:
    """Two model files, `one` and `two`, and the first is served. `named`: by the operator's setting."""
    settings = Settings(data_dir=fresh_data_dir(), models=ModelSettings(default=named))
    folder = settings.data_dir / "models"
    for name in ("one", "two"):
        GGUFFile().write(folder / f"{name}.gguf")
    shelf = FakeShelf(settings)
    router = Router({"one": FakeEngine(model_id="one")}, default="one", created=7, source=shelf)
    async with over_app(App(settings, router), settings) as client:
        yield Scene(client, shelf, folder, await signed_in(client, "root", admin=True))


async def test_models_are_listed_with_what_they_need_and_not_where_they_lie() -> None:
    async with staged() as scene:
        (scene.folder / "bad.gguf").write_bytes(b"GGUF")
        response = await scene.client.get(MODELS, headers=scene.admin)
        rows = await scene.rows()
    assert (rows["one"]["state"], rows["one"]["served"], rows["one"]["is_default"]) == ("installed", "ready", True)
    assert (rows["two"]["served"], rows["two"]["checksum"], rows["two"]["fits"]) == (None, "unknown", True)
    assert (rows["bad"]["state"], rows["bad"]["memory_bytes"]) == ("broken", None)
    assert rows["mistral-7b-instruct-v0.3"]["state"] == "available"
    assert response.json()["free_disk_bytes"] > 0
    assert str(scene.folder) not in response.text


async def test_a_model_is_loaded_told_about_and_served() -> None:
    async with staged() as scene:
        async with app_of(scene.client).bus.subscribe(ADMIN_TOPIC) as heard:
            loading = await scene.post("load", model="two.gguf")
            assert loading.json() == {"model": "two", "state": "loading"}
            assert (await anext(heard))[1] == {"type": "model", "model": "two", "state": "loading"}
            scene.shelf.engines["two"].state = "ready"
            async with asyncio.timeout(PATIENCE_S):
                assert (await anext(heard))[1]["state"] == "ready"
        answer = await scene.client.post(CHAT, json={"messages": USER, "model": "two"})
        assert answer.json()["model"] == "two"
        assert (await scene.rows())["two"]["served"] == "ready"
        assert (await scene.post("load", model="two")).json()["state"] == "ready"  # again: it is there


async def test_a_model_that_cannot_chat_is_refused_with_the_reason_that_its_row_has(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with staged() as scene:
        pairs = {key.replace("llama.", "t5."): value for key, value in default_pairs().items()}
        GGUFFile(pairs=pairs | {"general.architecture": string("t5")}).write(scene.folder / "three.gguf")
        refused = error_of(await scene.post("load", model="three"), 503)
        assert refused["code"] == "model_load_failed"
        assert "encoder-decoder" in refused["message"]
        assert "encoder-decoder" in caplog.text
        row = (await scene.rows())["three"]
        assert (row["kind"], row["served"]) == ("encoder-decoder", None)
        assert "encoder-decoder" in str(row["note"])


async def test_why_a_model_does_not_load_is_in_its_row_and_it_is_nobodys_default() -> None:
    """The row said "failed" and nothing else, and the model was everybody's where no other was served."""
    reason = "unknown model architecture: 'brandnew'"
    async with staged() as scene:
        await scene.post("unload", model="one")
        await scene.post("load", model="two")
        two = scene.shelf.engines["two"]
        two.state, two.problem = "failed", reason
        row = (await scene.rows())["two"]
        assert (row["served"], row["problem"], row["is_default"]) == ("failed", reason, False)
        assert reason in error_of(await scene.post("default", model="two"), 503)["message"]
        (engine,) = (await scene.client.get("/api/admin/engine", headers=scene.admin)).json()["data"]
        assert (engine["problem"], engine["is_default"]) == (reason, False)


async def test_what_memory_did_not_allow_of_a_context_is_in_the_row() -> None:
    async with staged() as scene:
        one = app_of(scene.client).engine_router.engine_for("one")
        assert isinstance(one, FakeEngine)
        assert (await scene.rows())["one"]["context_cut"] is None
        one.context_cut = "1 of 2"
        assert (await scene.rows())["one"]["context_cut"] == "1 of 2"


async def test_what_does_not_fit_is_refused_with_the_numbers() -> None:
    async with staged() as scene:
        app = app_of(scene.client)
        models = AdminModels(
            app.settings.limits,
            router=app.engine_router,
            models=app.local_models,
            pulls=None,  # type: ignore[arg-type]
            bus=app.bus,
            database=app.database,
            authenticator=app.authenticator,
            free_bytes=lambda: 10_000_000,
        )
        app.router.routes[:0] = models.routes()
        refused = error_of(await scene.post("load", model="two"), 409)
        assert refused["param"] == "model"
        assert "0.01 GB are free" in refused["message"]
        assert scene.shelf.engines == {}
        assert (await scene.rows())["two"]["fits"] is False


async def news_of(model: str, heard: AsyncIterator[tuple[str, dict[str, object]]]) -> dict[str, object]:
    """The next; another model's may come between."""
    while (news := (await anext(heard))[1])["model"] != model:
        pass
    return news


async def test_an_unloaded_model_ends_after_its_answers_and_another_is_the_default() -> None:
    async with staged() as scene:
        app = app_of(scene.client)
        await scene.post("load", model="two")
        scene.shelf.engines["two"].state = "ready"
        one = app.engine_router.engine_for("one")
        assert isinstance(one, FakeEngine)
        gate = asyncio.Event()
        one.token_gate = gate.wait
        running = asyncio.create_task(scene.client.post(CHAT, json={"messages": USER, "model": "one"}))
        while not one.num_running:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        async with app.bus.subscribe(ADMIN_TOPIC) as heard:
            leaving = await scene.post("unload", model="one")
            assert (leaving.status_code, leaving.json()) == (202, {"model": "one", "state": "leaving"})
            assert (await news_of("one", heard))["state"] == "leaving"
            error_of(await scene.client.post(CHAT, json={"messages": USER, "model": "one"}), 404)
            assert (await scene.client.post(CHAT, json={"messages": USER})).json()["model"] == "two"
            assert "is being unloaded" in error_of(await scene.post("load", model="one"), 503)["message"]
            error_of(await scene.client.delete(f"{MODELS}?model=one", headers=scene.admin), 409)
            gate.set()
            assert (await running).json()["choices"][0]["finish_reason"] == "stop"
            async with asyncio.timeout(PATIENCE_S):
                assert await news_of("one", heard) == {"type": "model", "model": "one", "state": "closed"}
        assert one.is_closed


async def test_a_model_that_lies_elsewhere_can_be_loaded_again(tmp_path: Path) -> None:
    """Once it was unloaded its row was gone, and with it the way back."""
    async with staged(named=str(GGUFFile().write(tmp_path / "far.gguf"))) as scene:
        row = (await scene.rows())["far"]
        assert (row["state"], row["served"], row["is_deletable"]) == ("installed", None, False)
        assert (await scene.post("load", model="far")).json() == {"model": "far", "state": "loading"}
        await scene.post("unload", model="far", drain_s=0)
        app = app_of(scene.client)
        await until(lambda: not app.engine_router.leaving)
        assert (await scene.rows())["far"]["served"] is None
        assert (await scene.post("load", model="far")).status_code == 200
        await scene.post("unload", model="far", drain_s=0)
        await until(lambda: not app.engine_router.leaving)
        refused = await scene.client.delete(f"{MODELS}?model=far", headers=scene.admin)
        assert error_of(refused, 400)["code"] == "model_elsewhere"
        assert str(tmp_path) not in refused.text


async def test_the_default_is_whom_nobody_names() -> None:
    async with staged() as scene:
        await scene.post("load", model="two")
        scene.shelf.engines["two"].state = "ready"
        assert (await scene.post("default", model="two")).json() == {"model": "two", "state": "ready"}
        assert (await scene.client.post(CHAT, json={"messages": USER})).json()["model"] == "two"


async def test_a_file_is_deleted_when_nothing_serves_it() -> None:
    async with staged() as scene:
        delete = f"{MODELS}?model="
        assert "unload it" in error_of(await scene.client.delete(f"{delete}one", headers=scene.admin), 409)["message"]
        assert (await scene.client.delete(f"{delete}two", headers=scene.admin)).status_code == 200
        assert sorted(path.name for path in scene.folder.glob("*.gguf")) == ["one.gguf"]
        error_of(await scene.client.delete(f"{delete}two", headers=scene.admin), 404)
        error_of(await scene.client.delete(f"{delete}../bdchat", headers=scene.admin), 404)
        assert [entry for entry in await audited(scene.client) if entry[0] == "model.delete"] == [
            ("model.delete", "root", "two")
        ]


@pytest.mark.parametrize("path", ["load", "unload", "default"])
async def test_a_model_that_is_not_there_is_404(path: str) -> None:
    async with staged() as scene:
        for name in ("nothing", "../one", "/etc/passwd", "one.gguf.bak"):
            assert error_of(await scene.post(path, model=name), 404)["param"] == "model"
        assert error_of(await scene.post(path), 400)["param"] == "model"


async def test_a_pull_is_begun_seen_and_refused_by_path() -> None:
    async with staged() as scene:
        path = "/api/admin/pulls"
        refused = await scene.client.post(path, json={"model": str(scene.folder / "one.gguf")}, headers=scene.admin)
        assert error_of(refused, 400)["param"] == "model"
        begun = await scene.client.post(path, json={"model": "hf:not a spec"}, headers=scene.admin)
        assert (begun.status_code, begun.json()["state"]) == (201, "running")
        pull_id = begun.json()["pull_id"]
        pulls = app_of(scene.client).pulls
        await until(lambda: pulls.list()[0].state != "running")
        (seen,) = (await scene.client.get(path, headers=scene.admin)).json()["data"]
        assert (seen["pull_id"], seen["state"]) == (pull_id, "failed")
        assert "hf:OWNER/REPO" in seen["error"]
        error_of(await scene.client.post(f"{path}/{pull_id}/pause", headers=scene.admin), 409)
        gone = await scene.client.delete(f"{path}/{pull_id}", headers=scene.admin)
        assert gone.json()["state"] == "cancelled"
        error_of(await scene.client.post(f"{path}/nothing/resume", headers=scene.admin), 404)
