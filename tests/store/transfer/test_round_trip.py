"""Chats through the store and back, on both databases."""

import json
import random
import zipfile
from io import BytesIO
from typing import Any

import jsonschema
import pytest
from sqlmodel import Session, func, select

from bdchat.store import retention
from bdchat.store.chats import configs, messages, purges, sessions
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import now_ms
from bdchat.store.search.matching import SearchFilter
from bdchat.store.search.results import find
from bdchat.store.sql.database import Database
from bdchat.store.sql.write_queue import MAX_SLICE_BYTES
from bdchat.store.tables import ChatSession, Generation, GenerationEvent, Message, MessageMetadata, SearchEntry
from bdchat.store.transfer import document
from bdchat.store.transfer.writing import AlreadyImported, known, own_fingerprint, prepare, put
from tests.store.chat_rows import make_user, say
from tests.store.slicing import Killed, Watched
from tests.store.transferable import (
    as_document,
    conversation,
    export_bytes,
    import_all,
    node,
    only_chat,
    put_chat,
    random_session,
    told,
)

pytestmark = pytest.mark.anyio


async def exported(database: Database, user_id: str, session_id: str | None = None) -> list[dict[str, Any]]:
    """Its sessions, once the document has been held against the published schema."""
    whole = json.loads(await export_bytes(database, user_id, session_id=session_id))
    jsonschema.Draft202012Validator(json.loads(document.schema())).validate(whole)
    found: list[dict[str, Any]] = whole["sessions"]
    return found


