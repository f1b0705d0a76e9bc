"""The hops of docs/architecture.md are those that an answer takes, in that order. The engine is a thread here."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx
import pytest

from bdchat.api.app import App
from bdchat.engine.router import Router
from bdchat.settings import GenerationSettings, Settings
from tests.api.serving import USER, fresh_data_dir, over_app, signed_in
from tests.engine.fake_process import thread_engine
from tests.test_architecture import SOURCE
from tests.test_architecture_page import BARE, CODE_WORD, STORED, hops_of, section

pytestmark = pytest.mark.anyio

FAKED = ("engine/llama/", "engine/text/prompt.py")  # FakeRunner and FakePromptBuilder stand there
LAST_IN_ORDER = (
    "Run._take",
    "RecordedRun._take",
)  # readers pull: behind the log the caller is entered before the called


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Calls:
    """The functions of src/bdchat that were entered, by file and qualified name, in order."""

    def __init__(self) -> None:
        self.entered: list[tuple[str, str]] = []
        self._folder = f"{SOURCE}/"
        self.is_noting = False

    @contextmanager
    def noted(self) -> Iterator[None]:
        """In this thread, and in those that start meanwhile."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield
        finally:
            self.is_noting = False
            sys.setprofile(None)
            threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if self.is_noting and event == "call" and code.co_filename.startswith(self._folder):
            self.entered.append((code.co_filename.removeprefix(self._folder), code.co_qualname))


def is_of(entered: tuple[str, str], path: str, name: str) -> bool:
    """Of a class: anything in it."""
    return entered[0] == path and f"{entered[1]}.".startswith(f"{name}.")


def missing(entered: Sequence[tuple[str, str]], names: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The first of `names` that was not entered after all those before it, and what comes after it."""
    rest = iter(entered)
    for number, (path, name) in enumerate(names):
        if not any(is_of(each, path, name) for each in rest):
            return list(names[number:])
    return []


def named_in(hop: str) -> list[tuple[str, str]]:
    path, found = "", list[tuple[str, str]]()
    for word in CODE_WORD.findall(hop):
        if word.endswith(".py"):
            path = word
        else:
            found.append((path, word))
    return [(path, name) for path, name in found if not path.startswith(FAKED)]


async def calls_of_an_answer(tmp_path: Path, *, is_stored: bool) -> Calls:
    calls = Calls()
    settings = Settings(data_dir=fresh_data_dir(), generations=GenerationSettings(commit_interval_ms=10))
    with calls.noted():
        engine = thread_engine(tmp_path, "step_ms=5")
        engine.start()
        app = App(settings, Router({"fake": engine}, default="fake", created=0))
        async with over_app(app, settings) as client:
            await engine.wait_ready()
            body = {"messages": USER, "stream": True, "max_tokens": 40}
            headers = await signed_in(client)
            if is_stored:
                chat = await client.post("/api/sessions", json={}, headers=headers)
                body |= {"store": True, "metadata": {"session_id": chat.json()["session_id"]}}
            calls.is_noting = True
            await _read(client, body, headers)
            calls.is_noting = False
    return calls


async def _read(client: httpx.AsyncClient, body: dict[str, object], headers: dict[str, str]) -> None:
    answer = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize(("title", "is_stored"), [(BARE, False), (STORED, True)])
async def test_an_answer_takes_the_hops_of_the_page(title: str, *, is_stored: bool, tmp_path: Path) -> None:
    calls = await calls_of_an_answer(tmp_path, is_stored=is_stored)
    hops = [named_in(hop) for hop in hops_of(section(title))]
    entered = set(calls.entered)
    assert [name for hop in hops for name in hop if not any(is_of(each, *name) for each in entered)] == []
    last = next(n for n, hop in enumerate(hops) if hop[0][1] in LAST_IN_ORDER)
    assert missing(calls.entered, [hop[0] for hop in hops[: last + 1]]) == []


def test_the_reader_of_calls_sees_a_wrong_order() -> None:
    entered = [("b.py", "C.f"), ("a.py", "f"), ("b.py", "C.g"), ("c.py", "f")]
    assert missing(entered, [("a.py", "f"), ("b.py", "C"), ("c.py", "f")]) == []
    assert missing(entered, [("a.py", "f"), ("b.py", "C.f"), ("c.py", "f")]) == [("b.py", "C.f"), ("c.py", "f")]
