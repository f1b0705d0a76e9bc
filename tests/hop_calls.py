"""Takes one answer through the App and an engine in a thread, and prints which functions it entered, as JSON.

    python -m tests.hop_calls bare|stored

In a process of its own: CPython 3.11 can loop for ever in a call that a profile hook meets after it was specialised, as
it is where other tests have run before.
"""

import asyncio
import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx

from bdchat.api.app import App
from bdchat.engine.router import Router
from bdchat.settings import GenerationSettings, Settings
from tests.api.serving import USER, fresh_data_dir, over_app, signed_in
from tests.engine.fake_process import thread_engine
from tests.test_architecture import SOURCE


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


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(calls_of_an_answer(Path(folder), is_stored=sys.argv[1] == "stored"))
    sys.stdout.write(json.dumps(found.entered))
