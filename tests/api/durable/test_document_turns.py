"""Documents asked in a chat: what a question brings, that it stays, and that the prompt only grows."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from sqlmodel import Session, col, select

from bdchat.api.documents.questions import DocumentQuestions
from bdchat.api.durable.service import DurableGenerations, StartedGeneration
from bdchat.api.generation.latency import LatencyMeter
from bdchat.api.generation.service import GenerationService
from bdchat.engine.request import ChatPrompt
from bdchat.settings import DocumentSettings, Settings
from bdchat.store.document_tables import Document, DocumentPage, MessageSource, Passage
from bdchat.store.documents import attachments, sources
from bdchat.store.documents import documents as rows
from bdchat.store.documents.scope import Scope
from bdchat.store.documents.search import FoundPassage, FoundPassages
from bdchat.store.errors import NotFound
from bdchat.store.tables import SessionConfig
from tests.api.durable_chat import Chat, chatting
from tests.fake_engine import FakeEngine, fake_router, prompt_text
from tests.store.document_rows import read_file

pytestmark = pytest.mark.anyio
NOTE = ("The rent is 500 a month.", "The deposit is 1000.")
BOOK = tuple(f"Chapter {number} tells of subject{number} at length." for number in range(1, 9))


@dataclass
class WordFinder:
    """A passage for each word that is in the query."""

    words: dict[str, FoundPassage]
    queries: list[str] = field(default_factory=list)

    async def find(self, scope: Scope, query: str, /, *, limit: int) -> FoundPassages:
        self.queries.append(query)
        return FoundPassages(
            [hit for word, hit in self.words.items() if word in query][:limit], "words", ["no_embedder"]
        )


@dataclass
class DocumentChat:
    chat: Chat
    durable: DurableGenerations
    engine: FakeEngine
    finder: WordFinder

    async def ask(self, *contents: str, **more: Any) -> StartedGeneration:
        started = await self.durable.begin(self.chat.me, self.chat.asking(*contents, **more))
        await self.end_of(started)
        return started

    async def end_of(self, started: StartedGeneration) -> None:
        async with aclosing(self.durable.follow(started.generation_id)) as batches:
            async for _ in batches:
                pass

    @property
    def prompts(self) -> list[str]:
        return [prompt_text(request.prompt) for request in self.engine.requests]

    async def sources_of(self, started: StartedGeneration) -> list[MessageSource]:
        return await self.chat.app.database.read(lambda db: sources.of_message(db, str(started.user_message_id)))

    async def attach(self, *document_ids: str, user_id: str | None = None) -> None:
        def put(db: Session) -> None:
            who, session_id = user_id or self.chat.me.user_id, self.chat.session_id
            attachments.set_of_chat(db, who, session_id, document_ids=document_ids, collection_ids=(), most=50)

        await self.chat.app.database.write(put)


@asynccontextmanager
async def server(chat: Chat, engine: FakeEngine, finder: WordFinder, **settings: Any) -> AsyncGenerator[DocumentChat]:
    """Over the chat's database, with documents."""
    service = GenerationService(LatencyMeter())
    app = chat.app
    questions = DocumentQuestions(DocumentSettings(**settings), app.database, finder)
    durable = DurableGenerations(
        Settings(),
        database=app.database,
        bus=app.bus,
        writes=app.writes,
        router=fake_router(engine),
        service=service,
        questions=questions,
    )
    await durable.start()
    try:
        yield DocumentChat(chat, durable, engine, finder)
    finally:
        await service.drain(timeout_s=0)
        await durable.aclose()


async def hits_in(chat: Chat, document: Document) -> list[FoundPassage]:
    """A passage of each page."""

    def read(db: Session) -> list[FoundPassage]:
        query = select(Passage, DocumentPage).where(
            Passage.document_id == document.document_id,
            DocumentPage.document_id == document.document_id,
            DocumentPage.number == Passage.page,
        )
        found = db.exec(query.order_by(col(Passage.page))).all()
        return [
            FoundPassage(
                passage_id=passage.passage_id or 0,
                document_id=document.document_id,
                document_name=document.name,
                page=passage.page,
                label="",
                start=passage.start,
                end=passage.end,
                text=page.text[passage.start : passage.end],
                heading=passage.heading,
                header=passage.header,
                num_tokens=passage.num_tokens,
                score=1.0,
                lexical=1.0,
                similarity=None,
            )
            for passage, page in found
        ]

    return await chat.app.database.read(read)


