"""Nobody sees, changes or hears of another's: every route of the application, called with somebody else's ids.

The routes are the application's own list: a new one fails until ownership_table.py says how a stranger would call it.
"""

import itertools
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import delete
from sqlmodel import Session, SQLModel, col
from starlette.routing import Route, WebSocketRoute

from bdchat.api.bus.interface import session_topic, user_topic
from bdchat.api.live.connection import CloseCode
from bdchat.settings import GenerationSettings, Settings
from bdchat.store.tables import ApiKey
from tests.api.document_rows import shelf_of
from tests.api.ownership_table import MESSAGE, TABLE, Admin, Entry, Own, Theirs, Within
from tests.api.serving import app_of, make_app, over_http, signed_in
from tests.api.sockets import chat_path, live
from tests.api.talking import begin, id_of, invite, let_in, say

pytestmark = pytest.mark.anyio
ADMIN = "/api/admin/"
CONTENT = "geheimnis"  # of all that ann writes
SETTINGS = Settings(generations=GenerationSettings(makes_titles=False))
PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
OWNERS_MARKS = (
    *("own_id", "session_id", "message_id", "completion_id", "response_id", "document_id", "collection_id"),
    "content",
)
TOO_SHORT = {"model_id", "number", "passage_id"}  # to tell anything
EVERYBODYS = {"model_id", "token", "number"}
Ids = dict[str, str]
Headers = dict[str, str]


def routes() -> Iterator[str]:
    for route in make_app().routes:
        if isinstance(route, Route):
            yield from (f"{method} {route.path}" for method in sorted((route.methods or set()) - {"HEAD"}))
        elif isinstance(route, WebSocketRoute):
            yield f"WS {route.path}"
        else:
            yield f"?? {route!r}"


def table() -> dict[str, tuple[Entry, ...]]:
    """What is under /api/admin needs no entry: it is forbidden to all of these callers, whatever they name and send."""
    for_admins = {name: (Admin(),) for name in routes() if name.partition(" ")[2].startswith(ADMIN)}
    return {**TABLE, **for_admins}


def test_every_route_is_in_the_table() -> None:
    """Add the new one to ownership_table.py: a Theirs for each that has an id in it, or an Own that says why not."""
    assert set(routes()) ^ set(table()) == set()


def test_a_route_with_ids_is_called_with_theirs() -> None:
    for name, entries in TABLE.items():
        if set(PARAMETER.findall(name)) - EVERYBODYS:
            assert any(isinstance(entry, Theirs | Admin) for entry in entries), name


# --- two people who have everything -----------------------------------------------------------------------------------


async def made(client: httpx.AsyncClient, headers: Headers, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body, headers=headers)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def everything_of(client: httpx.AsyncClient, username: str, content: str) -> Ids:
    """Ids of one of each, by the names that paths give them."""
    headers = await signed_in(client, username)
    friend = f"{username}s friend"
    await signed_in(client, friend)
    session_id = await begin(client, headers, title=content, folder=content, config={"system_prompt": content})
    question = await say(client, headers, session_id, content)
    stored = {"messages": MESSAGE, "store": True, "metadata": {"session_id": session_id}}
    completion = await made(client, headers, "/v1/chat/completions", stored)
    await let_in(client, headers, session_id, friend)
    asked = await invite(client, headers, session_id, f"{username}s guest")
    link = await made(client, headers, f"/api/sessions/{session_id}/links", {})
    key = await made(client, headers, "/api/keys", {"name": content})
    logins = (await client.get("/api/auth/sessions", headers=headers)).json()["data"]
    session = (await client.get(f"/api/sessions/{session_id}", headers=headers)).json()
    return {
        "session_id": session_id,
        "message_id": question,
        "question_id": question,
        "answer_id": session["head_message_id"],
        "completion_id": completion["id"],
        "generation_id": completion["id"],
        "response_id": (await made(client, headers, "/v1/responses", {"input": content, "store": True}))["id"],
        "user_id": await id_of(client, friend),
        "invitation_id": asked.json()["invitation_id"],
        "own_id": await id_of(client, username),
        "link_id": link["link_id"],
        "token": link["token"],
        "key_id": key["key_id"],
        "login_id": logins[0]["login_id"],
        "content": content,
        "model_id": "fake",
        "username": friend,
        **await shelf_of(client, await id_of(client, username), content),
    }


async def belongings(client: httpx.AsyncClient, ids: Ids) -> list[str]:
    """Every row that mentions the owner or what is theirs."""
    marks = [ids[name] for name in OWNERS_MARKS]

    def read(db: Session) -> list[str]:
        rows: list[str] = []
        for table in SQLModel.metadata.sorted_tables:
            found = [f"{table.name} {tuple(row)!r}" for row in db.execute(table.select())]
            rows += sorted(row for row in found if any(mark in row for mark in marks))
        return rows

    return await app_of(client).database.read(read)


