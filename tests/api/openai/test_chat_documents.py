"""Documents on /v1/chat/completions, and what a chat shows of them: sources, citations, and whose they are."""

import json
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from bdchat.store.accounts import users
from bdchat.store.documents import documents
from tests.api import talking as chats
from tests.api.serving import error_of, in_process, make_app, opened, served, signed_in
from tests.fake_engine import FakeEngine
from tests.store.document_rows import read_file

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"
QUESTION = [{"role": "user", "content": "What is the rent?"}]
LEASE = {"title": "lease.txt", "text": "The flat is small. The rent is 500 crowns. It is due on Friday."}
PIECES = ("The rent is 500", " crowns [", "1]. Cats", " sleep [1]. See", " [7].")
SAID = "".join(PIECES)


def engine() -> FakeEngine:
    return FakeEngine(pieces=PIECES, n_ctx=100_000)


def cited(annotations: list[dict[str, Any]]) -> list[tuple[int, str, bool]]:
    return [
        (each["file_citation"]["index"], each["file_citation"]["quote"], each["file_citation"]["is_supported"])
        for each in annotations
    ]


CITED = [(1, "The rent is 500 crowns.", True), (1, LEASE["text"], False)]


async def test_an_answer_cites_what_the_request_brought() -> None:
    async with in_process(fake := engine()) as client:
        body = {"messages": QUESTION, "documents": [LEASE]}
        answer = (await client.post(URL, json=body)).json()
    message = answer["choices"][0]["message"]
    assert message["content"] == SAID
    assert cited(message["annotations"]) == CITED
    first = message["annotations"][0]["file_citation"]
    assert (first["filename"], first["file_id"], first["page"]) == ("lease.txt", "", 1)
    assert SAID[first["start_index"] : first["end_index"]] == "[1]"
    assert LEASE["text"][first["start"] : first["end"]] == "The rent is 500 crowns."
    (source,) = answer["sources"]
    assert (source["number"], source["document_name"], source["text"]) == (1, "lease.txt", LEASE["text"])
    prompt = fake.requests[0].prompt.messages[-1].content  # type: ignore[union-attr]
    assert prompt.startswith('<documents>\n<passage n="1" document="lease.txt" page="1">\nThe flat is small.')
    assert prompt.endswith("\n\nWhat is the rent?")


async def test_a_stream_begins_with_its_sources_and_ends_with_its_citations() -> None:
    async with in_process(engine()) as client:
        body = {"messages": QUESTION, "documents": [LEASE], "stream": True}
        text = (await client.post(URL, json=body)).text
    chunks = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    assert [source["number"] for source in chunks[0]["sources"]] == [1]
    assert not any("sources" in chunk for chunk in chunks[1:])
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks) == SAID
    last = chunks[-1]["choices"][0]
    assert last["finish_reason"] == "stop"
    assert cited(last["delta"]["annotations"]) == CITED


async def test_without_documents_nothing_is_added() -> None:
    async with in_process(engine()) as client:
        answer = (await client.post(URL, json={"messages": QUESTION, "documents": []})).json()
    assert "sources" not in answer
    assert answer["choices"][0]["message"]["annotations"] == []


