"""The service for stored answers: begin, edit, regenerate, continue, stop, follow. Event loop only.

An answer belongs to the server. Its message is committed before anything is computed, its events are numbered and
logged (recorder.py), readers come and go (reader.py), and a server that finds it abandoned resumes it (recovery.py).
 Whoever asks is checked here: what is not theirs is NotFound. Who has no account stores outside
chats, under the empty user id, which all who come without one share.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bdchat.api.bus.interface import Bus
from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.citations.passage import PassagesOf
from bdchat.api.documents.chat_sources import ChatPlace, asked_before, passages_of
from bdchat.api.documents.questions import DocumentQuestions
from bdchat.api.durable.context import Turn
from bdchat.api.durable.plans import NewResponse, Plans, PreparedGeneration
from bdchat.api.durable.recorded_run import RecordedRun
from bdchat.api.durable.runs import CLOSE_TIMEOUT_S, RecordedRuns
from bdchat.api.generation.events import Batch, LogEvent
from bdchat.api.generation.service import GenerationService
from bdchat.api.http.errors import Forbidden
from bdchat.api.http.identity import Identity, check_scope
from bdchat.api.http.parsing import validate
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import ChatMessage, Priority
from bdchat.engine.router import Router
from bdchat.settings import LimitSettings, Settings
from bdchat.store.chats import answers, generation_rows, generations, messages
from bdchat.store.chats.answers import AlreadySent, WrittenAnswer
from bdchat.store.chats.generation_rows import GenerationRow
from bdchat.store.db import Db
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import new_id
from bdchat.store.sql.database import Database
from bdchat.store.tables import Generation, Message

log = logging.getLogger(__name__)

GIVEN_BY_THE_SERVER = frozenset({"messages", "store", "metadata", "stream", "stream_options", "n"})


@dataclass(frozen=True, slots=True)
class StartedGeneration:
    """`generation_id` is "" when only a message was written."""

    generation_id: str
    session_id: str | None
    message_id: str | None  # the answer's message
    user_message_id: str | None
    is_new: bool  # False: the same client_message_id was sent before


class DurableGenerations:
    """`start` once the database and the bus are there, `aclose` after GenerationService.drain."""

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        bus: Bus,
        writes: Writes,
        router: Router,
        service: GenerationService,
        questions: DocumentQuestions | None = None,
        on_end: Callable[[WrittenAnswer], None] = lambda _: None,
    ) -> None:
        """`on_end` hears of every end that was stored."""
        self.server_id = new_id()  # of this process: who holds the leases
        self._limits = settings.limits
        self._database = database
        self._writes = writes
        lease_ms = round(settings.generations.lease_s * 1000)
        self._beginning: set[asyncio.Task[StartedGeneration]] = set()
        self._plans = Plans(
            router, settings, questions=questions, server_id=self.server_id, lease_ms=lease_ms, admit=service.admit
        )
        self._runs = RecordedRuns(
            database=database,
            bus=bus,
            writes=writes,
            service=service,
            plans=self._plans,
            settings=settings.generations,
            server_id=self.server_id,
            on_end=on_end,
        )

    async def start(self) -> None:
        """Takes over what is unfinished. Raises StoreError."""
        await self._runs.start()

    async def aclose(self) -> None:
        """What still runs is suspended: it goes on at the next start, or on another server at once."""
        if self._beginning:
            _, late = await asyncio.wait(self._beginning, timeout=CLOSE_TIMEOUT_S)
            for task in late:
                task.cancel()
        await self._runs.aclose()

    # --- to begin -----------------------------------------------------------------------------------------------------

    async def begin(self, identity: Identity, body: ChatCompletionRequest) -> StartedGeneration:
        """Returns once the message is committed and the engine has accepted. Raises AccountLimitReached before anything
        is stored when the account's minute is used up, and what the engine refuses with: in a chat the message is
        stored then, and its answer "failed"; outside nothing is kept. The same client_message_id
        again is the same generation, or another one for the answer if that came to nothing."""
        check_scope(identity, "chat")  # here, so that neither a path nor a socket's frame uses the model without it
        return await self._finished(self._begin(identity, body.asked_by(identity)))

    async def begin_response(
        self, identity: Identity, body: ChatCompletionRequest, response: NewResponse
    ) -> StartedGeneration:
        """As `begin`, in no chat and under the response's own id."""
        check_scope(identity, "chat")

        async def begin() -> StartedGeneration:
            return await self._launch(await self._plans.outside(identity.user_id, body, response))

        return await self._finished(begin())

    async def edit(
        self,
        identity: Identity,
        message_id: str,
        content: str,
        *,
        client_message_id: str | None = None,
        params: Mapping[str, Any] = {},
        answers: bool = True,
    ) -> StartedGeneration:
        """A sibling that says `content`, and an answer to it. Raises NotFound, NotAllowed, Conflict."""
        if answers:
            check_scope(identity, "chat")
        body = self._body(params, content).asked_by(identity)
        return await self._finished(
            self._edit(identity, message_id, content, client_message_id, body if answers else None)
        )

    async def regenerate(
        self, identity: Identity, message_id: str, *, params: Mapping[str, Any] = {}
    ) -> StartedGeneration:
        """Another answer beside `message_id`. Raises NotFound, NotAllowed, Conflict."""
        check_scope(identity, "chat")
        return await self._finished(self._regenerate(identity, message_id, self._body(params).asked_by(identity)))

    async def go_on(self, identity: Identity, message_id: str) -> StartedGeneration:
        """The answer goes on where it was cut off. Raises NotFound, NotAllowed, Conflict."""
        check_scope(identity, "chat")
        return await self._finished(self._go_on(identity, message_id))

    async def stop(self, identity: Identity, generation_id: str) -> None:
        """Ends it; its text is kept. Returns when that is stored, where it runs here. One that has ended: nothing."""

        row = await self._database.read(lambda db: writable(db, identity, generation_id))
        if row.state == generations.RUNNING:
            await self._runs.stop(generation_id)

    async def stop_any(self, generation_id: str) -> None:
        """For an admin, who may: whoever's it is."""
        await self._runs.stop(generation_id)

    # --- to read ------------------------------------------------------------------------------------------------------

    def follow(self, generation_id: str, after_id: int = 0) -> AsyncGenerator[Batch]:
        """Events after `after_id`, to the last one. Asks nobody whose it is; `readable` does. Raises NotFound."""
        return self._runs.reader.follow(generation_id, after_id)

    def follow_committed(
        self, generation_id: str, after_seq: int = 0, *, is_hurried: bool = True
    ) -> AsyncGenerator[Sequence[LogEvent]]:
        """The same without what a crash could take back, numbered over all runs. Raises NotFound, EventsForgotten."""
        return self._runs.reader.follow_committed(generation_id, after_seq, is_hurried=is_hurried)

    async def seen(self, generation_id: str, last_id: int) -> Sequence[LogEvent]:
        """What comes before `follow` from there. Raises NotFound."""
        return await self._runs.reader.seen(generation_id, last_id)

    def running(self) -> list[RecordedRun]:
        """Those of this process, oldest first."""
        return self._runs.running()

    async def _finished(self, begin: Coroutine[Any, Any, StartedGeneration]) -> StartedGeneration:
        """What was begun is finished: who asked may leave, but half of it must not be done."""
        task = asyncio.create_task(begin, name="begin")
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_note_failure)
            raise

    # --- how they begin -----------------------------------------------------------------------------------------------

    async def _begin(self, identity: Identity, body: ChatCompletionRequest) -> StartedGeneration:
        session_id = body.stored_under("session_id")
        if session_id is None:
            for name in ("parent_id", "client_message_id"):
                if body.stored_under(name) is not None:
                    raise InvalidRequest(f"metadata.{name}", "needs metadata.session_id.")
            return await self._launch(await self._plans.outside(identity.user_id, body))
        user_id = user_id_of(identity)
        parent_id, client_id = body.stored_under("parent_id"), body.stored_under("client_message_id")
        while True:
            place = await self._database.read(
                lambda db: ChatPlace.at(
                    db, answers.place(db, user_id, session_id, parent_id=parent_id, client_message_id=client_id)
                )
            )
            try:
                if place.sent is not None:
                    return await self._answer_again(user_id, body, place, place.sent)
                return await self._launch(await self._plans.in_chat(user_id, body, place, None))
            except AlreadySent:
                continue  # by somebody who was faster: now it is found

    async def _answer_again(
        self, user_id: str, body: ChatCompletionRequest, place: ChatPlace, sent: Message
    ) -> StartedGeneration:
        """The message is there. Its answer may be, too; may have come to nothing; or was never asked for."""
        latest = await self._database.read(lambda db: generations.answer_to(db, sent.message_id))
        if latest is None:
            path, passages = await self._database.read(lambda db: _path_to(db, sent.message_id))
            place = replace(place, passages=passages)
            is_first = not passages.get(sent.message_id)
            turn = Turn(path, ())
            return await self._launch(await self._plans.in_chat(user_id, body, place, turn, is_first_answer=is_first))
        if latest.state in {"failed", "interrupted"} and not (latest.prefix or latest.content):
            return await self._run_again(user_id, latest, body.priority)
        return StartedGeneration(
            latest.generation_id, latest.session_id, latest.message_id, sent.message_id, is_new=False
        )

    async def _run_again(self, user_id: str, latest: Generation, priority: Priority) -> StartedGeneration:
        path, passages = await self._database.read(lambda db: asked_before(db, latest))
        prepared = self._plans.again(user_id, latest, path, passages, priority=priority)
        return await self._launch(prepared, path[-1].message_id if path else None)

    async def _edit(
        self,
        identity: Identity,
        message_id: str,
        content: str,
        client_message_id: str | None,
        body: ChatCompletionRequest | None,
    ) -> StartedGeneration:
        user_id = user_id_of(identity)
        while True:
            message, place = await self._beside(user_id, message_id, client_message_id)
            try:
                if body is None:
                    return await self._write_beside(user_id, message, content, client_message_id)
                if message.role != "user":
                    raise Conflict("Only the user's messages are answered.", param="answers")
                under = {"session_id": message.session_id, "client_message_id": client_message_id or ""}
                body = body.model_copy(update={"metadata": {name: v for name, v in under.items() if v}})
                if place.sent is not None:
                    return await self._answer_again(user_id, body, place, place.sent)
                turn = Turn(place.path, (ChatMessage(role="user", content=content),))
                return await self._launch(await self._plans.in_chat(user_id, body, place, turn))
            except AlreadySent:
                continue

    async def _write_beside(
        self, user_id: str, message: Message, content: str, client_message_id: str | None
    ) -> StartedGeneration:
        new = answers.NewSibling(user_id, message, content, client_message_id, new_id())

        def write(db: Db, news: News) -> Message:
            written, audience = answers.write_beside(db, new)
            if written.message_id == new.message_id:
                news.message(written)
                news.session_changed(audience)
            return written

        written = await self._writes.run(write)
        is_new = written.message_id == new.message_id
        return StartedGeneration("", written.session_id, None, written.message_id, is_new=is_new)

    async def _regenerate(self, identity: Identity, message_id: str, body: ChatCompletionRequest) -> StartedGeneration:
        user_id = user_id_of(identity)
        message, place = await self._beside(user_id, message_id)
        if message.role != "assistant":
            raise Conflict("Only an answer can be made again.", param="message_id")
        body = body.model_copy(update={"metadata": {"session_id": message.session_id}})
        prepared = await self._plans.in_chat(user_id, body, place, Turn(place.path, ()))
        return await self._launch(prepared, message.parent_id)

    async def _go_on(self, identity: Identity, message_id: str) -> StartedGeneration:
        user_id = user_id_of(identity)

        def read(db: Db) -> tuple[Message, Generation | None, bool]:
            message = answers.own_message(db, user_id, message_id)
            return message, generations.latest_of(db, message_id), answers.is_leaf(db, message)

        message, latest, is_leaf = await self._database.read(read)
        if message.role != "assistant" or latest is None:
            raise Conflict(
                "How this message was made is not known here: it cannot be continued.",
                code="cannot_continue",
                param="message_id",
            )
        if message.status == generations.RUNNING:
            raise Conflict("The answer is still being written.", code="still_writing", param="message_id")
        if message.status == "complete" and message.finish_reason != "length":
            raise Conflict("The answer is complete.", code="answer_complete", param="message_id")
        if not is_leaf:
            raise Conflict(
                "Something was written below it: it cannot grow any more.", code="has_followers", param="message_id"
            )
        try:
            priority = Priority.BATCH if identity.is_bulk else Priority.INTERACTIVE
            return await self._run_again(user_id, latest, priority)
        except AlreadySent as error:
            raise Conflict("The answer is still being written.", code="still_writing", param="message_id") from error

    async def _beside(
        self, user_id: str, message_id: str, client_message_id: str | None = None
    ) -> tuple[Message, ChatPlace]:
        def read(db: Db) -> tuple[Message, ChatPlace]:
            message = answers.own_message(db, user_id, message_id)
            place = answers.place_beside(db, user_id, message, client_message_id=client_message_id)
            return message, ChatPlace.at(db, place)

        return await self._database.read(read)

    def _body(self, params: Mapping[str, Any], content: str = "") -> ChatCompletionRequest:
        """Raises InvalidRequest."""
        return request_of(params, content, self._limits)

    async def _launch(self, prepared: PreparedGeneration, user_message_id: str | None = None) -> StartedGeneration:
        """Raises AlreadySent, StoreError, and what the engine refuses with."""
        begun = await self._runs.launch(prepared)
        row = prepared.plan.row
        said = [message.message_id for message in begun.messages if message.role == "user"]
        user_message_id = said[-1] if said else user_message_id or prepared.new.parent_id
        return StartedGeneration(row.generation_id, row.session_id, row.message_id, user_message_id, is_new=True)


