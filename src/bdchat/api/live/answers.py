"""The answers of one session, as one socket follows them. Event loop only; owned by the socket's task.

Two sources feed one cursor per answer: the bus, as things happen, and the log, from where the client stopped or where
the bus left a gap. The log is followed only until the bus carries on from it.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol

from bdchat.api.bus.interface import Message
from bdchat.api.durable.event_cursor import EventCursor
from bdchat.api.durable.numbering import event_id
from bdchat.api.durable.rows import from_data
from bdchat.api.generation.events import Batch, Ended, NumberedEvent, Reset, Started
from bdchat.api.http.errors import seconds_left
from bdchat.api.live.protocol import answer_frames, progress_frame
from bdchat.api.schemas.live import AiComplete, OutFrame
from bdchat.store.chats import generations
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database
from bdchat.store.tables import Generation


class Outlet(Protocol):
    """SocketConnection is one."""

    def send(self, frame: OutFrame) -> None: ...

    async def room(self) -> None: ...


class Log(Protocol):
    """DurableGenerations is one."""

    def follow(self, generation_id: str, after_id: int = 0) -> AsyncGenerator[Batch]: ...


@dataclass(slots=True)
class _Answer:
    generation_id: str
    message_id: str | None
    cursor: EventCursor = field(default_factory=EventCursor)
    following: asyncio.Task[None] | None = None
    is_over: bool = False  # its ai_complete was sent

    def stop_following(self) -> None:
        following, self.following = self.following, None
        if following is not None:
            following.cancel()


class LiveAnswers:
    """Law: of each answer the client gets, from the number it named, every event once, in order, and one end."""

    def __init__(self, connection: Outlet, log: Log, database: Database, session_id: str) -> None:
        self._connection = connection
        self._log = log
        self._database = database
        self._session_id = session_id
        self._answers: dict[str, _Answer] = {}
        self._is_live = False  # until it said hello a client gets no answers: it may know their beginning
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def resume(self, last: Mapping[str, int]) -> None:
        """hello: takes up the answers that the client names, and those that are running. A second one does nothing."""
        if self._is_live:
            return
        self._is_live = True  # from here the bus is heard; what the log says too, the cursors drop
        for generation_id, after_id in last.items():
            self._answers[generation_id] = _Answer(generation_id, None, EventCursor(after_id))
        found = dict(await self._database.read(lambda db: generations.of_session(db, self._session_id, named=last)))
        for generation_id in last.keys() - found.keys():  # of another session, or of nobody: it does not exist here
            self._answers.pop(generation_id).stop_following()
        for generation_id, message_id in found.items():
            answer = self._answer(generation_id, message_id)
            if not answer.is_over:
                self._follow(answer)

    def take_up(self, generation_id: str, message_id: str | None) -> None:
        """An answer of this session that the client has asked for again."""
        answer = self._answer(generation_id, message_id)
        if not answer.is_over:
            self._follow(answer)

    def hear(self, message: Message) -> None:
        """A generation.* message of the bus."""
        if not self._is_live:
            return
        answer = self._answer(message["generation_id"], message.get("message_id"))
        if answer.is_over:
            return
        if message["type"] == "generation.event":
            self._hear_event(answer, message)
        elif message["type"] == "generation.ended":
            self._hear_end(answer, message)
        elif (frame := progress_frame(message)) is not None:
            self._connection.send(frame)

    def catch_up(self) -> None:
        """The bus may have forgotten something."""
        for answer in self._answers.values():
            if not answer.is_over:
                self._follow(answer)

    async def watch(self) -> None:
        """Ends only by raising what broke the reading of a log."""
        await self._broken

    def close(self) -> None:
        for answer in self._answers.values():
            answer.stop_following()

    # --- the bus ------------------------------------------------------------------------------------------------------

    def _hear_event(self, answer: _Answer, message: Message) -> None:
        event = from_data(answer.generation_id, message["kind"], message)
        taken = answer.cursor.take([(message["seq"], event)])
        if answer.cursor.is_behind:
            self._follow(answer)
            return
        answer.stop_following()  # from here on the bus is enough
        self._send(answer, taken)

    def _hear_end(self, answer: _Answer, message: Message) -> None:
        answer.cursor.take([(message["seq"], Ended())])
        if answer.cursor.is_behind:
            self._follow(answer)
            return
        answer.stop_following()
        self._complete(
            answer,
            state=message["state"],
            finish_reason=message.get("finish_reason"),
            usage=message.get("usage"),
            failure=message,
        )

    # --- the log ------------------------------------------------------------------------------------------------------

    def _follow(self, answer: _Answer) -> None:
        if answer.following is None:
            answer.following = asyncio.create_task(self._read_log(answer), name=f"follow {answer.generation_id}")
            answer.following.add_done_callback(self._check)

    def _check(self, following: "asyncio.Task[None]") -> None:
        if not following.cancelled() and (error := following.exception()) is not None and not self._broken.done():
            self._broken.set_exception(error)

    async def _read_log(self, answer: _Answer) -> None:
        try:
            async with aclosing(self._log.follow(answer.generation_id, answer.cursor.last_id)) as batches:
                async for batch in batches:
                    await self._connection.room()
                    if answer.cursor.last_id == 0 and isinstance(batch.events[0], Reset):
                        self._begin(answer, await self._row(answer), before_id=batch.first_id)
                    # no await in between: the bus must not come first
                    self._send(answer, answer.cursor.take(batch.numbered()))
                    if batch.is_last:
                        break
            row = await self._row(answer)
        except NotFound:  # deleted meanwhile, with its session or by itself
            row = None
        answer.following = None
        if row is not None and row.state != generations.RUNNING:
            self._complete_from(answer, row)

    def _complete_from(self, answer: _Answer, row: Generation) -> None:
        """The log is at its end, or it was purged and only the text is left."""
        last_id = event_id(row.num_resumes, row.last_seq)
        if answer.cursor.last_id < last_id:
            if answer.cursor.last_id == 0:
                self._begin(answer, row, before_id=last_id)
            answer.cursor = EventCursor(last_id)
            self._send(answer, [(last_id, Reset(text=row.content))])
        self._complete(answer, state=row.state, finish_reason=row.finish_reason, usage=row.usage, failure=row.error)

    async def _row(self, answer: _Answer) -> Generation:
        """Raises NotFound."""
        return await self._database.read(lambda db: generations.get(db, answer.generation_id))

    # --- to the client ------------------------------------------------------------------------------------------------

    def _answer(self, generation_id: str, message_id: str | None) -> _Answer:
        answer = self._answers.get(generation_id)
        if answer is None:
            answer = self._answers[generation_id] = _Answer(generation_id, message_id)
        answer.message_id = answer.message_id or message_id
        return answer

    def _send(self, answer: _Answer, events: Iterable[NumberedEvent]) -> None:
        for frame in answer_frames(answer.generation_id, answer.message_id, events):
            self._connection.send(frame)

    def _begin(self, answer: _Answer, row: Generation, *, before_id: int) -> None:
        """For who has not seen the event "started", which the log has no more."""
        self._send(answer, [(before_id - 1, Started(prefix=row.prefix, model=row.model))])

    def _complete(
        self,
        answer: _Answer,
        *,
        state: str,
        finish_reason: str | None,
        usage: dict[str, Any] | None,
        failure: Mapping[str, Any],
    ) -> None:
        """`failure`: what a "failed" event has, beside whatever else."""
        answer.is_over = True
        self._connection.send(
            AiComplete(
                generation_id=answer.generation_id,
                message_id=answer.message_id,
                seq=answer.cursor.last_id,
                state=state,
                finish_reason=finish_reason,
                usage=usage or {},
                error=failure.get("error"),
                retry_after_s=seconds_left(failure.get("retry_at_ms")),
            )
        )
