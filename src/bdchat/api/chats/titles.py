"""Generates titles: after an answer in a chat that nobody named, the model is asked for a title. Event loop only.

It is asked while nobody else asks it anything, and gives way when somebody comes: an answer never waits for a title.
When there is no quiet moment, or the model's words are no title, the first words that the chat is called by stay
(store/chats/first_words.py). A title that the user gives meanwhile stands. What it costs is the user's usage; it is no
message.
"""

import asyncio
import contextlib
import logging
import time
import uuid
from contextlib import aclosing
from dataclasses import dataclass

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.chats.title_text import (
    ANSWER_CHARS_READ,
    MAX_TITLE_TOKENS,
    title_prompt,
    usable_title,
    without_thought,
)
from bdchat.api.generation.run import Run
from bdchat.api.generation.service import GenerationService
from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineError
from bdchat.engine.request import ChatPrompt, Delta, Finished, FinishReason, GenerationRequest, Priority, SamplingParams
from bdchat.engine.router import Router
from bdchat.settings import GenerationSettings
from bdchat.store.chats import messages, sessions
from bdchat.store.chats.answers import WrittenAnswer
from bdchat.store.db import Db
from bdchat.store.errors import NotFound, StoreError
from bdchat.store.sql.database import Database
from bdchat.store.tables import ChatSession

log = logging.getLogger(__name__)

MAX_WAITING = 256  # chats; one more gets its title after its next answer
PATIENCE_S = 60.0  # for a quiet moment, per title
POLL_S = 0.05  # engines do not tell when they have become idle
ANSWERED = frozenset({"complete", "stopped"})


@dataclass(frozen=True, slots=True)
class Untitled:
    session_id: str
    message_id: str  # the answer's
    user_id: str  # who asked
    model: str


class Titles:
    """Call `consider` when a stored answer has ended; `run` is a task of the application's lifespan."""

    def __init__(
        self,
        settings: GenerationSettings,
        database: Database,
        writes: Writes,
        router: Router,
        service: GenerationService,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._makes_titles = settings.makes_titles
        self._database = database
        self._writes = writes
        self._router = router
        self._service = service
        self._patience_s = patience_s
        self._waiting: dict[str, Untitled] = {}  # by session, the first come first
        self._has_work = asyncio.Event()

    def consider(self, ended: WrittenAnswer) -> None:
        """Costs nothing: the answer's reader is still waiting for its last event."""
        session, generation = ended.session, ended.generation
        if not self._makes_titles or session is None or session.title_source or session.deleted_at_ms is not None:
            return
        if generation.state not in ANSWERED or generation.message_id is None or len(self._waiting) >= MAX_WAITING:
            return
        self._waiting.setdefault(
            session.session_id,
            Untitled(session.session_id, generation.message_id, generation.user_id, generation.model),
        )
        self._has_work.set()

    async def run(self) -> None:
        """Until cancelled; one title at a time."""
        while True:
            await self._has_work.wait()
            while self._waiting:
                untitled = next(iter(self._waiting.values()))
                try:
                    await self._give_title(untitled)
                except StoreError as error:  # it has another chance after its next answer
                    log.warning("a chat got no title: %s", error, extra={"session_id": untitled.session_id})
                except Exception:
                    log.exception("a title broke", extra={"session_id": untitled.session_id})
                del self._waiting[untitled.session_id]
            self._has_work.clear()

    async def _give_title(self, untitled: Untitled) -> None:
        try:
            question, answer = await self._database.read(lambda db: _turn(db, untitled))
        except NotFound:
            return
        title = await self._ask_in_peace(untitled, question, answer)
        await self._writes.run(lambda db, news: _put(db, news, untitled.session_id, title, question))

    # --- the model ----------------------------------------------------------------------------------------------------

    async def _ask_in_peace(self, untitled: Untitled, question: str, answer: str) -> str | None:
        """None: no quiet moment, no model, or no title."""
        deadline = time.monotonic() + self._patience_s
        while time.monotonic() < deadline:
            try:
                engine = self._router.engine_for(untitled.model)
                if engine.state == "failed" or self._service.is_draining:
                    return None
                if engine.state == "ready" and not engine.num_in_flight:
                    said = await self._ask(engine, untitled, question, answer)
                    if said is not None:
                        return usable_title(*said, question, answer)
            except EngineError as error:
                log.info("the model gave no title: %s", error, extra={"session_id": untitled.session_id})
                return None
            await asyncio.sleep(POLL_S)
        return None

    async def _ask(
        self, engine: Engine, untitled: Untitled, question: str, answer: str
    ) -> tuple[str, FinishReason] | None:
        """What it says. None: it gave way to somebody."""
        request = GenerationRequest(
            request_id=f"title-{uuid.uuid4().hex}",
            prompt=ChatPrompt(
                messages=title_prompt(question, answer),
                template_kwargs={"enable_thinking": False, "thinking": False},
                closes_thought=True,
            ),
            sampling=SamplingParams(temperature=0.0, max_tokens=MAX_TITLE_TOKENS, stop=("\n",)),
            user=untitled.user_id,
            priority=Priority.BATCH,
        )
        self._service.admit(untitled.user_id)
        generation = self._service.start(engine, request, user_id=untitled.user_id)
        giving_way = asyncio.create_task(_give_way(engine, generation), name="title gives way")
        texts: list[str] = []
        reason: FinishReason | None = None
        try:
            async with aclosing(generation.follow(at_end=True)) as batches:
                async for batch in batches:
                    texts += [event.text for event in batch if isinstance(event, Delta)]
                    reason = next((event.reason for event in batch if isinstance(event, Finished)), reason)
        finally:
            generation.cancel()
            giving_way.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await giving_way
        if reason is None or reason is FinishReason.CANCELLED:
            return None
        return "".join(texts), reason


async def _give_way(engine: Engine, title: Run) -> None:
    while not title.is_ended:
        if engine.num_in_flight > 1:
            title.stop()
            return
        await asyncio.sleep(POLL_S)


def _turn(db: Db, untitled: Untitled) -> tuple[str, str]:
    """(what the user said, what was answered after the thoughts). Raises NotFound."""
    answer = messages.get(db, untitled.message_id)
    question = messages.get(db, answer.parent_id) if answer.parent_id is not None else answer
    if question is answer:
        return question.content, ""
    return question.content, without_thought(answer.content[:ANSWER_CHARS_READ]).strip()


def _put(db: Db, news: News, session_id: str, title: str | None, question: str) -> None:
    """Unless it has one meanwhile, or is gone. `title` None: what it is called stays; by `question`, if by nothing."""
    session = db.get(ChatSession, session_id)
    if session is None or session.title_source or session.deleted_at_ms is not None:
        return
    if title is None:
        sessions.name_by(db, session, question)
        title = session.title
    if not title:
        return
    sessions.change(db, session, {"title": title}, title_source="auto")
    news.session_changed(sessions.audience(db, session))
