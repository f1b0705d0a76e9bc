"""A user with a chat over a fake engine, and the service of stored answers behind it."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from sqlalchemy import literal_column
from sqlmodel import Session as Db
from sqlmodel import select

from bdchat.api.app import App
from bdchat.api.durable.rows import from_data, to_data
from bdchat.api.durable.service import StartedGeneration
from bdchat.api.generation.events import Batch, NumberedEvent
from bdchat.api.http.identity import ALL_SCOPES, Identity
from bdchat.api.http.parsing import validate
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.settings import Settings
from bdchat.store.chats import generations, messages
from bdchat.store.tables import ChatSession, Generation, Message
from tests.api.serving import in_process, opened
from tests.fake_engine import FakeEngine
from tests.store.chat_rows import make_user, talk

Told = tuple[int, str, dict[str, Any]]  # an event's number, kind and data, as it is stored


def told(batch: Batch) -> list[Told]:
    return [(number, *to_data(event)) for number, event in batch.numbered()]


def typed(events: Iterable[Told]) -> list[NumberedEvent]:
    return [(number, from_data("g", kind, data)) for number, kind, data in events]


class Chat:
    """A user with a chat, and the service behind it."""

    def __init__(self, app: App, user_id: str, session_id: str, message_ids: list[str]) -> None:
        self.app = app
        self.durable = app.durable
        self.me = Identity(user_id, "ada", "user", ALL_SCOPES)
        self.session_id = session_id
        self.message_ids = message_ids

    def asking(self, *contents: str, client_id: str | None = None, **fields: Any) -> ChatCompletionRequest:
        """What a client sends: `contents` by user and assistant in turn, so that the last is the user's."""
        roles = ("user", "assistant")
        given = [{"role": roles[(len(contents) - 1 - i) % 2], "content": text} for i, text in enumerate(contents)]
        metadata = {"session_id": self.session_id} | fields.pop("metadata", {})
        if client_id is not None:
            metadata["client_message_id"] = client_id
        body = {"messages": given, "store": True, "metadata": metadata, **fields}
        return validate(ChatCompletionRequest, body, self.app.settings.limits)

    async def ask(self, *contents: str, **more: Any) -> StartedGeneration:
        return await self.durable.begin(self.me, self.asking(*contents, **more))

    async def events(self, started: StartedGeneration, after_id: int = 0) -> list[Told]:
        async with aclosing(self.durable.follow(started.generation_id, after_id)) as batches:
            return [event async for batch in batches for event in told(batch)]

    async def message(self, message_id: str | None) -> Message:
        return await self.app.database.read(lambda db: messages.get(db, str(message_id)))

    async def row(self, started: StartedGeneration) -> Generation:
        return await self.app.database.read(lambda db: generations.get(db, started.generation_id))

    async def shown(self) -> list[str]:
        """The path to the head."""

        def read(db: Db) -> list[str]:
            session = db.get(ChatSession, self.session_id)
            assert session is not None
            return [message.content for message in messages.ancestors(db, str(session.head_message_id))]

        return await self.app.database.read(read)

    async def all_messages(self) -> list[Message]:
        """As they were written."""
        return await self.app.database.read(lambda db: list(db.exec(select(Message).order_by(literal_column("rowid")))))


@asynccontextmanager
async def chatting(
    engine: FakeEngine | None = None, *contents: str, settings: Settings | None = None
) -> AsyncGenerator[Chat]:
    async with in_process(engine or FakeEngine(), settings=settings) as client:
        app = await opened(client)
        user_id = await app.database.write(make_user)
        session_id, ids = await app.database.write(lambda db: talk(db, user_id, *contents))
        await app.durable.start()
        try:
            yield Chat(app, user_id, session_id, ids)
        finally:
            await app.generations.drain(timeout_s=0)
            await app.durable.aclose()


def text_of(events: list[Told]) -> str:
    """As a reader shows it."""
    text = ""
    for _, kind, data in events:
        text = data["text"] if kind == "reset" else text + data.get("text", "")
    return text