def request_of(
    params: Mapping[str, Any], content: str, limits: LimitSettings, *, metadata: Mapping[str, str] = {}
) -> ChatCompletionRequest:
    """What /v1/chat/completions would be asked: `params`, what a client may say of an answer, and where it belongs.
    Raises InvalidRequest."""
    for name in sorted(GIVEN_BY_THE_SERVER & params.keys()):
        raise InvalidRequest(f"params.{name}", "is not a parameter of an answer.")
    given = {"messages": [{"role": "user", "content": content}], "metadata": dict(metadata), "store": True}
    return validate(ChatCompletionRequest, {**params, **given}, limits)


def user_id_of(identity: Identity) -> str:
    """Of somebody who may use chats. Raises Forbidden."""
    if identity.is_guest:
        raise Forbidden("Chats belong to accounts: sign in, or use an account's API key.")
    check_scope(identity, "sessions")
    return identity.user_id


def readable(db: Db, identity: Identity, generation_id: str) -> Generation:
    """Raises NotFound: it is not there, not theirs, or in a chat and they may use none."""
    return _unless_hidden(identity, generations.get_readable(db, identity.user_id, generation_id))


def shown_to(db: Db, identity: Identity, generation_id: str) -> GenerationRow:
    """The same without what is long. Raises NotFound."""
    found = generation_rows.get_readable(db, identity.user_id, generation_id)
    _unless_hidden(identity, found.row)
    return found


def writable(db: Db, identity: Identity, generation_id: str) -> Generation:
    """For who may stop, change or delete it. Raises NotFound, NotAllowed."""
    return _unless_hidden(identity, generations.get_writable(db, identity.user_id, generation_id))


def _unless_hidden(identity: Identity, row: Generation) -> Generation:
    if row.session_id is not None and "sessions" not in identity.scopes:
        raise NotFound("completion", row.generation_id)
    return row


def _path_to(db: Db, message_id: str) -> tuple[list[Message], PassagesOf]:
    path = messages.ancestors(db, message_id)
    return path, passages_of(db, path)


def _note_failure(task: "asyncio.Task[StartedGeneration]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.info("an answer was refused after its client had gone: %s", error)