@dataclass
class Scene:
    client: httpx.AsyncClient
    ann: Ids  # whose things they are
    bob: Ids  # who asks for them

    def filled(self, value: Any) -> Any:
        """{session_id} is ann's, {my_session_id} bob's."""
        if isinstance(value, str):
            mine = {f"my_{name}": text for name, text in self.bob.items()}
            return PARAMETER.sub(lambda match: (self.ann | mine)[match[1]], value)
        if isinstance(value, dict):
            return {name: self.filled(part) for name, part in value.items()}
        return [self.filled(part) for part in value] if isinstance(value, list) else value

    def paths(self, path: str, entry: Entry) -> list[str]:
        """With the ids that `entry` wants in it."""
        names = PARAMETER.findall(path)
        if isinstance(entry, Admin):
            return [PARAMETER.sub(lambda match: self.ann.get(match[1], "x"), path)]
        if isinstance(entry, Own | Within):
            return [filled_path(path, self.bob)]
        whose = [(self.ann,) if name in EVERYBODYS else (self.ann, self.bob) for name in names]
        mixtures = [each for each in itertools.product(*whose) if not names or self._names_anns(names, each)]
        filled = []
        for owners in mixtures:
            filled.append(
                filled_path(path, {name: ids.get(name, name) for name, ids in zip(names, owners, strict=True)})
            )
        return filled

    def _names_anns(self, names: list[str], owners: tuple[Ids, ...]) -> bool:
        return any(ids is self.ann for name, ids in zip(names, owners, strict=True) if name not in EVERYBODYS)

    def leaks(self, text: str) -> list[str]:
        """Ids and words of ann's in an answer."""
        return [name for name, mark in self.ann.items() if name not in TOO_SHORT and mark in text]


def filled_path(path: str, ids: Ids) -> str:
    return PARAMETER.sub(lambda match: ids.get(match[1], match[1]), path)


@asynccontextmanager
async def staged() -> AsyncGenerator[Scene]:
    async with over_http(settings=SETTINGS) as client:
        scene = Scene(client, await everything_of(client, "ann", CONTENT), await everything_of(client, "bob", "mine"))
        yield scene


async def headers_of(client: httpx.AsyncClient, caller: str) -> Headers:
    """Fresh ones: some routes end the login they are called with."""
    if caller == "guest":
        return {}
    if caller == "key":
        bob = await signed_in(client, "bob")
        last = delete(ApiKey).where(col(ApiKey.name) == "k")  # there is a limit
        await app_of(client).database.write(lambda db: db.exec(last))
        return {"authorization": f"Bearer {(await made(client, bob, '/api/keys', {'name': 'k'}))['key']}"}
    return await signed_in(client, caller, admin=caller == "root")


def allowed(caller: str, entry: Entry) -> frozenset[int]:
    """Statuses that may come. A guest, and a key without the scope for sessions, may be told at the door."""
    at_the_door = frozenset({401, 403}) if caller in {"guest", "key"} else frozenset()
    if isinstance(entry, Own):
        return at_the_door | {status for status in range(200, 500) if status != 404}
    if isinstance(entry, Admin):
        return frozenset({401, 403})
    return (entry.statuses if isinstance(entry, Within) else frozenset({404})) | at_the_door


@pytest.mark.parametrize("caller", ["bob", "root", "guest", "key"])
async def test_what_is_another_users_does_not_exist(caller: str) -> None:
    """For a stranger, an admin, a program without a key, and a key that may only chat."""
    problems: list[str] = []
    async with staged() as scene:
        before = await belongings(scene.client, scene.ann)
        for name, entries in table().items():
            method, _, path = name.partition(" ")
            headers = await headers_of(scene.client, caller)
            for entry, way in ((each, way) for each in entries for way in scene.paths(path, each)):
                if method == "WS" or (caller == "root" and isinstance(entry, Admin)):
                    continue
                query = "" if isinstance(entry, Admin) or not entry.query else "?" + scene.filled(entry.query)
                body = scene.filled(entry.body)
                async with scene.client.stream(method, way + query, json=body, headers=headers) as answer:
                    is_endless = name == "GET /api/live/events" and answer.is_success
                    text = "" if is_endless else (await answer.aread()).decode()
                what = f"{name} as {caller}, {entry}: {answer.status_code} {text[:200]}"
                if answer.status_code not in allowed(caller, entry):
                    problems.append(f"status: {what}")
                if not path.startswith(("/api/shared/", "/api/search")) and scene.leaks(
                    text
                ):  # they tell what was asked
                    problems.append(f"leak of {scene.leaks(text)}: {what}")
            if (after := await belongings(scene.client, scene.ann)) != before:
                problems.append(f"change by {name}: {set(before) ^ set(after)}")
                before = after
    assert problems == []


