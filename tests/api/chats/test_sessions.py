"""/api/sessions through the application: the list, one session, its settings, its end and its way back."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from sqlmodel import Session, update

from bdchat.engine.kv.files import SUFFIX, model_folder, tag_part
from bdchat.store.chats import sessions, staging
from bdchat.store.ids import now_ms
from bdchat.store.tables import ChatSession, Message
from tests.api.serving import app_of, error_of, in_process, opened, signed_in
from tests.api.talking import begin, cost_of, got, heard_by, say, talk
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
DAY_MS = 86_400_000


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def listed(client: httpx.AsyncClient, headers: dict[str, str], **params: Any) -> list[str]:
    """Ids of all pages."""
    found: list[str] = []
    while True:
        page = await got(client, "/api/sessions", headers, **params)
        assert len(page["data"]) <= params.get("limit", 50)
        found += [item["session_id"] for item in page["data"]]
        if page["next_cursor"] is None:
            return found
        params["cursor"] = page["next_cursor"]


async def set_columns(client: httpx.AsyncClient, session_ids: list[str], **values: Any) -> None:
    def change(db: Session) -> None:
        db.exec(update(ChatSession).where(ChatSession.session_id.in_(session_ids)).values(**values))  # type: ignore[attr-defined]

    await app_of(client).database.write(change)


# --- one --------------------------------------------------------------------------------------------------------------


async def test_a_session_is_begun_shown_and_changed(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    answer = await client.post("/api/sessions/", json={"title": "여행 🧳", "folder": "일"}, headers=headers)
    assert answer.status_code == 201
    session = answer.json()
    assert (session["title"], session["title_source"], session["folder"]) == ("여행 🧳", "user", "일")
    assert (session["head_message_id"], session["num_messages"], session["deleted_at_ms"]) == (None, 0, None)
    assert (session["role"], session["owner_name"]) == ("owner", "ann")
    path = f"/api/sessions/{session['session_id']}"
    assert await got(client, path, headers) == session
    changed = (await client.put(path, json={"title": "새 제목", "folder": None}, headers=headers)).json()
    assert (changed["title"], changed["folder"]) == ("새 제목", "일")  # what is not named, or null, stays
    changed = (await client.patch(path, json={"is_pinned": True, "folder": ""}, headers=headers)).json()
    assert (changed["title"], changed["folder"], changed["is_pinned"]) == ("새 제목", "", True)
    assert await got(client, path, headers) == changed


async def test_a_session_without_a_title_waits_for_one(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers)
    session = await got(client, f"/api/sessions/{session_id}", headers)
    assert (session["title"], session["title_source"]) == ("", "")
    path = f"/api/sessions/{session_id}"
    await client.put(path, json={"title": "mine"}, headers=headers)
    assert (await client.put(path, json={"title": ""}, headers=headers)).json()["title_source"] == ""


@pytest.mark.parametrize("path", ["", "/{id}", "/{id}/messages", "/{id}/config", "/{id}/members", "/{id}/links"])
async def test_one_slash_more_names_the_same(client: httpx.AsyncClient, path: str) -> None:
    headers = await signed_in(client)
    session_id, _ = await talk(client, headers, "hi")
    path = f"/api/sessions{path.format(id=session_id)}"
    assert await got(client, path, headers) == await got(client, path + "/", headers)


async def test_folders_are_counted(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    for folder in ("b", "a", "b", ""):
        await begin(client, headers, folder=folder)
    gone = await begin(client, headers, folder="gone")
    await client.delete(f"/api/sessions/{gone}", headers=headers)
    folders = (await got(client, "/api/folders", headers))["data"]
    assert folders == [{"name": "a", "num_sessions": 1}, {"name": "b", "num_sessions": 2}]


async def test_a_reader_of_the_bus_hears_what_was_stored(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    async with heard_by(client, "ann") as heard:
        session_id = await begin(client, headers)
        path = f"/api/sessions/{session_id}"
        await client.put(path, json={"title": "one"}, headers=headers)
        await client.put(f"{path}/config", json={"temperature": 0}, headers=headers)
        await client.delete(path, headers=headers)
        await client.post(f"{path}/restore", headers=headers)
        await client.put(path, json={"title": "x" * 201}, headers=headers)  # refused: nothing to hear
    kinds = [message["type"] for message in heard]
    assert kinds == ["session.created", *["session.changed"] * 2, "session.deleted", "session.changed"]
    assert heard[1]["session"]["title"] == "one"


# --- the list ---------------------------------------------------------------------------------------------------------


async def test_the_last_used_comes_first(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    ids = [await begin(client, headers) for _ in range(3)]
    assert await listed(client, headers) == ids[::-1]
    await set_columns(client, ids, updated_at_ms=1000)
    await say(client, headers, ids[0], "hi")
    assert (await listed(client, headers))[0] == ids[0]
    await client.patch(f"/api/sessions/{ids[1]}", json={"is_pinned": True}, headers=headers)
    assert (await listed(client, headers))[0] == ids[0]  # a pin is no use
    await client.patch(f"/api/sessions/{ids[1]}", json={"title": "another name"}, headers=headers)
    assert (await listed(client, headers))[0] == ids[0]  # nor is a name


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_pages_of_the_list_have_no_gaps_and_no_doubles(client: httpx.AsyncClient, limit: int) -> None:
    """Also where many were used in the same millisecond."""
    headers = await signed_in(client)
    ids = [await begin(client, headers) for _ in range(10)]
    await set_columns(client, ids[:7], updated_at_ms=5000)
    found = await listed(client, headers, limit=limit)
    assert found == [*ids[:6:-1], *sorted(ids[:7], reverse=True)]


async def test_what_is_used_between_two_pages_hides_nothing_else(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    ids = [await begin(client, headers) for _ in range(4)]
    first = await got(client, "/api/sessions", headers, limit=2)
    await say(client, headers, ids[0], "now it is the newest")
    second = await got(client, "/api/sessions", headers, limit=2, cursor=first["next_cursor"])
    assert [item["session_id"] for item in second["data"]] == [ids[1]]


async def test_the_list_is_filtered(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    plain, pinned, archived, filed, deleted = [await begin(client, headers) for _ in range(5)]
    for session_id, change in (
        (pinned, {"is_pinned": True}),
        (archived, {"is_archived": True}),
        (filed, {"folder": "f"}),
    ):
        await client.patch(f"/api/sessions/{session_id}", json=change, headers=headers)
    await client.delete(f"/api/sessions/{deleted}", headers=headers)
    for params, expected in (
        ({}, {plain, pinned, archived, filed}),
        ({"pinned": "true"}, {pinned}),
        ({"pinned": "false", "archived": "false"}, {plain, filed}),
        ({"archived": "true"}, {archived}),
        ({"folder": "f"}, {filed}),
        ({"folder": ""}, {plain, pinned, archived}),
        ({"deleted": "true"}, {deleted}),
        ({"shared": "true"}, set()),
    ):
        found = await listed(client, headers, **params)
        assert (set(found), len(found)) == (expected, len(expected)), params


async def test_many_are_changed_at_once(client: httpx.AsyncClient) -> None:
    headers, stranger = await signed_in(client), await signed_in(client, "bob")
    ids = [await begin(client, headers) for _ in range(3)]
    others = await begin(client, stranger)

    async def change(**body: Any) -> list[str]:
        answer = await client.post("/api/sessions/bulk", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return sorted(answer.json()["session_ids"])

    assert await change(session_ids=[*ids, others, "nothing"], is_archived=True, folder="f") == ids
    assert await listed(client, headers, archived=True, folder="f") == ids[::-1]
    assert (await got(client, f"/api/sessions/{others}", stranger))["is_archived"] is False
    assert await change(session_ids=ids[:2], is_deleted=True) == ids[:2]
    assert await listed(client, headers) == [ids[2]]
    assert await change(session_ids=ids, is_deleted=False) == ids[:2]


# --- the end ----------------------------------------------------------------------------------------------------------


async def test_a_deleted_session_is_nowhere_and_can_be_brought_back(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id, ids = await talk(client, headers, "hi", "hello")
    path = f"/api/sessions/{session_id}"
    assert (await client.delete(path + "/", headers=headers)).status_code == 204
    for gone in (path, f"{path}/messages", f"{path}/config", f"/api/messages/{ids[0]}"):
        error_of(await client.get(gone, headers=headers), 404)
    error_of(await client.delete(path, headers=headers), 404)
    error_of(await client.post(f"{path}/messages", json={"content": "x"}, headers=headers), 404)
    assert (await got(client, "/api/search", headers, q="hello"))["data"] == []
    assert (await client.post(f"{path}/restore", headers=headers)).status_code == 200
    error_of(await client.post(f"{path}/restore", headers=headers), 404)  # it is not deleted any more
    shown = (await got(client, f"{path}/messages", headers))["data"]
    assert [message["message_id"] for message in shown] == ids
    assert len((await got(client, "/api/search", headers, q="hello"))["data"]) == 1


@pytest.mark.parametrize("was_deleted", [True, False])
async def test_permanently_means_at_once(client: httpx.AsyncClient, was_deleted: bool) -> None:
    headers = await signed_in(client)
    session_id, ids = await talk(client, headers, "hi", "hello")
    path = f"/api/sessions/{session_id}"
    if was_deleted:
        await client.delete(path, headers=headers)
    assert (await client.delete(f"{path}?permanently=true", headers=headers)).status_code == 204
    error_of(await client.post(f"{path}/restore", headers=headers), 404)
    assert await app_of(client).database.read(lambda db: db.get(Message, ids[0])) is None
    engine = app_of(client).engine_router.engine_for(None)
    assert isinstance(engine, FakeEngine)
    assert engine.forgotten == [session_id]  # its cached state


async def test_after_thirty_days_it_is_gone_for_good(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    (old, ids), (young, _) = await talk(client, headers, "hi"), await talk(client, headers, "hi")
    for session_id in (old, young):
        await client.delete(f"/api/sessions/{session_id}", headers=headers)
    await set_columns(client, [old], deleted_at_ms=now_ms() - 30 * DAY_MS - 1000)
    folder = model_folder(app_of(client).settings.data_dir / "cache", "fake")
    folder.mkdir(parents=True)
    states = [folder / f"{tag_part(session_id)}-0{SUFFIX}" for session_id in (old, young)]
    for path in states:
        path.touch()
    await app_of(client).housekeeping.sweep()
    assert [path.exists() for path in states] == [False, True]
    assert await listed(client, headers, deleted=True) == [young]
    assert await app_of(client).database.read(lambda db: db.get(Message, ids[0])) is None


async def test_a_start_removes_what_a_dead_server_left_of_a_chat(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    app = app_of(client)
    mine = await begin(client, headers)
    cut = await begin(client, headers)
    now = now_ms()

    def cut_off(db: Session) -> None:
        session = db.get_one(ChatSession, cut)
        staging.stage(db, session)
        session.updated_at_ms = now - 3_600_000

    await app.database.write(cut_off)
    assert await listed(client, headers) == [mine]
    assert await listed(client, headers, deleted=True) == []
    await app.housekeeping.tidy()
    assert await app.database.read(sessions.all_ids) == [mine]


# --- its settings -----------------------------------------------------------------------------------------------------


async def test_settings_are_replaced_as_a_whole(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    wanted = {"model": "fake", "temperature": 0.5, "system_prompt": "짧게 답해", "stop": "\n", "top_k": 5}
    session_id = await begin(client, headers, config=wanted)
    path = f"/api/sessions/{session_id}/config"
    config = await got(client, path, headers)
    assert {name: config[name] for name in wanted} == wanted | {"stop": ["\n"]}
    assert config["context_overflow"] == "drop_oldest"
    body = {"context_overflow": "error", "max_tokens": 7}
    replaced = (await client.put(path, json=body, headers=headers)).json()
    assert replaced == await got(client, path, headers)
    assert {name: value for name, value in replaced.items() if value} == body


async def test_of_the_settings_those_that_are_named_are_changed(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers, config={"temperature": 0.5, "system_prompt": "짧게 답해", "top_k": 5})
    path = f"/api/sessions/{session_id}/config"
    before = await got(client, path, headers)
    for change in ({"model": "fake"}, {"top_k": 9, "min_p": 0.1}):
        before |= change
        assert (await client.patch(path, json=change, headers=headers)).json() == before
    assert await got(client, path, headers) == before
    new = await begin(client, headers)
    await client.patch(f"/api/sessions/{new}/config", json={"model": "fake"}, headers=headers)
    assert (await got(client, f"/api/sessions/{new}/config", headers))["model"] == "fake"


# --- what is refused --------------------------------------------------------------------------------------------------

ONE = "/api/sessions/{id}"


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("POST", "/api/sessions", {"title": "x" * 201}, "title"),
        ("POST", "/api/sessions", {"title": "\x00"}, "title"),
        ("POST", "/api/sessions", {"title": 5}, "title"),
        ("POST", "/api/sessions", {"folder": "x" * 101}, "folder"),
        ("POST", "/api/sessions", {"titel": "x"}, "titel"),
        ("POST", "/api/sessions", {"config": {"temperature": 3}}, "config.temperature"),
        ("POST", "/api/sessions", {"config": {"model": "none such"}}, "config.model"),
        ("PUT", ONE, {"is_pinned": "yes"}, "is_pinned"),
        ("PATCH", ONE, {"session_id": "other"}, "session_id"),
        ("PUT", f"{ONE}/config", {"max_tokens": 0}, "max_tokens"),
        ("PUT", f"{ONE}/config", {"model": "none such"}, "model"),
        ("PATCH", f"{ONE}/config", {"model": "none such"}, "model"),
        ("PUT", f"{ONE}/config", {"stop": ["x"] * 17}, "stop"),
        ("PUT", f"{ONE}/config", {"context_overflow": "silent"}, "context_overflow"),
        ("PUT", f"{ONE}/config", {"system_prompt": "x" * 100_001}, "system_prompt"),
        ("POST", "/api/sessions/bulk", {"session_ids": [], "is_pinned": True}, "session_ids"),
        ("POST", "/api/sessions/bulk", {"session_ids": ["x"] * 501, "is_pinned": True}, "session_ids"),
        ("GET", "/api/sessions?limit=0", None, "limit"),
        ("GET", "/api/sessions?limit=101", None, "limit"),
        ("GET", "/api/sessions?limit=x", None, "limit"),
        ("GET", "/api/sessions?cursor=x", None, "cursor"),
        ("GET", "/api/sessions?cursor=1.", None, "cursor"),
        ("GET", "/api/sessions?cursor=1.%00", None, "cursor"),
        ("GET", "/api/sessions?pinned=perhaps", None, "pinned"),
        ("GET", "/api/sessions?order=title", None, "order"),
        ("DELETE", f"{ONE}?permanently=perhaps", None, "permanently"),
    ],
)
async def test_a_bad_request_is_told_its_field(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None, param: str
) -> None:
    headers = await signed_in(client)
    session_id = await begin(client, headers, title="as it was")
    answer = await client.request(method, path.format(id=session_id), json=body, headers=headers)
    assert error_of(answer, 400)["param"] == param
    assert (await got(client, f"/api/sessions/{session_id}", headers))["title"] == "as it was"


async def test_a_bulk_change_must_change_something(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    error_of(await client.post("/api/sessions/bulk", json={"session_ids": ["x"]}, headers=headers), 400)


@pytest.mark.parametrize("name", ["x", "0" * 32, "%00", "é", "a" * 65, "..%2f.."])
async def test_what_is_no_session_is_not_found(client: httpx.AsyncClient, name: str) -> None:
    headers = await signed_in(client)
    error_of(await client.get(f"/api/sessions/{name}", headers=headers), 404)


async def test_a_guest_has_no_sessions(client: httpx.AsyncClient) -> None:
    await opened(client)
    for method, path in (("GET", "/api/sessions"), ("POST", "/api/sessions"), ("GET", "/api/sessions/x")):
        error_of(await client.request(method, path, json={}), 401)


# --- what it costs ----------------------------------------------------------------------------------------------------


async def test_a_longer_list_takes_no_more_queries(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)

    async def cost() -> int:
        return await cost_of(client, client.get("/api/sessions?limit=100", headers=headers))

    session_id = await begin(client, headers)
    few = await cost()
    for _ in range(40):
        await begin(client, headers)
    assert await cost() == few <= 2  # BEGIN and one SELECT
    assert await cost_of(client, client.get(f"/api/sessions/{session_id}", headers=headers)) == few


async def test_writes_take_a_bounded_number_of_queries(client: httpx.AsyncClient) -> None:
    headers = await signed_in(client)
    ids = [await begin(client, headers) for _ in range(30)]
    path = f"/api/sessions/{ids[0]}"
    assert await cost_of(client, client.post("/api/sessions", json={"title": "x"}, headers=headers)) <= 8
    assert await cost_of(client, client.put(path, json={"title": "y"}, headers=headers)) <= 9  # one asks for room

    async def archive(session_ids: list[str]) -> int:
        body = {"session_ids": session_ids, "is_archived": True}
        return await cost_of(client, client.post("/api/sessions/bulk", json=body, headers=headers))

    assert await archive(ids[:2]) == await archive(ids[2:])