@asynccontextmanager
async def asking(n_ctx: int = 100_000, **settings: Any) -> AsyncGenerator[tuple[DocumentChat, str, str]]:
    """With a note of two pages, which goes in whole, and a book, which is searched: their ids."""
    engine = FakeEngine(n_ctx=n_ctx)
    async with chatting(engine) as chat:
        note = await read_file(chat.app.database, chat.me.user_id, *NOTE, name="note.txt")
        book = await read_file(chat.app.database, chat.me.user_id, *BOOK, name="book.txt")
        words = {f"subject{hit.page}": hit for hit in await hits_in(chat, book)}
        settings = {"whole_file_tokens": 20} | settings
        async with server(chat, engine, WordFinder(words), **settings) as documents:
            yield documents, note.document_id, book.document_id


def places(rows: Sequence[MessageSource]) -> list[tuple[int, str, int, bool]]:
    return [(row.number, row.document_name, row.page, row.is_whole) for row in rows]


async def test_small_files_are_whole_and_of_larger_ones_passages_come() -> None:
    async with asking() as (documents, note, book):
        await documents.attach(note, book)
        started = await documents.ask("What of subject5 and subject2?")
        rows = await documents.sources_of(started)
        assert places(rows) == [
            (1, "note.txt", 1, True),
            (2, "note.txt", 2, True),
            (3, "book.txt", 2, False),
            (4, "book.txt", 5, False),
        ]
        (prompt,) = documents.prompts
        assert [NOTE[0] in prompt, BOOK[4] in prompt, BOOK[0] in prompt] == [True, True, False]
        assert prompt.endswith("What of subject5 and subject2?")
        message = await documents.chat.message(started.user_message_id)
        assert message.content == "What of subject5 and subject2?"  # the words alone
        wire = (await documents.chat.row(started)).wire
        assert wire["documents"] == {"searched": "words", "notes": ["no_embedder"]}


async def test_a_follow_up_adds_only_what_is_new_at_the_end() -> None:
    async with asking() as (documents, note, book):
        await documents.attach(note, book)
        await documents.ask("What of subject5?")
        second = await documents.ask("What of subject5 and subject1 together?")
        third = await documents.ask("And what of subject5 alone, in other words?")
        assert places(await documents.sources_of(second)) == [(4, "book.txt", 1, False)]
        assert await documents.sources_of(third) == []
        first_prompt, second_prompt, third_prompt = documents.prompts
        assert second_prompt.startswith(first_prompt)
        assert third_prompt.startswith(second_prompt)
        assert third_prompt.count("are data from documents") == 1
        assert third_prompt.count(BOOK[4]) == 1


async def test_every_later_prompt_has_the_same_bytes() -> None:
    """Regenerated, continued after the file was deleted, and by another server."""
    async with asking() as (documents, note, book):
        await documents.attach(note, book)
        started = await documents.ask("What of subject5?")
        await documents.attach()
        again = await documents.durable.regenerate(documents.chat.me, str(started.message_id))
        await documents.end_of(again)
        assert documents.prompts[1] == documents.prompts[0]
        assert (await documents.chat.row(again)).message_id != started.message_id
        async with server(documents.chat, FakeEngine(n_ctx=100_000), documents.finder) as other:
            await other.ask("Thanks!")
            assert other.prompts[0].startswith(documents.prompts[0])


async def test_a_server_that_takes_an_answer_over_makes_the_same_prompt() -> None:
    never = asyncio.Event()
    async with asking() as (documents, note, book):
        await documents.attach(note, book)
        await documents.ask("What of subject5?")
        documents.engine.token_gate = never.wait
        started = await documents.durable.begin(documents.chat.me, documents.chat.asking("And subject1, what of it?"))
        await documents.durable.aclose()
        await documents.attach()  # nothing of it is needed any more
        async with server(documents.chat, FakeEngine(n_ctx=100_000), documents.finder) as other:
            await other.end_of(started)
            assert other.prompts == [documents.prompts[1]]


