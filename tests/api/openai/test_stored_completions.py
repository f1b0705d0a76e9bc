"""store: true over HTTP: streams with numbers, documents, OpenAI's endpoints for them, and whose they are."""

import asyncio
import json
from typing import Any

import httpx
import openai
import pytest

from bdchat.engine.errors import ContextLengthExceeded, EngineError, EngineUnavailable, GenerationFailed, QueueFull
from bdchat.settings import Settings, StoreSettings
from bdchat.store.accounting import storage
from bdchat.store.chats import purges
from tests.api import talking as chats
from tests.api.serving import app_of, error_of, in_process, opened, over_http, signed_in
from tests.api.sockets import chat_path, live
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio
URL = "/v1/chat/completions"
HI = [{"role": "user", "content": "Hi"}]


async def ask(client: httpx.AsyncClient, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
    return await client.post(URL, json={"messages": HI, "store": True, **fields}, headers=headers)


def frames_of(body: str) -> list[tuple[int | None, Any]]:
    """(id, document) of each frame; [DONE] must be the last."""
    frames = body.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    found: list[tuple[int | None, Any]] = []
    for frame in frames[:-2]:
        fields = dict(line.split(": ", 1) for line in frame.splitlines())
        found.append((int(fields["id"]) if "id" in fields else None, json.loads(fields["data"])))
    return found


def text_of(frames: list[tuple[int | None, Any]]) -> str:
    text = ""
    for _, document in frames:
        if document["object"] == "chat.completion.reset":
            text = document["text"]
        for choice in document["choices"]:
            text += choice["delta"].get("content") or ""
    return text


async def test_a_stored_stream_has_numbers_and_names_what_was_written() -> None:
    async with in_process() as client:
        headers = await signed_in(client)
        session_id = await chats.begin(client, headers)
        metadata = {"session_id": session_id, "client_message_id": "c"}
        options = {"stream": True, "stream_options": {"include_usage": True}}
        answer = await ask(client, headers, metadata=metadata, **options)
        frames = frames_of(answer.text)
        assert [number for number, _ in frames] == [1, 2, 3, 4, 5, None]
        assert text_of(frames) == "Hello world"
        generation_id = answer.headers["x-bdchat-generation-id"]
        assert {document["id"] for _, document in frames} == {generation_id}
        assert frames[0][1]["choices"][0]["delta"]["role"] == "assistant"
        assert frames[0][1]["bdchat"]["message_id"] == answer.headers["x-bdchat-message-id"]
        assert frames[4][1]["choices"][0]["finish_reason"] == "stop"
        assert frames[5][1]["usage"]["completion_tokens"] == len("Hello world")
        page = await chats.got(client, f"/api/sessions/{session_id}/messages", headers)
        assert [item["message_id"] for item in page["data"]] == [
            answer.headers["x-bdchat-user-message-id"],
            answer.headers["x-bdchat-message-id"],
        ]
        again = await ask(client, headers, metadata=metadata, **options)
        assert frames_of(again.text) == frames


async def test_a_stored_document_is_the_unstored_one_and_where_it_lies() -> None:
    async with in_process() as client:
        await opened(client)
        plain = (await client.post(URL, json={"messages": HI, "logprobs": True})).json()
    async with in_process() as client:
        await opened(client)
        answer = await ask(client, logprobs=True, metadata={"topic": "greeting"})
        body = answer.json()
        for name in ("object", "choices", "usage", "model", "system_fingerprint"):
            assert body[name] == plain[name]
        assert body["id"] == answer.headers["x-bdchat-generation-id"]
        assert body["metadata"] == {"topic": "greeting"}
        assert (body["bdchat"]["state"], body["bdchat"]["session_id"]) == ("complete", None)
        assert "x-bdchat-message-id" not in answer.headers


@pytest.mark.parametrize(("asked", "echoed"), [("auto", "default"), ("flex", "flex"), ("a\0", None), (None, None)])
async def test_a_stored_answer_echoes_its_service_tier_wherever_it_is_shown(
    asked: str | None, echoed: str | None
) -> None:
    async with in_process() as client:
        await opened(client)
        whole = await ask(client, service_tier=asked)
        shown = (await client.get(f"{URL}/{whole.json()['id']}")).json()
        changed = (await client.post(f"{URL}/{whole.json()['id']}", json={"metadata": {"a": "b"}})).json()
        for document in (whole.json(), shown, changed):
            assert document.get("service_tier") == echoed
        chunks = frames_of((await ask(client, service_tier=asked, stream=True)).text)
        again = frames_of((await client.get(f"{URL}/{chunks[0][1]['id']}/events")).text)
        assert {chunk.get("service_tier") for _, chunk in chunks + again} == {echoed}


async def test_an_answer_goes_on_when_its_client_leaves() -> None:
    gate = asyncio.Event()
    async with over_http(FakeEngine(token_gate=gate.wait)) as client:
        for number, streams in ((1, True), (2, False)):
            asking = asyncio.create_task(ask(client, stream=streams))
            await until(lambda n=number: len(app_of(client).durable.running()) == n)  # type: ignore[misc]
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        gate.set()
        await until(lambda: not app_of(client).durable.running())
        found = (await client.get(URL)).json()["data"]
        assert [item["choices"][0]["message"]["content"] for item in found] == ["Hello world"] * 2


async def test_what_is_refused_has_the_status_of_an_unstored_call() -> None:
    async with in_process(FakeEngine(refusal=QueueFull(3.0))) as client:
        await opened(client)
        for streams in (True, False):
            refused = await ask(client, stream=streams)
            assert error_of(refused, 503)["code"] == "queue_full"
            assert refused.headers["retry-after"] == "3"
        assert error_of(await ask(client, model="gone"), 404)["code"] == "model_not_found"
        assert error_of(await ask(client, n=2), 400)["param"] == "n"
        assert error_of(await ask(client, metadata={"a": 1}), 400)["param"] == "metadata.a"
        assert error_of(await ask(client, metadata={"session_id": "s"}), 403)["code"] == "forbidden"


@pytest.mark.parametrize("refusal", [QueueFull(3.0), ContextLengthExceeded(9001, 8192)])
async def test_what_is_refused_outside_chats_keeps_nothing(refusal: EngineError) -> None:
    """The request stayed for ever, charged to nobody: 30 seconds of a prompt too long were 215 MB."""
    async with in_process(FakeEngine(refusal=refusal)) as client:
        headers = await signed_in(client)
        await opened(client)
        before = await kept_bytes(client)
        for credentials in ({}, headers):
            for streams in (True, False):
                body = {"messages": [{"role": "user", "content": "x" * 100_000}], "store": True, "stream": streams}
                assert (await client.post(URL, json=body, headers=credentials)).is_error
        await until(lambda: not app_of(client).durable.running())
        assert await kept_bytes(client) == before
        assert (await client.get(URL)).json()["data"] == []


async def test_a_guest_who_has_filled_up_what_guests_may_keep_is_told_what_to_do() -> None:
    settings = Settings(store=StoreSettings(guest_quota_bytes=20_000))
    async with in_process(FakeEngine(), settings=settings) as client:
        await opened(client)
        long = [{"role": "user", "content": "x" * 2000}]
        answers = [await ask(client, messages=long) for _ in range(8)]
        statuses = [answer.status_code for answer in answers]
        assert statuses == [200] * statuses.count(200) + [403] * statuses.count(403)
        assert 2 <= statuses.count(200) < 8
        error = error_of(answers[-1], 403)
        assert error["code"] == "storage_quota_exceeded"
        assert "delete stored completions, ask without store" in error["message"]
        assert (await ask(client, messages=long, store=False)).status_code == 200
        assert (await client.delete(f"{URL}/{answers[0].json()['id']}")).status_code == 200
        assert (await ask(client, messages=long)).status_code == 200


async def kept_bytes(client: httpx.AsyncClient) -> int:
    return (await app_of(client).database.read(lambda db: storage.kept(db, num_accounts=0))).charged_bytes


async def test_a_rest_of_the_engine_is_told_on_every_wire() -> None:
    """Only what was refused before the first event had Retry-After: not a stored answer read whole, no stream's event,
    no socket's frame."""
    async with over_http(FakeEngine(failure=EngineUnavailable("the engine process keeps dying", 30.0))) as client:
        ann = await signed_in(client)
        for stores in (True, False):
            whole = await ask(client, store=stores)
            assert error_of(whole, 503)["code"] == "engine_unavailable"
            assert 29 <= int(whole.headers["retry-after"]) <= 30
            events = [
                line for line in (await ask(client, store=stores, stream=True)).text.splitlines() if "error" in line
            ]
            assert 29 <= json.loads(events[-1].removeprefix("data: "))["retry_after_s"] <= 30
        async with live(client, chat_path(await chats.begin(client, ann)), ann) as socket:
            await socket.send("chat_message", content="hi", client_message_id="c")
            end = await socket.until("ai_complete")
        assert (end["state"], end["error"]["code"]) == ("failed", "engine_unavailable")
        assert 29 <= end["retry_after_s"] <= 30
    async with over_http(FakeEngine(refusal=EngineUnavailable("the engine process keeps dying", 30.0))) as client:
        ann = await signed_in(client)
        async with live(client, chat_path(await chats.begin(client, ann)), ann) as socket:
            await socket.send("chat_message", content="hi", client_message_id="c")
            refused = await socket.until("error")
        assert (refused["error"]["code"], refused["retry_after_s"]) == ("engine_unavailable", 30)


async def test_what_fails_later_is_an_error_frame_or_its_status() -> None:
    async with in_process(FakeEngine(failure=GenerationFailed("no"))) as client:
        await opened(client)
        stream = (await ask(client, stream=True)).text
        last = stream.split("\n\n")[-3]
        assert json.loads(last.splitlines()[0].removeprefix("data: "))["error"]["code"] == "generation_failed"
        document = await ask(client)
        assert error_of(document, 500)["code"] == "generation_failed"
        found = (await client.get(f"{URL}/{document.headers['x-bdchat-generation-id']}")).json()
        assert (found["bdchat"]["state"], found["error"]["code"]) == ("failed", "generation_failed")
        assert found["choices"][0]["message"]["content"] == "Hello world"


async def test_events_go_on_from_any_number() -> None:
    async with in_process() as client:
        await opened(client)
        answer = await ask(client, stream=True)
        frames = frames_of(answer.text)
        url = f"{URL}/{answer.headers['x-bdchat-generation-id']}/events"
        assert frames_of((await client.get(url)).text) == frames
        for seen in range(4):
            by_header = await client.get(url, headers={"last-event-id": str(seen)})
            assert frames_of(by_header.text) == frames[seen:]
            assert (await client.get(url, params={"after": seen})).text == by_header.text
        beyond = frames_of((await client.get(url, params={"after": 2**33 + 5})).text)
        assert (beyond[0][1]["object"], beyond[0][1]["choices"], text_of(beyond)) == (
            "chat.completion.reset",
            [],
            "Hello world",
        )
        for bad in ("-1", "x", str(2**60)):
            assert error_of(await client.get(url, params={"after": bad}), 400)["param"] == "after"
        assert error_of(await client.get(f"{URL}/chatcmpl-gone/events"), 404)["code"] == "not_found"


async def test_events_that_were_forgotten_are_made_up_for_by_the_text() -> None:
    async with in_process() as client:
        app = await opened(client)
        answer = await ask(client, stream=True)
        assert await purges.purge_logs(app.database, finished_before_ms=2**60) == 1
        url = f"{URL}/{answer.headers['x-bdchat-generation-id']}/events"
        for after, kinds in ((0, [4, 5]), (3, [4, 5]), (4, [5]), (5, [5])):
            frames = frames_of((await client.get(url, params={"after": after})).text)
            assert [number for number, _ in frames] == kinds
            assert frames[-1][1]["choices"][0]["finish_reason"] == "stop"


async def test_openais_sdk_lists_reads_changes_and_deletes() -> None:
    async with over_http() as client:
        sdk = openai.AsyncOpenAI(base_url=f"{client.base_url}/v1", api_key="none")
        made = [
            await sdk.chat.completions.create(
                model="fake", messages=[{"role": "user", "content": f"Hi {n}"}], store=True, metadata={"n": str(n)}
            )
            for n in range(3)
        ]
        listed = [item.id async for item in sdk.chat.completions.list(limit=2)]
        assert sorted(listed) == sorted(item.id for item in made)
        (found,) = [item async for item in sdk.chat.completions.list(metadata={"n": "1"})]
        assert found.id == made[1].id
        assert [item async for item in sdk.chat.completions.list(model="other")] == []
        read = await sdk.chat.completions.retrieve(made[0].id)
        assert read.choices[0].message.content == "Hello world"
        changed = await sdk.chat.completions.update(made[0].id, metadata={"kept": "yes"})
        assert changed.metadata == {"kept": "yes"}
        shown = [item async for item in sdk.chat.completions.messages.list(made[2].id)]
        assert [(item.role, item.content) for item in shown] == [("user", "Hi 2")]
        gone = await sdk.chat.completions.delete(made[0].id)
        assert gone.deleted
        with pytest.raises(openai.NotFoundError):
            await sdk.chat.completions.retrieve(made[0].id)
        await sdk.close()


async def test_pages_follow_each_other_in_both_directions() -> None:
    async with in_process() as client:
        await opened(client)
        made = sorted([(await ask(client)).json()["id"] for _ in range(5)])
        for order, expected in (("asc", made), ("desc", made[::-1])):
            found: list[str] = []
            has_more = True
            while has_more:
                params = {"limit": "2", "order": order} | ({"after": found[-1]} if found else {})
                page = (await client.get(URL, params=params)).json()
                found += [item["id"] for item in page["data"]]
                assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], found[-1])
                has_more = page["has_more"]
            assert found == expected
        for params in ({"limit": "0"}, {"order": "up"}, {"colour": "red"}, {f"metadata[{'k' * 65}]": "v"}):
            assert (await client.get(URL, params=params)).status_code == 400
        for odd in ('a"b', "a.b", "a]b", "$", "\\", "'"):
            assert (await client.get(URL, params={f"metadata[{odd}]": "v"})).json()["data"] == []


