"""Admission of sockets: authentication, sockets per user, expiry of the credential. Event loop only.

By cookie or Bearer, known before the socket is accepted; else by its first message.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from starlette.websockets import WebSocket

from bdchat.api.auth.authenticator import Authenticator
from bdchat.api.bus.interface import Bus
from bdchat.api.http.errors import EdgeError, TooManyAttempts
from bdchat.api.http.identity import Identity, identity_of
from bdchat.api.live.connection import CloseCode, SocketClosed, SocketConnection, Timing
from bdchat.api.schemas.live import Auth, InFrame, parse_frame
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import LimitSettings
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database

SAY_WHO = 'the first message must be {"type":"auth","token":"…"}'
SOME_TIME_S = 3600.0  # between two looks at a credential without an end
MAX_LINES = 100  # of one user: tabs, devices, programs


class OpenSockets:
    """How many sockets each user has open here."""

    def __init__(self) -> None:
        self._num_by_user: Counter[str] = Counter()

    @property
    def num_users(self) -> int:
        return len(self._num_by_user)

    @property
    def num_sockets(self) -> int:
        return self._num_by_user.total()

    @contextlib.contextmanager
    def another(self, user_id: str) -> Iterator[None]:
        """Raises SocketClosed."""
        if self._num_by_user[user_id] >= MAX_LINES:
            raise SocketClosed(CloseCode.TOO_MANY, f"{MAX_LINES} sockets are open already")
        self._num_by_user[user_id] += 1
        try:
            yield
        finally:
            self._num_by_user[user_id] -= 1
            if not self._num_by_user[user_id]:
                del self._num_by_user[user_id]


@dataclass(frozen=True, slots=True)
class LiveParts:
    """What every socket needs of the application."""

    database: Database
    bus: Bus
    authenticator: Authenticator
    limits: LimitSettings
    server_id: str  # of this process
    timing: Timing = field(default_factory=Timing)
    open_sockets: OpenSockets = field(default_factory=OpenSockets)


@dataclass(slots=True)
class _Expiry:
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    identity: Identity
    _resolve: Callable[[], Awaitable[Identity | None]]
    _expiry: _Expiry = field(default_factory=_Expiry)

    async def check(self) -> None:
        """Raises SocketClosed when the credential is no longer good, or means somebody else."""
        try:
            now = await self._resolve()
        except EdgeError:
            now = None
        if now is None or now != self.identity:
            raise SocketClosed(CloseCode.AUTH_ENDED, "the login has ended")
        self._expiry.at_ms = now.expires_at_ms

    async def until_expired(self) -> None:
        """Raises SocketClosed when its time is over; a login that is used meanwhile gets more."""
        while True:
            at_ms = self._expiry.at_ms
            await asyncio.sleep(SOME_TIME_S if at_ms is None else max(0, at_ms - now_ms()) / 1000 + 0.001)
            if at_ms is not None and now_ms() >= at_ms:
                await self.check()


async def admit(connection: SocketConnection, websocket: WebSocket, parts: LiveParts) -> Admission:
    """For an accepted socket. Nothing else is answered before. Raises SocketClosed, WebSocketDisconnect."""
    authenticator = parts.authenticator
    identity = identity_of(websocket)
    if identity is not None and not identity.is_guest:
        return _with_sessions(Admission(identity, lambda: authenticator.resolve(websocket.scope)))
    try:
        async with asyncio.timeout(connection.timing.auth_timeout_s):
            frame = parse_frame(await connection.receive(), parts.limits)
    except (TimeoutError, InvalidRequest, EdgeError) as error:
        raise SocketClosed(CloseCode.UNAUTHENTICATED, SAY_WHO) from error
    if not isinstance(frame, Auth):
        raise SocketClosed(CloseCode.UNAUTHENTICATED, SAY_WHO)
    token = frame.token
    try:
        identity = await authenticator.shown(token, websocket.scope)
    except TooManyAttempts as error:
        raise SocketClosed(CloseCode.UNAUTHENTICATED, str(error)) from error
    if identity is None or identity.is_guest:
        raise SocketClosed(CloseCode.UNAUTHENTICATED, "the token is no good")
    return _with_sessions(Admission(identity, lambda: authenticator.shown(token, websocket.scope)))


def _with_sessions(admission: Admission) -> Admission:
    if "sessions" not in admission.identity.scopes:
        raise SocketClosed(CloseCode.FORBIDDEN, "this key lacks the scope 'sessions'")
    return admission


async def next_frame(connection: SocketConnection, limits: LimitSettings) -> InFrame:
    """What is out of bounds in a known frame is answered and passed over. Raises SocketClosed for what is no frame."""
    while True:
        text = await connection.receive()
        try:
            return parse_frame(text, limits)
        except InvalidRequest as error:
            connection.send_error(error)
            if error.param == "type":
                raise SocketClosed(CloseCode.PROTOCOL, "there is no such frame") from error
        except EdgeError as error:
            connection.send_error(error)
            raise SocketClosed(CloseCode.PROTOCOL, "frames are JSON objects") from error
