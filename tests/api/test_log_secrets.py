"""A log is read by more people than a chat: nothing that was sent, and nothing that opens a door, is ever in it."""

import asyncio
import logging
from collections.abc import Iterator

import pytest
from sqlalchemy.exc import StatementError
from sqlmodel import Session, text

from bdchat.api.http.logs import LineFormatter, configure_logging, describe
from bdchat.engine.request import GenerationRequest
from bdchat.settings import AuthSettings, Settings
from bdchat.store.errors import Conflict
from tests.api.chats.test_sharing import make_link
from tests.api.serving import PASSWORD, app_of, in_process, make_app, opened, over_app, over_http, signed_in
from tests.api.sockets import live
from tests.api.talking import say, talk
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio


class Recorder(logging.Handler):
    """Every record as anybody's handler would write it: message, data and traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def text(self) -> str:
        lines = LineFormatter()
        data = ((record.__dict__ | {"exc_info": None, "exc_text": None}) for record in self.records)
        return "\n".join([*(lines.format(record) for record in self.records), *(repr(each) for each in data)])


@pytest.fixture
def written() -> Iterator[Recorder]:
    """What reaches the root as the server configures it at "debug", and the loggers put back as they were."""
    root, ours = logging.getLogger(), logging.getLogger("bdchat")
    handlers, root_level, our_level = root.handlers[:], root.level, ours.level
    root.handlers.clear()  # else they are closed
    configure_logging("debug")
    recorder = Recorder()
    root.addHandler(recorder)
    yield recorder
    root.handlers[:] = handlers
    root.setLevel(root_level)
    ours.setLevel(our_level)


class ThrowingEngine(FakeEngine):
    """Breaks as no engine should, with what it was asked in its words."""

    def _check(self, request: GenerationRequest, tokens: bytes) -> None:
        raise ValueError(f"cannot read {request.prompt}")


async def test_what_is_secret_is_in_no_record_at_debug(written: Recorder) -> None:
    secrets = {
        "message": "SECRET-message-7f1c",
        "title": "SECRET-title-99ab",
        "query": "SECRETquery51",
        "password": PASSWORD,
        "wrong password": "SECRET-password-31cd",
        "referer": "SECRET-referer-71",
        "file": "SECRET-file-name.json",
        "key": "bd-" + "k" * 43,
    }
    settings = Settings(auth=AuthSettings(registration="invitation"))
    async with over_http(settings=settings) as client:
        ann = await signed_in(client, admin=True)
        secrets["login"] = ann["authorization"].removeprefix("Bearer ")
        session_id, _ = await talk(client, ann, secrets["message"], "an answer")
        await client.patch(f"/api/sessions/{session_id}", json={"title": secrets["title"]}, headers=ann)
        secrets["link"] = link = (await make_link(client, ann, session_id))["token"]
        key = (await client.post("/api/keys", json={"name": "k"}, headers=ann)).json()
        secrets["own key"] = str(key.get("key", "no key was made"))
        invitation = (await client.post("/api/admin/invitations", json={}, headers=ann)).json()
        secrets["invitation"] = str(invitation.get("code", "no code was made"))
        await client.get(f"/api/shared/{link}", headers={"referer": f"http://localhost/s/{secrets['referer']}"})
        for path in (f"/api/shared/{link[::-1]}", f"/api/shared/{link}/more", f"/api/shared/{link}?limit=x"):
            assert (await client.get(path)).is_error
        secrets["unknown link"] = link[::-1]
        assert (await client.post(f"/api/shared/{link}", json={})).status_code == 405
        assert (await client.get("/v1/models", headers={"authorization": f"Bearer {secrets['key']}"})).is_error
        assert (await client.get("/api/sessions", headers={"cookie": f"bdchat={secrets['key']}"})).is_error
        assert (await client.get(f"/api/search?q={secrets['query']}&limit=x", headers=ann)).is_error
        assert (await client.get(f"/{secrets['message']}/x", headers=ann)).is_error
        login = {"username": "ann", "password": secrets["wrong password"], "cookie": False}
        assert (await client.post("/api/auth/login", json=login)).is_error
        register = {"username": "eve", "password": PASSWORD, "invitation": secrets["invitation"], "cookie": False}
        await client.post("/api/auth/register", json=register | {"locale": 3})
        broken = f'{{"content": "{secrets["message"]}'.encode()
        assert (await client.post(f"/api/sessions/{session_id}/messages", content=broken, headers=ann)).is_error
        named = ann | {"content-disposition": f'attachment; filename="{secrets["file"]}"'}
        assert (await client.post("/api/import", content=b"no chats", headers=named)).is_error
        async with live(client, f"/ws/chat/{session_id}", ann) as socket:
            await socket.until("hello")
            await socket.send(secrets["message"], content=secrets["title"])
            await socket.closed()
        await say(client, ann, session_id, secrets["message"])
    found = written.text()
    assert "/api/shared/{token}" in found  # what the operator is told instead
    assert {name for name, secret in secrets.items() if secret in found} == set()
    assert secrets["own key"].startswith("bd-")
    assert len(secrets["invitation"]) > 8


async def test_what_breaks_unexpectedly_does_not_say_what_it_was_given(written: Recorder) -> None:
    app = make_app(ThrowingEngine())
    async with over_app(app) as client:
        body = {"messages": [{"role": "user", "content": "SECRET-prompt"}]}
        for stream in (False, True):
            answer = await client.post("/v1/chat/completions", json=body | {"stream": stream})
            assert answer.status_code == 500
    found = written.text()
    assert "builtins.ValueError" in found
    assert "in _check" in found
    assert "SECRET-prompt" not in found


async def test_a_failed_statement_does_not_say_its_values(written: Recorder) -> None:
    async with in_process() as client:
        await opened(client)
        database = app_of(client).database

        def fail(db: Session) -> None:
            db.execute(text("INSERT INTO user (user_id) VALUES (:secret)"), {"secret": "-".join(("SECRET", "value"))})

        with pytest.raises(Conflict) as raised:
            await database.write(fail)
    said = f"{raised.value.__cause__!s}{raised.value.__context__!s}"
    assert "NOT NULL" in said
    assert "SECRET-value" not in said + describe(raised.value)


def test_causes_are_told_by_type_and_place() -> None:
    def broken() -> None:
        try:
            int("SECRET-one")
        except ValueError as error:
            raise StatementError("SECRET-two", None, None, error) from error

    with pytest.raises(StatementError) as raised:
        broken()
    told = describe(ExceptionGroup("SECRET-three", [raised.value, OSError(28, "No space left on device")]))
    assert "builtins.ValueError\nwhich led to:" in told
    assert "OSError: [Errno 28] No space left on device" in told
    assert "SECRET" not in told.replace('int("SECRET-one")', "").replace('StatementError("SECRET-two"', "")


async def test_what_asyncio_reports_is_told_without_words(written: Recorder) -> None:
    error = ValueError("SECRET-value")
    asyncio.get_running_loop().default_exception_handler(
        {"message": "Task exception was never retrieved", "exception": error, "future": f"<Task exception={error!r}>"}
    )
    lines = "\n".join(LineFormatter().format(record) for record in written.records)
    assert "asyncio: Task exception was never retrieved" in lines
    assert "builtins.ValueError" in lines
    assert "SECRET-value" not in lines


def test_other_packages_are_not_heard_below_warnings(written: Recorder) -> None:
    for name in ("websockets.server", "sse_starlette", "httpx", "uvicorn.error", "alembic", "sqlalchemy.engine"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO), name
    assert logging.getLogger("bdchat.api.http.envelope").isEnabledFor(logging.DEBUG)