async def test_the_sdk_reads_it() -> None:
    async with (
        served(make_app(engine())) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="any") as client,
    ):
        answer = await client.chat.completions.create(
            model="fake",
            messages=QUESTION,  # type: ignore[arg-type]
            extra_body={"documents": [LEASE]},
        )
    assert answer.choices[0].message.annotations is not None
    assert cited([each.model_dump() for each in answer.choices[0].message.annotations]) == CITED
    assert answer.model_extra is not None
    assert answer.model_extra["sources"][0]["text"] == LEASE["text"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"documents": "lease"}, "documents"),
        ({"documents": [3]}, "documents[0]"),
        ({"documents": ["x" * 65]}, "documents[0]"),
        ({"documents": ["x"] * 65}, "documents"),
        ({"documents": [LEASE, {"title": "no text"}]}, "documents[1].text"),
        ({"documents": [{"title": 3, "text": "x"}]}, "documents[0].title"),
        ({"documents": [{"text": "x" * 1_100_000}] * 2}, "documents"),
        ({"metadata": {"document_ids": 3}}, "metadata.document_ids"),
        ({"metadata": {"collection_ids": ",".join(["x"] * 3 + ["y" * 65])}}, "metadata.collection_ids"),
        ({"documents": [LEASE], "messages": [*QUESTION, {"role": "assistant", "content": "It"}]}, "documents"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    async with in_process(engine()) as client:
        answer = await client.post(URL, json={"messages": QUESTION, **fields})
    assert error_of(answer, 400)["param"] == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"documents": ["nobody's"]}, "documents[0]"),
        ({"metadata": {"document_ids": "nobody's"}}, "metadata.document_ids"),
        ({"metadata": {"collection_ids": "nobody's"}}, "metadata.collection_ids"),
    ],
)
async def test_what_is_not_yours_is_not_there(fields: dict[str, Any], param: str) -> None:
    async with in_process(engine()) as client:
        headers = await signed_in(client)
        answer = await client.post(URL, json={"messages": QUESTION, **fields}, headers=headers)
    assert error_of(answer, 404)["param"] == param


async def test_a_chat_shows_what_it_was_given_and_what_is_cited() -> None:
    async with in_process(engine()) as client:
        app = await opened(client)
        headers = await signed_in(client, "ann")
        ann = await app.database.read(lambda db: users.by_name(db, "ann"))
        assert ann is not None
        row = await read_file(app.database, ann.user_id, LEASE["text"], name="lease.txt")
        session_id = await chats.begin(client, headers)
        attached = {"document_ids": [row.document_id], "collection_ids": []}
        put = await client.put(f"/api/sessions/{session_id}/documents", json=attached, headers=headers)
        assert put.is_success, put.text
        draft = {"content": QUESTION[0]["content"]}
        preview = (await client.post(f"/api/sessions/{session_id}/preview", json=draft, headers=headers)).json()
        assert preview["documents"] == {row.document_id: "whole"}
        alone = len(f"<user>{QUESTION[0]['content']}")  # a token of the fake engine is a byte
        assert preview["num_document_tokens"] == preview["num_prompt_tokens"] - alone > len(LEASE["text"])

        body = {"messages": QUESTION, "store": True, "metadata": {"session_id": session_id}}
        answer = await client.post(URL, json=body, headers=headers)
        document = answer.json()
        assert cited(document["choices"][0]["message"]["annotations"])[0] == CITED[0]
        assert [source["document_id"] for source in document["sources"]] == [row.document_id]
        again = (await client.get(f"{URL}/{document['id']}", headers=headers)).json()
        assert again["choices"] == document["choices"]

        asked, said = (await client.get(f"/api/sessions/{session_id}/messages", headers=headers)).json()["data"]
        assert (asked["content"], asked["num_sources"], asked["citations"]) == (QUESTION[0]["content"], 1, [])
        assert [(each["number"], each["is_supported"]) for each in said["citations"]] == [(1, True), (1, False)]
        first = said["citations"][0]
        assert said["content"][first["start"] : first["end"]] == "[1]"
        one = (await client.get(f"/api/messages/{said['message_id']}", headers=headers)).json()
        assert one["citations"] == said["citations"]

        for message in (asked, said):
            (source,) = await sources_of(client, headers, session_id, message["message_id"])
            assert source["is_there"] is True
            assert (source["number"], source["label"], source["is_whole"]) == (1, "p1", True)
            assert source["text"][first["quote_start"] : first["quote_end"]] == "The rent is 500 crowns."
            assert len(source["boxes"]) == 1

        await app.database.write(lambda db: documents.delete(db, documents.get_owned(db, row.document_id, ann.user_id)))
        (source,) = await sources_of(client, headers, session_id, said["message_id"])
        assert (source["is_there"], source["boxes"], source["text"].strip()) == (False, [], LEASE["text"])


async def sources_of(
    client: httpx.AsyncClient, headers: dict[str, str], session_id: str, message_id: str
) -> list[dict[str, Any]]:
    path = f"/api/sessions/{session_id}/messages/{message_id}/sources"
    found: list[dict[str, Any]] = (await client.get(path, headers=headers)).json()["sources"]
    return found
