"""An answer with long texts is the same JSON, in small steps, and ends with its reader's right."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import msgspec
import pytest
from sqlmodel import Session

from bdchat.api.http.long_answer import GAP, STEP_BYTES, STEP_CHARS, LongAnswer, LongText, long_reply
from bdchat.store.errors import NotFound
from tests.api.serving import in_process, opened

pytestmark = pytest.mark.anyio
NO_DB: Any = None  # the texts below lie in memory
TEXTS = [
    "",
    "a",
    '\x00\x1f"\\',
    "한글" * STEP_CHARS,
    "x" * STEP_CHARS,
    "😀" * 400_000,
    "\x01" * 200_000,
    "y" * 3_000_000,
]


def text_in_memory(text: str) -> LongText:
    return LongText(lambda _, start, num_chars: text[start : start + num_chars])


def allowed(_: Session) -> None:
    pass


@pytest.mark.parametrize("texts", [TEXTS[at:] + TEXTS[:at] for at in range(0, len(TEXTS), 3)])
def test_the_steps_are_the_document(texts: list[str]) -> None:
    document = {"items": [{"n": n, "content": GAP, "end": None} for n in range(len(texts))], "next": "c"}
    answer = LongAnswer(document, [text_in_memory(text) for text in texts], allowed)
    steps = []
    while not answer.is_over:
        steps.append(answer.step(NO_DB))
    assert json.loads(b"".join(steps)) == {
        "items": [{"n": n, "content": text, "end": None} for n, text in enumerate(texts)],
        "next": "c",
    }
    assert max(map(len, steps)) <= STEP_BYTES + 6 * STEP_CHARS  # a control character is six bytes of JSON


@pytest.fixture
async def client() -> AsyncGenerator[httpx.AsyncClient]:
    async with in_process() as client:
        yield client


async def test_a_step_is_taken_only_while_it_may_be_read(client: httpx.AsyncClient) -> None:
    database = (await opened(client)).database
    is_allowed = True

    def check(_: Session) -> None:
        if not is_allowed:
            raise NotFound("session")

    answer = LongAnswer({"content": GAP}, [text_in_memory("x" * 3_000_000)], check)
    await database.read(answer.step)
    await database.read(answer.more)
    is_allowed = False
    with pytest.raises(NotFound):
        await database.read(answer.more)


@pytest.mark.parametrize(("num_chars", "is_streamed"), [(1000, False), (1_000_000, True)])
async def test_what_fits_into_a_step_has_a_length(client: httpx.AsyncClient, num_chars: int, is_streamed: bool) -> None:
    database = (await opened(client)).database
    request: Any = type("Get", (), {"method": "GET"})
    text = "x" * num_chars
    before = database.num_statements
    made = await long_reply(
        request, database, lambda _: LongAnswer({"content": GAP}, [text_in_memory(text)], allowed), status=201
    )
    assert database.num_statements == before
    assert made.status_code == 201
    assert ("content-length" not in made.headers) is is_streamed
    if not is_streamed:
        assert msgspec.json.decode(made.body) == {"content": text}