async def test_search_shows_nothing_of_anybody_elses() -> None:
    async with staged() as scene:
        bob = await signed_in(scene.client, "bob")
        for path in ("search", "search/chats", f"search?session_id={scene.ann['session_id']}"):
            answer = await scene.client.get(f"/api/{path}", params={"q": CONTENT}, headers=bob)
            assert answer.json()["data"] == []


async def test_a_completion_that_is_in_no_session_is_its_owners_alone() -> None:
    """Of somebody with an account; those that are stored without one are shared by all who have none."""
    async with staged() as scene:
        ann = await signed_in(scene.client, "ann")
        body = {"messages": [{"role": "user", "content": CONTENT}], "store": True}
        scene.ann["completion_id"] = (await made(scene.client, ann, "/v1/chat/completions", body))["id"]
        before = await belongings(scene.client, scene.ann)
        ways = [name for name in TABLE if "{completion_id}" in name]
        assert ways
        for caller in ("bob", "root", "guest", "key"):
            headers = await headers_of(scene.client, caller)
            for method, _, path in (name.partition(" ") for name in ways):
                way = path.format(completion_id=scene.ann["completion_id"])
                answer = await scene.client.request(method, way, json={"metadata": {"a": "b"}}, headers=headers)
                assert answer.status_code == 404, (caller, method, way)
                assert not scene.leaks(answer.text)
            listed = await scene.client.get("/v1/chat/completions", headers=headers)
            assert not scene.leaks(listed.text)
        assert await belongings(scene.client, scene.ann) == before


# --- sockets ----------------------------------------------------------------------------------------------------------


async def test_a_socket_on_anothers_session_is_closed_as_if_there_were_none() -> None:
    async with staged() as scene:
        for caller in ("bob", "root"):
            ends = []
            for session_id in (scene.ann["session_id"], "0" * 32):
                headers = await headers_of(scene.client, caller)
                async with live(scene.client, chat_path(session_id), headers) as socket:
                    ends.append(await socket.closed())
                    assert socket.seen == []
            assert ends[0] == ends[1]
            assert ends[0][0] == CloseCode.NOT_FOUND
        headers = await headers_of(scene.client, "key")
        async with live(scene.client, chat_path(scene.ann["session_id"]), headers) as socket:
            assert (await socket.closed())[0] == CloseCode.FORBIDDEN


async def test_frames_that_name_anothers_find_nothing() -> None:
    async with staged() as scene:
        before = await belongings(scene.client, scene.ann)
        message_id, answer_id, generation_id = (
            scene.ann[name] for name in ("message_id", "answer_id", "generation_id")
        )
        async with live(scene.client, chat_path(scene.bob["session_id"]), await signed_in(scene.client, "bob")) as bob:
            await bob.until("hello")
            await bob.send("hello", last={generation_id: 1})
            for kind, fields in (
                ("chat_message", {"content": "x", "parent_id": message_id}),
                ("edit", {"message_id": message_id, "content": "x"}),
                ("regenerate", {"message_id": answer_id}),
                ("continue", {"message_id": answer_id}),
                ("stop", {"generation_id": generation_id}),
            ):
                await bob.send(kind, **fields)
                error = await bob.until("error")
                assert error["error"]["code"] == "not_found", (kind, error)
            assert not [frame for frame in bob.seen if scene.leaks(str(frame))]
        assert await belongings(scene.client, scene.ann) == before


async def test_sockets_hear_nothing_of_anothers() -> None:
    """ann's topics are spoken on; bob's sockets stay silent."""
    async with staged() as scene:
        bus = app_of(scene.client).bus
        for path in ("/ws/events", chat_path(scene.bob["session_id"])):
            async with live(scene.client, path, await signed_in(scene.client, "bob")) as socket:
                await socket.until("hello")
                for topic in (user_topic(scene.ann["own_id"]), session_topic(scene.ann["session_id"])):
                    await bus.publish(topic, {"type": "session.deleted", "session_id": scene.ann["session_id"]})
                notice = {"type": "notification", "kind": "session.shared", "session_id": "s", "title": "t"}
                more = {"owner_name": "o", "role": "reader"}
                await bus.publish(user_topic(scene.bob["own_id"]), notice | more)
                await socket.until("notification")
                assert not [frame for frame in socket.seen if scene.leaks(str(frame))]
