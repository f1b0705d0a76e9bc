"""Prompts that an admin pins: kept in the store, told to the engines, and shown with what each has of them."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import Session

from bdchat.api.admin.capacity.pinned_prompts import PinnedPrompts
from bdchat.api.schemas.sessions import MAX_SYSTEM_PROMPT_CHARS
from bdchat.engine.kv.files import FOLDER, SUFFIX, pin_tag, tag_part
from bdchat.store.accounts import pins
from tests.api.people import audited
from tests.api.serving import app_of, error_of, over_http, signed_in
from tests.api.talking import got
from tests.fake_engine import FakeEngine, fake_router
from tests.store.chat_rows import make_user

pytestmark = pytest.mark.anyio
URL = "/api/admin/pins"
HOUSE = {"title": "House rules", "system_prompt": "Be brief. 존댓말로."}


@pytest.fixture
async def engines() -> tuple[FakeEngine, FakeEngine]:
    return FakeEngine("small"), FakeEngine("large")


@pytest.fixture
async def client(engines: tuple[FakeEngine, FakeEngine]) -> AsyncGenerator[httpx.AsyncClient]:
    async with over_http(*engines) as client:
        yield client


async def test_a_prompt_is_pinned_in_every_model_until_it_is_taken_away(
    client: httpx.AsyncClient, engines: tuple[FakeEngine, FakeEngine]
) -> None:
    admin = await signed_in(client, "root", admin=True)
    made = await client.post(URL, json=HOUSE, headers=admin)
    assert made.status_code == 201, made.text
    pin_id = made.json()["pin_id"]
    assert [engine.pinned for engine in engines] == [{pin_id: HOUSE["system_prompt"]}] * 2
    document = await got(client, URL, admin)
    (pin,) = document["data"]
    assert (pin["title"], pin["system_prompt"], pin["model"]) == ("House rules", HOUSE["system_prompt"], None)
    assert (pin["created_by"], document["max_pins"]) == ("root", pins.MAX_PINS)
    num_tokens = len(HOUSE["system_prompt"].encode())
    kept = {"state": "kept", "num_tokens": num_tokens, "num_bytes": 4 * num_tokens, "reason": ""}
    both = kept | {"is_in_ram": True, "is_on_disk": True}
    assert pin["models"] == [{"model": "small", **both}, {"model": "large", **both}]
    assert made.json() == pin
    assert (await client.delete(f"{URL}/{pin_id}", headers=admin)).status_code == 200
    assert [engine.pinned for engine in engines] == [{}, {}]
    assert (await got(client, URL, admin))["data"] == []
    error_of(await client.delete(f"{URL}/{pin_id}", headers=admin), 404)
    assert await audited(client) == [("pin.create", "root", "House rules"), ("pin.delete", "root", "House rules")]


async def test_a_prompt_of_one_model_is_pinned_there_and_what_a_model_refuses_is_told(
    client: httpx.AsyncClient, engines: tuple[FakeEngine, FakeEngine]
) -> None:
    admin = await signed_in(client, "root", admin=True)
    small, large = engines
    large.pin_problem = "it has no room for it"
    made = await client.post(URL, json=HOUSE | {"model": "large"}, headers=admin)
    assert (list(small.pinned), list(large.pinned)) == ([], [made.json()["pin_id"]])
    (state,) = made.json()["models"]
    assert (state["model"], state["state"], state["reason"]) == ("large", "refused", "it has no room for it")


async def test_engines_are_told_of_pins_at_the_servers_start_and_of_other_servers_changes(
    client: httpx.AsyncClient,
) -> None:
    database = app_of(client).database
    user_id = await database.write(lambda db: _made_by(db, "Be brief."))
    engine = FakeEngine()
    told = PinnedPrompts(database, fake_router(engine))
    await told.load()
    assert list(engine.pinned.values()) == ["Be brief."]
    first = next(iter(engine.pinned))
    await database.write(lambda db: pins.delete(db, first))
    await database.write(lambda db: _made_by(db, "Be kind.", user_id))
    await told.load()
    await told.load()
    assert list(engine.pinned.values()) == ["Be kind."]


async def test_a_server_that_starts_pins_before_it_answers() -> None:
    async with over_http() as client:
        await app_of(client).database.write(lambda db: _made_by(db, "Be brief."))
        settings = app_of(client).settings
    engine = FakeEngine()
    async with over_http(engine, settings=settings):
        assert list(engine.pinned.values()) == ["Be brief."]


async def test_so_many_prompts_and_no_more(client: httpx.AsyncClient) -> None:
    admin = await signed_in(client, "root", admin=True)
    for number in range(pins.MAX_PINS):
        body = {"title": str(number), "system_prompt": f"Rule {number}."}
        assert (await client.post(URL, json=body, headers=admin)).status_code == 201
    assert error_of(await client.post(URL, json=HOUSE, headers=admin), 409)["code"] == "too_many_pins"
    assert len(app_of(client).engine_router.pins()["small"]) == pins.MAX_PINS


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"title": ""}, 400, "title"),
        ({"title": " "}, 400, "title"),
        ({"title": "x" * 101}, 400, "title"),
        ({"system_prompt": " \n"}, 400, "system_prompt"),
        ({"system_prompt": "x" * (MAX_SYSTEM_PROMPT_CHARS + 1)}, 400, "system_prompt"),
        ({"system_prompt": "a\x00b"}, 400, "system_prompt"),
        ({"model": "huge"}, 404, "model"),
        ({"pin_id": "mine"}, 400, "pin_id"),
    ],
)
async def test_a_bad_pin_names_its_field(
    client: httpx.AsyncClient, change: dict[str, Any], status: int, param: str
) -> None:
    admin = await signed_in(client, "root", admin=True)
    assert error_of(await client.post(URL, json=HOUSE | change, headers=admin), status)["param"] == param
    assert (await got(client, URL, admin))["data"] == []


async def test_the_state_of_a_prompt_that_is_pinned_no_more_is_deleted_from_the_disk(client: httpx.AsyncClient) -> None:
    app = app_of(client)
    admin = await signed_in(client, "root", admin=True)
    pin_id = (await client.post(URL, json=HOUSE, headers=admin)).json()["pin_id"]
    folder = app.settings.data_dir / "cache"
    kept, gone = (_file_of(folder, tag) for tag in (pin_tag(pin_id), pin_tag("another")))
    await app.housekeeping.sweep()
    assert (kept.exists(), gone.exists()) == (True, False)


def _made_by(db: Session, system_prompt: str, user_id: str | None = None) -> str:
    user_id = user_id or make_user(db)
    pins.create(db, user_id, title="house", system_prompt=system_prompt, model=None)
    return user_id


def _file_of(cache_dir: Path, tag: str) -> Path:
    path = cache_dir / FOLDER / "model" / f"{tag_part(tag)}-1{SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path
