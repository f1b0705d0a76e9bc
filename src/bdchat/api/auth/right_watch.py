"""Ends responses whose right has ended: a login, a membership or a link that is gone. Event loop only.

A request names what it rests on: who asks (an account, by a login or a key), chats, a shared link. Whatever ends one of
these says so on the bus, on one topic that every server hears, and each server ends its own responses: a stream, an
export, the wait for an answer. Never a request that has not begun to answer and does not wait: it was let in, and what
it writes is whole. What ends by time has a timer; what was changed past the servers (`bdchat user …`, a bus that forgot
something) is looked up every CHECK_S.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as ASGIMessage

from bdchat.api.auth.authenticator import Authenticator
from bdchat.api.bus.interface import GAP, RIGHTS_TOPIC, Bus, BusClosed, BusUnavailable, Message, SlowReader
from bdchat.api.http.errors import EdgeError, Unauthorized
from bdchat.api.http.identity import Identity, identity_of
from bdchat.store.chats import sessions
from bdchat.store.errors import NotFound, StoreError
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import ShareLink

log = logging.getLogger(__name__)

CHECK_S = 20.0
AGAIN_S = 1.0  # after the bus could not be heard
EVENT_STREAM = b"text/event-stream"


class Right:
    """One request's. Ends at most once; owned by its RightWatch."""

    def __init__(self, scope: Scope, identity: Identity | None, *, num_heard: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.scope = scope
        self.identity = identity
        self.session_ids: set[str] = set()
        self.link_id: str | None = None
        self.link_owner_id: str | None = None
        self.check_link: Callable[[], Awaitable[object]] | None = None
        self.expires_at_ms = identity.expires_at_ms if identity is not None else None
        self.num_heard = num_heard  # news, when it began
        self.end: Exception | None = None
        self.is_interruptible = False
        self.timer: asyncio.TimerHandle | None = None
        self._task = task

    def end_with(self, error: Exception) -> None:
        if self.end is None:
            self.end = error
            if self.is_interruptible:
                self._task.cancel()

    def let_interrupt(self) -> bool:
        """From here on its end interrupts it; False: it has ended already, and is interrupted now."""
        was_interruptible, self.is_interruptible = self.is_interruptible, True
        if self.end is not None and not was_interruptible:
            self._task.cancel()
        return self.end is None


class RightWatch:
    def __init__(self, bus: Bus, authenticator: Authenticator, database: Database) -> None:
        self._bus = bus
        self._authenticator = authenticator
        self._database = database
        self._open: set[Right] = set()
        self._checks: set[asyncio.Task[None]] = set()
        self._num_heard = 0

    async def run(self) -> None:
        """Until cancelled, or until the bus is closed."""
        checking = asyncio.create_task(self._check_now_and_then(), name="rights")
        try:
            while True:
                try:
                    await self._listen()
                except BusClosed:
                    return
                except (SlowReader, BusUnavailable):
                    await asyncio.sleep(AGAIN_S)
                    self._check_all()
        finally:
            checking.cancel()

    async def _listen(self) -> None:
        async with self._bus.subscribe(RIGHTS_TOPIC) as heard:
            async for _, message in heard:
                self.hear(message)

    def hear(self, message: Message) -> None:
        self._num_heard += 1
        if message["type"] == GAP:
            self._authenticator.forget_all()
            self._check_all()
        elif message["type"] == "right.ended":
            if message.get("user_id") and not message.get("session_id"):
                self._authenticator.forget(message["user_id"])
            for right in tuple(self._open):
                self._hear_of(right, message)

    def _hear_of(self, right: Right, message: Message) -> None:
        user_id, session_id, link_id = (message.get(name) for name in ("user_id", "session_id", "link_id"))
        identity = right.identity
        is_asker = identity is not None and identity.user_id == user_id
        if link_id is not None:
            if right.link_id == link_id:
                right.end_with(NotFound("link"))
        elif session_id is not None:
            if session_id in right.session_ids and (user_id is None or is_asker):
                right.end_with(NotFound("session", session_id))
        elif is_asker and identity is not None and means(message, identity):
            right.end_with(Unauthorized(was_given=True))
        elif user_id is not None and right.link_owner_id == user_id:
            self._check_soon(right)

    # --- requests -----------------------------------------------------------------------------------------------------

    def open(self, scope: Scope) -> Right:
        right = Right(scope, scope.get("state", {}).get("identity"), num_heard=self._num_heard)
        self._open.add(right)
        return right

    def close(self, right: Right) -> None:
        self._open.discard(right)
        if right.timer is not None:
            right.timer.cancel()

    def add(self, right: Right, *, session_id: str) -> None:
        right.session_ids.add(session_id)
        if right.num_heard != self._num_heard:  # perhaps of just this
            self._check_soon(right)

    def note_streaming(self, right: Right) -> bool:
        """Something of the response goes out, and more will come. False: it has ended."""
        if right.timer is None:
            self._arm(right)
        return right.let_interrupt()

    def _arm(self, right: Right) -> None:
        if right.expires_at_ms is not None:
            delay_s = max(0, right.expires_at_ms - now_ms()) / 1000 + 0.001
            right.timer = asyncio.get_running_loop().call_later(delay_s, self._check_soon, right)

    # --- looking up ---------------------------------------------------------------------------------------------------

    async def _check_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            self._check_all()

    def _check_all(self) -> None:
        for right in self._open:
            if right.is_interruptible:
                self._check_soon(right)

    def _check_soon(self, right: Right) -> None:
        task = asyncio.create_task(self._check(right), name="right")
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    async def _check(self, right: Right) -> None:
        try:
            await self._look_up(right)
        except (EdgeError, NotFound) as error:
            right.end_with(error)
        except StoreError as error:
            log.info("a right could not be looked up: %s", error)
        else:
            if right.timer is not None and right in self._open:
                right.timer.cancel()
                self._arm(right)

    async def _look_up(self, right: Right) -> None:
        """Raises EdgeError, StoreError."""
        identity = right.identity
        if right.check_link is not None:
            await right.check_link()
            return
        if identity is None or identity.is_guest:
            return
        now = await self._authenticator.resolve(right.scope)
        if now != identity:
            raise Unauthorized(was_given=True)
        right.expires_at_ms = now.expires_at_ms
        for session_id in tuple(right.session_ids):
            await self._database.read(
                lambda db, session_id=session_id: sessions.get_readable(db, identity.user_id, session_id)  # type: ignore[misc]
            )


class RightGuard:
    """Opens a Right for each request and ends the response with it. Inside CredentialGuard, which says who asks."""

    def __init__(self, app: ASGIApp, *, watch: RightWatch) -> None:
        self._app = app
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watch, right = self._watch, self._watch.open(scope)
        scope.setdefault("state", {})["right"] = right
        scope["state"]["right_watch"] = watch
        has_started = is_event_stream = False

        async def watched_send(message: ASGIMessage) -> None:
            nonlocal has_started, is_event_stream
            if message["type"] == "http.response.start":
                is_event_stream = any(
                    name == b"content-type" and value.startswith(EVENT_STREAM) for name, value in message["headers"]
                )
            # A stream may be silent for long before its first part.
            if (message.get("more_body") or (not has_started and is_event_stream)) and not watch.note_streaming(right):
                await asyncio.Event().wait()  # until the interruption comes
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if right.end is None or task is None or task.uncancel():
                raise  # not ours, or not ours alone
            if not has_started:
                raise right.end from None
            if is_event_stream:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                raise right.end from None  # the connection is closed: nobody must take the rest for complete
        finally:
            watch.close(right)


def means(message: Message, identity: Identity) -> bool:
    """Does the end of a right mean this login or key? One that names neither means all of the user's."""
    login_id, key_id = message.get("login_id"), message.get("key_id")
    if login_id is None and key_id is None:
        return True
    return (login_id is not None and login_id == identity.login_id) or (
        key_id is not None and key_id == identity.key_id
    )


def rests_on_session(request: Request, session_id: str | None) -> None:
    """Call before the answer begins. None: nothing more."""
    right: Right | None = request.scope.get("state", {}).get("right")
    if right is not None and session_id is not None:
        request.scope["state"]["right_watch"].add(right, session_id=session_id)


def rests_on_link(request: Request, link: ShareLink, owner_id: str, *, check: Callable[[], Awaitable[object]]) -> None:
    """`check` raises when the link opens nothing any more."""
    right: Right | None = request.scope.get("state", {}).get("right")
    if right is not None:
        right.link_id, right.link_owner_id, right.check_link = link.link_id, owner_id, check
        right.expires_at_ms = link.expires_at_ms
        request.scope["state"]["right_watch"].add(right, session_id=link.session_id)


@contextlib.contextmanager
def interruptible(request: Request) -> Iterator[None]:
    """For who only waits for an answer: the end of the right ends the wait, before the response has begun."""
    right: Right | None = request.scope.get("state", {}).get("right")
    if right is None or identity_of(request) is None:
        yield
        return
    right.let_interrupt()
    try:
        yield
    finally:
        right.is_interruptible = False