async def test_a_running_answer_is_polled_and_cancelled() -> None:
    gate = asyncio.Semaphore(2)
    async with over_http(FakeEngine(token_gate=gate.acquire)) as client:
        asking = asyncio.create_task(ask(client, stream=True))
        await until(lambda: [answer for answer in app_of(client).durable.running() if answer.num_written_tokens == 5])
        (answer,) = app_of(client).durable.running()
        url = f"{URL}/{answer.generation_id}"
        running = (await client.get(url)).json()
        assert (running["bdchat"]["state"], running["choices"][0]["finish_reason"]) == ("running", None)
        stopped = (await client.post(f"{url}/cancel")).json()
        assert (stopped["bdchat"]["state"], stopped["choices"][0]["finish_reason"]) == ("stopped", "stop")
        assert stopped["choices"][0]["message"]["content"] == "Hello"
        assert text_of(frames_of((await asking).text)) == "Hello"
        assert (await client.delete(url)).json() == {
            "id": answer.generation_id,
            "object": "chat.completion.deleted",
            "deleted": True,
        }


async def test_actions_on_a_chats_answers() -> None:
    async with in_process() as client:
        headers = await signed_in(client)
        session_id = await chats.begin(client, headers)
        first = await ask(client, headers, metadata={"session_id": session_id}, max_tokens=4)
        answer_id, user_id = first.headers["x-bdchat-message-id"], first.headers["x-bdchat-user-message-id"]

        async def act(message_id: str, action: str, **body: Any) -> dict[str, Any]:
            done = await client.post(f"/api/messages/{message_id}/{action}", json=body, headers=headers)
            assert done.status_code == 202, done.text
            await until(lambda: not app_of(client).durable.running())
            begun: dict[str, Any] = done.json()
            return begun

        async def content(message_id: str) -> str:
            return str((await chats.got(client, f"/api/messages/{message_id}", headers))["content"])

        more = await act(answer_id, "continue")
        assert (more["message_id"], await content(answer_id)) == (answer_id, "Hello wo")
        other = await act(answer_id, "regenerate", params={"max_tokens": 2})
        assert await content(other["message_id"]) == "He"
        edited = await act(user_id, "edit", content="Ho", client_message_id="e", params={"temperature": 0})
        assert await content(edited["user_message_id"]) == "Ho"
        alone = await act(user_id, "edit", content="Hu", answers=False)
        assert (alone["generation_id"], alone["message_id"], await content(alone["user_message_id"])) == (
            None,
            None,
            "Hu",
        )
        url = f"/api/messages/{answer_id}"
        bad = await client.post(f"{url}/regenerate", json={"params": {"temperature": 9}}, headers=headers)
        assert error_of(bad, 400)["param"] == "temperature"
        conflict = await client.post(f"/api/messages/{user_id}/continue", headers=headers)
        assert error_of(conflict, 409)["code"] == "cannot_continue"