async def test_a_branch_brings_its_own() -> None:
    async with asking() as (documents, _, book):
        await documents.attach(book)
        started = await documents.ask("What of subject5?")
        edited = await documents.durable.edit(documents.chat.me, str(started.user_message_id), "What of subject6?")
        await documents.end_of(edited)
        assert places(await documents.sources_of(edited)) == [(1, "book.txt", 6, False)]
        assert BOOK[4] not in documents.prompts[1]


async def test_what_was_dropped_may_come_again() -> None:
    async with asking(n_ctx=3200, prompt_share=0.9) as (documents, _, book):
        await documents.attach(book)
        await documents.ask("What of subject5?")
        await documents.ask("x" * 1300)
        last = await documents.ask("What of subject5, once more, and " + "y" * 1100)
        assert places(await documents.sources_of(last)) == [(2, "book.txt", 5, False)]
        prompt = documents.prompts[-1]
        assert prompt.count(BOOK[4]) == 1
        assert "are data from documents" in prompt  # the order stands in the first block that is left
        assert (await documents.chat.row(last)).wire["num_dropped_messages"] > 0


async def test_a_chat_that_drops_nothing_takes_what_fits() -> None:
    async with asking(n_ctx=2400, prompt_share=0.9) as (documents, _, book):
        session_id = documents.chat.session_id
        config = SessionConfig(session_id=session_id, context_overflow="error")
        await documents.chat.app.database.write(lambda db: db.merge(config))
        await documents.attach(book)
        words = " ".join(f"subject{number}" for number in range(1, 9))
        started = await documents.ask(words)
        assert 1 <= len(await documents.sources_of(started)) < 8
        assert len(documents.prompts[0].encode()) < 2400


async def test_a_request_names_documents_and_brings_texts() -> None:
    async with asking() as (documents, note, _):
        text = {"title": "memo", "text": "The code is 42."}
        first = await documents.ask("What is the code?", documents=[note, text])
        assert places(await documents.sources_of(first)) == [
            (1, "memo", 1, True),
            (2, "note.txt", 1, True),
            (3, "note.txt", 2, True),
        ]
        second = await documents.ask("And the code?", documents=[note, text])
        assert await documents.sources_of(second) == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"documents": ["nothing"]}, "documents[0]"),
        ({"metadata": {"document_ids": "nothing"}}, "metadata.document_ids"),
        ({"metadata": {"collection_ids": "nothing"}}, "metadata.collection_ids"),
    ],
)
async def test_what_is_not_theirs_is_not_there(fields: dict[str, Any], param: str) -> None:
    async with asking() as (documents, _, _):
        with pytest.raises(NotFound) as refused:
            await documents.ask("What?", **fields)
        assert refused.value.param == param
        assert documents.engine.requests == []


async def test_outside_of_chats_the_answer_keeps_what_it_was_given() -> None:
    async with asking() as (documents, note, _):
        body = documents.chat.asking("What is the rent?", documents=[note])
        body = body.model_copy(update={"metadata": None})
        started = await documents.durable.begin(documents.chat.me, body)
        await documents.end_of(started)
        row = await documents.chat.row(started)
        assert [source["text"].strip() for source in row.wire["sources"]] == list(NOTE)
        prompt = documents.engine.requests[0].prompt
        assert isinstance(prompt, ChatPrompt)
        assert prompt.messages[-1].content.endswith("What is the rent?")


async def test_a_short_follow_up_is_searched_with_the_question_before() -> None:
    async with asking() as (documents, _, book):
        await documents.attach(book)
        await documents.ask("What does the book tell of subject5?")
        await documents.ask("And why?")
        assert documents.finder.queries[-1] == "And why?\nWhat does the book tell of subject5?"


async def test_what_is_deleted_for_good_leaves_the_kv_states_of_chats_that_were_told_of_it() -> None:
    async with asking() as (documents, note, book):
        await documents.attach(note)
        await documents.ask("What is the rent?")
        app, user_id = documents.chat.app, documents.chat.me.user_id

        async def forgotten_by_purging(document_id: str) -> list[str]:
            await app.database.write(lambda db: rows.delete(db, rows.get_owned(db, document_id, user_id)))
            await app.documents.purge(document_id)
            return [tag for engine in app.engine_router.engines.values() for tag in cast(FakeEngine, engine).forgotten]

        assert await forgotten_by_purging(book) == []
        assert await forgotten_by_purging(note) == [documents.chat.session_id]