@pytest.mark.parametrize("seed", range(12))
async def test_any_tree_comes_back_as_it_went(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    given = [{**random_session(rng), "session_id": f"s{number}"} for number in range(4)]
    ann = await database.write(lambda db: make_user(db, "ann"))
    await import_all(database, ann, as_document(*given))
    first = await exported(database, ann)
    assert sorted(map(_key, map(told, first))) == sorted(map(_key, map(told, given)))
    bob = await database.write(lambda db: make_user(db, "bob"))
    await import_all(database, bob, await export_bytes(database, ann))
    second = await exported(database, bob)
    assert sorted(map(_key, map(told, second))) == sorted(map(_key, map(told, first)))
    assert {each["session_id"] for each in first}.isdisjoint(each["session_id"] for each in second)


def _key(session: dict[str, Any]) -> str:
    return json.dumps(session, sort_keys=True, ensure_ascii=False)


async def test_a_chat_written_here_comes_back_with_branches_settings_and_order(database: Database) -> None:
    def write(db: Session) -> tuple[str, str, str]:
        ann, bob = make_user(db, "ann"), make_user(db, "bob")
        session = sessions.create(db, ann, title="환불", folder="일")
        configs.put(
            db, session.session_id, {"model": "m", "system_prompt": "짧게", "params": {"top_k": 5, "stop": ["\n"]}}
        )
        root = say(db, session, "환불은?", under=None)
        answers = [say(db, session, each, under=root.message_id, role="assistant") for each in ("하나", "둘", "셋")]
        shared = messages.append(
            db, session, parent_id=root.message_id, role="user", content="나도", author_id=make_user(db, "cem")
        )
        db.add(MessageMetadata(message_id=shared.message_id, model="x", model_params={"seed": 1}))
        for number, message in enumerate((root, *answers, shared)):
            message.created_at_ms = root.created_at_ms + number  # siblings of one millisecond have no order
        messages.set_head(db, session, root.message_id)
        return ann, bob, session.session_id

    ann, bob, session_id = await database.write(write)
    (first,) = await exported(database, ann, session_id)
    assert [message["content"] for message in first["messages"]] == ["환불은?", "하나", "둘", "셋", "나도"]
    assert first["messages"][4]["author"] == "Cem"
    assert first["config"] == {
        "model": "m",
        "system_prompt": "짧게",
        "context_overflow": "drop_oldest",
        "top_k": 5,
        "stop": ["\n"],
    }
    assert told(first)["head_message_id"] == 4
    await import_all(database, bob, await export_bytes(database, ann))
    (second,) = await exported(database, bob)
    assert told(second) == told(first)
    assert await names_of_authors(database, second) == {"환불은?": "Bob", "나도": "Cem"}


async def names_of_authors(database: Database, exported: dict[str, Any]) -> dict[str, str | None]:
    """Who is named beside the messages that are shown."""

    def read(db: Session) -> dict[str, str | None]:
        entries = messages.path(db, exported["session_id"], exported["head_message_id"], limit=9)
        return {str(entry.content): entry.author_name for entry in entries}

    return await database.read(read)


async def test_what_is_imported_is_counted_and_found(database: Database) -> None:
    bob = await database.write(lambda db: make_user(db, "bob"))
    nodes = (node("r", None), node("u", "r", "user", "환불은 언제"), node("a", "u", "assistant", "내일\x00"))
    (session_id,) = await import_all(database, bob, json.dumps([conversation(*nodes)]).encode())

    def look(db: Session) -> tuple[ChatSession, list[str], int]:
        found = find(db, bob, "환불", SearchFilter(), limit=10).hits
        count = db.exec(select(func.count()).select_from(SearchEntry)).one()
        return sessions.get_owned(db, bob, session_id), [hit.snippet.text for hit in found], count

    session, snippets, num_entries = await database.read(look)
    assert (session.num_messages, num_entries) == (2, 3)
    assert sorted(snippets) == ["환불", "환불은 언제"]
    assert session.source_id is not None
    assert session.source_id.startswith("chatgpt:c1#")

    def read_path(db: Session) -> tuple[list[messages.PathEntry], list[str]]:
        entries = messages.path(db, session_id, session.head_message_id, limit=9)
        texts = db.exec(select(Message.message_id, Message.content).where(Message.session_id == session_id)).all()
        return entries, [dict(texts)[entry.message.message_id] for entry in entries]

    path, texts = await database.read(read_path)
    assert texts == ["환불은 언제", "내일\ufffd"]
    assert {entry.message.author_id for entry in path} == {bob}
    assert path[1].metadata is not None
    assert path[1].metadata.model == "gpt-5"


def large_conversation() -> dict[str, Any]:
    """Of some ten slices, with a branch now and then."""
    rng = random.Random(3)
    nodes = [node("m0", None, "user", "root")]
    for number in range(1, 60):
        parent = f"m{max(0, number - rng.choice((1, 1, 2)))}"
        nodes.append(node(f"m{number}", parent, "assistant" if number % 2 else "user", f"환불{number} " + "x" * 15_000))
    return conversation(*nodes)


async def whole() -> None:
    """The next slice of a chat that has no other."""


async def test_a_large_chat_comes_in_slices_and_says_the_same(database: Database) -> None:
    ann = await database.write(lambda db: make_user(db, "ann"))
    chat = only_chat([large_conversation()]).chat
    watched = Watched(database)
    session_id = await put_chat(watched, chat, ann)  # type: ignore[arg-type]
    assert watched.num_slices > 8
    assert max(watched.slice_bytes) <= MAX_SLICE_BYTES
    (session,) = await exported(database, ann)
    wanted = [(message.role, message.content) for message in chat.messages]
    assert [(message["role"], message["content"]) for message in session["messages"]] == wanted
    fingerprint = await database.read(lambda db: own_fingerprint(db, ann, session_id))
    assert fingerprint == prepare(chat, ann)[0].fingerprint  # branches included
    assert len((await database.read(lambda db: find(db, ann, "환불7 환불7", SearchFilter(), limit=9))).hits) == 1


async def test_a_large_chat_that_is_cut_anywhere_is_not_seen_and_comes_in_anew(database: Database) -> None:
    ann = await database.write(lambda db: make_user(db, "ann"))
    chat = only_chat([large_conversation()]).chat
    uncut = Watched(database)
    await put_chat(uncut, chat, ann)  # type: ignore[arg-type]
    await retention.erase_user(database, ann)
    bob = await database.write(lambda db: make_user(db, "bob"))
    for num in range(uncut.num_slices):
        with pytest.raises(Killed):
            await put_chat(Watched(database, max_slices=num), chat, bob)  # type: ignore[arg-type]
        assert await exported(database, bob) == []
        assert (await database.read(lambda db: find(db, bob, "환불7", SearchFilter(), limit=9))).hits == []
        assert (await database.read(lambda db: known(db, bob))).by_source == {}
    assert await purges.purge_abandoned(database, touched_before_ms=now_ms() + 1) == uncut.num_slices - 1
    for table in (ChatSession, Message, MessageMetadata, SearchEntry):
        assert await database.read(lambda db, table=table: db.exec(select(func.count()).select_from(table)).one()) == 0  # type: ignore[misc]
    await put_chat(database, chat, bob)
    assert len(await exported(database, bob)) == 1


async def test_a_chat_that_fails_leaves_nothing_behind(database: Database) -> None:
    ann = await database.write(lambda db: make_user(db, "ann"))
    prepared, _ = prepare(
        only_chat([conversation(node("u", None, "user", "hi"), node("a", "u", "assistant", "yes"))]).chat, ann
    )
    prepared.first.messages[1]["role"] = None  # what a table refuses
    with pytest.raises(Conflict):
        await put(database, prepared, whole, was_deleted=False)
    for table in (ChatSession, Message, MessageMetadata, SearchEntry):
        assert await database.read(lambda db, table=table: db.exec(select(func.count()).select_from(table)).one()) == 0  # type: ignore[misc]


async def test_the_same_chat_is_known_again_and_comes_anew_when_it_was_deleted(database: Database) -> None:
    ann = await database.write(lambda db: make_user(db, "ann"))
    chat = only_chat([conversation(node("u", None, "user", "hi"))]).chat
    prepared, _ = prepare(chat, ann)
    changed, _ = prepare(
        only_chat([conversation(node("u", None, "user", "hi"), node("a", "u", "assistant", "yes"))]).chat, ann
    )
    first = await put(database, prepared, whole, was_deleted=False)
    with pytest.raises(AlreadyImported):
        await put(database, prepared, whole, was_deleted=False)
    found = await database.read(lambda db: known(db, ann))
    assert found.by_source == {prepared.source_id: first}
    assert found.has_other_version(changed)

    def delete(db: Session) -> None:
        sessions.delete(db, sessions.get_owned(db, ann, first))

    await database.write(delete)
    found = await database.read(lambda db: known(db, ann))
    assert (found.by_source, found.deleted) == ({}, {prepared.source_id})
    second = await put_chat(database, chat, ann, was_deleted=True)
    assert (await database.read(lambda db: known(db, ann))).by_source == {prepared.source_id: second}
    stranger = await database.write(lambda db: make_user(db, "bob"))
    assert (await database.read(lambda db: known(db, stranger))).by_source == {}


async def test_an_own_chat_has_the_fingerprint_of_its_export(database: Database) -> None:
    def write(db: Session) -> tuple[str, str, str]:
        ann, bob = make_user(db, "ann"), make_user(db, "bob")
        session = sessions.create(db, ann)
        root = say(db, session, "hi", under=None)
        for number in range(3):
            say(db, session, f"answer {number}", under=root.message_id, role="assistant")
        return ann, bob, session.session_id

    ann, bob, session_id = await database.write(write)
    prepared, _ = prepare(only_chat(await export_bytes(database, ann, session_id=session_id)).chat, ann)
    assert await database.read(lambda db: own_fingerprint(db, ann, session_id)) == prepared.fingerprint
    assert await database.read(lambda db: own_fingerprint(db, bob, session_id)) is None

    def go_on(db: Session) -> None:
        say(db, sessions.get_owned(db, ann, session_id), "more", under=None)

    await database.write(go_on)
    assert await database.read(lambda db: own_fingerprint(db, ann, session_id)) != prepared.fingerprint


# --- the other formats, and what an export may see --------------------------------------------------------------------


async def talk_with_branches(database: Database) -> tuple[str, str]:
    def write(db: Session) -> tuple[str, str]:
        ann = make_user(db, "ann")
        session = sessions.create(db, ann, title="제목 / 하나", folder="일")
        configs.put(db, session.session_id, {"system_prompt": "짧게"})
        root = say(db, session, "환불은?", under=None)
        say(db, session, "옛 답", under=root.message_id, role="assistant")
        answer = say(db, session, "새 답", under=root.message_id, role="assistant")
        say(db, session, "고마워", under=answer.message_id)
        return ann, session.session_id

    return await database.write(write)


async def test_markdown_and_examples_are_of_the_path_that_is_shown(database: Database) -> None:
    ann, session_id = await talk_with_branches(database)
    text = (await export_bytes(database, ann, "markdown", session_id)).decode()
    assert text.startswith("# 제목 / 하나\n\n")
    assert text.endswith(
        "## System prompt\n\n짧게\n\n## User\n\n환불은?\n\n## Assistant\n\n새 답\n\n## User\n\n고마워\n"
    )
    line = await export_bytes(database, ann, "jsonl", session_id)
    assert json.loads(line) == {
        "messages": [
            {"role": "system", "content": "짧게"},
            {"role": "user", "content": "환불은?"},
            {"role": "assistant", "content": "새 답"},  # an example ends with an answer
        ]
    }
    assert line.endswith(b"]}\n")


async def test_everything_as_markdown_is_a_zip_and_as_examples_a_line_per_chat(database: Database) -> None:
    ann, session_id = await talk_with_branches(database)
    await database.write(lambda db: say(db, sessions.create(db, ann), "no answer", under=None))
    with zipfile.ZipFile(BytesIO(await export_bytes(database, ann, "markdown"))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[0] == f"일/제목 하나 {session_id[-8:]}.md"
        assert len(names) == 2
        assert archive.read(names[0]) == await export_bytes(database, ann, "markdown", session_id)
    lines = (await export_bytes(database, ann, "jsonl")).splitlines()
    assert len(lines) == 1


async def test_an_export_of_nothing_is_still_a_document(database: Database) -> None:
    ann = await database.write(lambda db: make_user(db, "ann"))
    assert await exported(database, ann) == []
    assert await export_bytes(database, ann, "jsonl") == b""
    with zipfile.ZipFile(BytesIO(await export_bytes(database, ann, "markdown"))) as archive:
        assert archive.namelist() == []


async def test_only_the_owner_exports_it_with_all_and_the_deleted_is_left_out(database: Database) -> None:
    ann, session_id = await talk_with_branches(database)
    bob = await database.write(lambda db: make_user(db, "bob"))
    with pytest.raises(NotFound):
        await export_bytes(database, bob, session_id=session_id)
    assert await exported(database, bob) == []
    await database.write(lambda db: sessions.delete(db, sessions.get_owned(db, ann, session_id)))
    with pytest.raises(NotFound):
        await export_bytes(database, ann, session_id=session_id)
    assert await exported(database, ann) == []


async def test_an_answer_that_is_being_written_goes_out_as_far_as_it_is(database: Database) -> None:
    def write(db: Session) -> tuple[str, str]:
        ann = make_user(db, "ann")
        session = sessions.create(db, ann)
        answer = messages.append(
            db, session, parent_id=None, role="assistant", content="", author_id=ann, status="running"
        )
        db.add(
            Generation(
                generation_id="g",
                session_id=session.session_id,
                message_id=answer.message_id,
                user_id=ann,
                request=b"",
                prefix="옛",
                created_at_ms=now_ms(),
            )
        )
        db.flush()
        db.add(GenerationEvent(generation_id="g", seq=1, kind="started", data={"prefix": "옛"}))
        db.add(GenerationEvent(generation_id="g", seq=2, kind="delta", data={"text": " 답"}))
        db.add(
            GenerationEvent(generation_id="g", seq=4, kind="deltas", data={"deltas": [{"text": "이"}, {"text": "다"}]})
        )
        return ann, session.session_id

    ann, session_id = await database.write(write)
    (session,) = await exported(database, ann, session_id)
    assert [(each["content"], each["status"]) for each in session["messages"]] == [("옛 답이다", "interrupted")]


async def test_a_long_chat_is_read_by_pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdchat.store.transfer.exporting.PAGE_MESSAGES", 3)
    monkeypatch.setattr("bdchat.store.transfer.exporting.CHUNK_BYTES", 1)
    ann = await database.write(lambda db: make_user(db, "ann"))
    nodes = [node("n0", None, "user", "0"), *(node(f"n{n}", f"n{n - 1}", "user", str(n)) for n in range(1, 20))]
    await import_all(database, ann, json.dumps([conversation(*nodes)]).encode())
    (session,) = await exported(database, ann)
    assert [message["content"] for message in session["messages"]] == [str(number) for number in range(20)]
    shown = await export_bytes(database, ann, "markdown", session["session_id"])
    assert shown.count(b"## User") == 20


def test_the_schema_says_what_the_code_says() -> None:
    schema = json.loads(document.schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    for name, part in (
        ("session", document.SessionPart),
        ("message", document.MessagePart),
        ("metadata", document.MetadataPart),
        ("source", document.SourcePart),
        ("file", document.FilePart),
    ):
        described = schema["$defs"][name]
        assert set(described["properties"]) == set(part.__struct_fields__)
        may_lack = {"documents", "sources"} & set(part.__struct_fields__)  # exports of before have none
        assert set(described["properties"]) - set(described["required"]) == may_lack
    assert set(document.METADATA_COLUMNS) == set(document.MetadataPart.__struct_fields__)