async def test_what_is_not_theirs_is_not_there() -> None:
    async with in_process() as client:
        ann, bob = await signed_in(client), await signed_in(client, "bob")
        session_id = await chats.begin(client, ann)
        made = await ask(client, ann, metadata={"session_id": session_id})
        own = await ask(client, ann)
        ids = [each.headers["x-bdchat-generation-id"] for each in (made, own)]
        message_id = made.headers["x-bdchat-message-id"]
        for stranger in (bob, {}):
            assert (await client.get(URL, headers=stranger)).json()["data"] == []
            for generation_id in ids:
                url = f"{URL}/{generation_id}"
                for method, path, body in (
                    ("GET", url, None),
                    ("POST", url, {"metadata": {}}),
                    ("DELETE", url, None),
                    ("GET", f"{url}/messages", None),
                    ("GET", f"{url}/events", None),
                    ("POST", f"{url}/cancel", None),
                ):
                    refused = await client.request(method, path, json=body, headers=stranger)
                    assert error_of(refused, 404)["code"] == "not_found", (method, path)
        actions: dict[str, dict[str, str]] = {"regenerate": {}, "continue": {}, "edit": {"content": "x"}}
        for action, wanted in actions.items():
            refused = await client.post(f"/api/messages/{message_id}/{action}", json=wanted, headers=bob)
            assert error_of(refused, 404)["code"] == "not_found"
            assert (await client.post(f"/api/messages/{message_id}/{action}", json=wanted)).status_code == 401
        key = (await client.post("/api/keys", json={"name": "ide", "scopes": ["chat"]}, headers=ann)).json()
        bare = {"authorization": f"Bearer {key['key']}"}
        listed = (await client.get(URL, headers=bare)).json()["data"]
        assert [item["id"] for item in listed] == [ids[1]]
        assert (await client.get(f"{URL}/{ids[0]}", headers=bare)).status_code == 404
        assert (await client.get(f"{URL}/{ids[1]}", headers=bare)).status_code == 200


async def test_a_stream_ends_with_its_login_and_the_answer_does_not() -> None:
    gate = asyncio.Event()
    async with over_http(FakeEngine(token_gate=gate.wait)) as client:
        headers = await signed_in(client)
        asking = asyncio.create_task(ask(client, headers, stream=True))
        await until(app_of(client).durable.running)
        async with client.stream(
            "GET", f"{URL}/{app_of(client).durable.running()[0].generation_id}/events", headers=headers
        ) as events:
            lines = events.aiter_lines()
            await anext(lines)
            assert (await client.post("/api/auth/logout", headers=headers)).status_code == 200
            rest = [line async for line in lines]
        assert "data: [DONE]" not in rest
        assert "[DONE]" not in (await asking).text
        gate.set()
        await until(lambda: not app_of(client).durable.running())
