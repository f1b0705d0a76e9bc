"""`bdchat serve`: builds the engines and the application, listens, drains on SIGTERM, exits 0.

Main thread. The model loads in its own process while the server already answers /health: nothing here imports
llama.cpp.
"""

import asyncio
import errno
import logging
import socket
import ssl
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
import uvloop

from bdchat.api.accounts.sign_in import SETUP_MINUTES, new_setup_code
from bdchat.api.app import App
from bdchat.api.http.logs import configure_logging
from bdchat.api.http.security import UnsafeBind, is_loopback
from bdchat.api.perimeter.addresses import page_addresses
from bdchat.api.perimeter.greeting import SetUp, greeting
from bdchat.api.perimeter.origins import ListedOrigins, check_origins
from bdchat.api.transport.descriptors import MAX_BACKLOG, Room, raise_limit, room_for_connections
from bdchat.api.transport.http_protocol import protocol_factory
from bdchat.api.transport.open_connections import OpenConnections
from bdchat.api.transport.socket_protocol import socket_options
from bdchat.engine.errors import ModelLoadFailed, ModelNotFound
from bdchat.engine.local.local_models import LocalModels
from bdchat.engine.models.catalog import InstalledModel
from bdchat.engine.router import Router
from bdchat.settings import ServerSettings, Settings
from bdchat.store.errors import StoreUnavailable
from bdchat.store.sql.database import Database

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 30  # uvicorn's 5 s is httpx's own: each would close on the other's next request
LAST_WRITES_S = 2  # for the last bytes of drained answers
ABSENT = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})  # this machine has no such address, or no IPv6 at all


class Server(uvicorn.Server):
    """A uvicorn that drains before it stops listening: running answers end, new ones are told to come back.

    The first signal drains, a second ends at once. Signals are ours alone: raised again, as uvicorn does, they would
    turn the exit status of an orderly end into "killed"."""

    def __init__(self, config: uvicorn.Config, app: App, drain_timeout_s: float) -> None:
        super().__init__(config)
        self._app = app
        self._drain_timeout_s = drain_timeout_s
        self._num_signals = 0
        self._draining: asyncio.Task[None] | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._num_signals += 1
        if self._num_signals > 1:
            self.should_exit = self.force_exit = True

    async def on_tick(self, counter: int) -> bool:
        if self._num_signals and self._draining is None:
            log.info("draining: running answers have %g s", self._drain_timeout_s)
            self._draining = asyncio.create_task(self._drain(), name="drain")
        return await super().on_tick(counter)

    async def _drain(self) -> None:
        await self._app.generations.drain(self._drain_timeout_s)
        self.should_exit = True


def serve(
    settings: Settings, make_router: Callable[[Settings], Router] | None = None, *, begins_anew: bool = False
) -> int:
    """Returns the exit status. One line on stderr says why it did not start. `make_router` runs on the event loop."""
    configure_logging(settings.server.log_level)
    try:
        check_origins(settings.server, settings.auth)
        check_certificate(settings.server)
        room = room_for_connections(raise_limit(), wanted=settings.limits.connections)
        listener = listen(settings.server, backlog=room.backlog)
    except UnsafeBind as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"cannot listen on {settings.server.host}:{settings.server.port}: {error.strerror or error}")
    database = Database(settings.store, settings.data_dir, begins_anew=begins_anew)
    with listener:
        try:
            return uvloop.run(_serve(settings, make_router or local_router, listener, database, room))
        except (ModelNotFound, ModelLoadFailed, StoreUnavailable) as error:
            return _fail(str(error))


async def _serve(
    settings: Settings,
    make_router: Callable[[Settings], Router],
    listener: socket.socket,
    database: Database,
    room: Room,
) -> int:
    await database.open()
    app = App(settings, make_router(settings), database)
    open_connections = OpenConnections(
        max_connections=room.num_connections,
        max_per_address=settings.limits.connections_per_address,
        trusted_proxies=settings.auth.trusted_proxies,
    )
    config = uvicorn.Config(
        app,
        http=protocol_factory(  # type: ignore[arg-type]  # a class, or what makes its instances
            settings.limits, open_connections, ListedOrigins(settings.server.cors_origins)
        ),
        **socket_options(),
        ssl_certfile=settings.server.tls_cert,
        ssl_keyfile=settings.server.tls_key,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=LAST_WRITES_S,
        backlog=room.backlog,
    )
    server = Server(config, app, settings.server.drain_timeout_s)
    await announce(settings, listener.getsockname()[1], database)
    await server.serve(sockets=[listener])
    return 0


def local_router(settings: Settings) -> Router:
    """The configured model in a process of its own, which begins to load; an admin can load more.

    Raises ModelNotFound, ModelLoadFailed."""
    return router_of(LocalModels.of(settings), settings)


def router_of(models: LocalModels, settings: Settings) -> Router:
    """Of these models. A packaged one for vectors is served beside the configured one, unless that makes them itself,
    and its process starts at the first text. models.fallback's starts when the configured model does not fit."""
    made: dict[str, Any] = {
        "created": int(time.time()),
        "unknown_is_default": settings.models.unknown == "default",
        "remedies": models.remedies,
        "source": models,
    }
    packaged = models.packaged_embedder
    beside = {packaged.name: packaged} if packaged else {}
    if settings.models.default == "none":
        engines = {name: models.open(model, starts=False) for name, model in beside.items()}
        return Router(engines, default=None, **made)
    installed = models.find_for_operator(settings.models.default)
    aliases = dict.fromkeys(installed.names[1:], installed.name)
    fallback = _fallback(models, settings, beside=installed.name)
    default = models.open(installed)
    if default.purpose == "embedding" or installed.name in beside:
        beside.clear()
    if fallback is not None:
        beside[fallback.name] = fallback
        aliases |= dict.fromkeys(fallback.names[1:], fallback.name)
        made["fallback"] = fallback.name
    engines = {installed.name: default} | {name: models.open(model, starts=False) for name, model in beside.items()}
    return Router(engines, default=installed.name, aliases=aliases, **made)


def _fallback(models: LocalModels, settings: Settings, *, beside: str) -> InstalledModel | None:
    """Its process starts when it must. Raises ModelNotFound, ModelLoadFailed."""
    if settings.models.fallback is None:
        return None
    found = models.find_for_operator(settings.models.fallback)
    if found.header is None or found.header.purpose != "chat":
        raise ModelLoadFailed(found.name, "it writes no text: models.fallback must name a model that chats")
    return found if found.name != beside else None


def listen(server: ServerSettings, *, backlog: int = MAX_BACKLOG) -> socket.socket:
    """Bound and listening before anything is built: a second server on the port fails at once, in one line. Of a name's
    addresses the first that this machine has: `localhost` is ::1 too where there is no IPv6. Raises OSError.

    The protocol is named: asyncio sets TCP_NODELAY on no socket that says 0, and each answer would wait 40 ms."""
    try:
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError as error:  # from the codec of international names
        raise OSError("it is no name of a host") from error
    refusals: list[OSError] = []
    for family, kind, protocol, _, address in found:
        try:
            return _bound(socket.socket(family, kind, protocol), address, backlog)
        except OSError as error:
            if error.errno not in ABSENT:  # taken, or not allowed: another of its addresses would be another server
                raise
            refusals.append(error)
    raise refusals[0]


def _bound(listener: socket.socket, address: Any, backlog: int) -> socket.socket:
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(backlog)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def check_certificate(server: ServerSettings) -> None:
    """Raises UnsafeBind: what server.tls_cert and server.tls_key name is no certificate with its key."""
    if server.tls_cert is None or server.tls_key is None:
        return
    for path in (server.tls_cert, server.tls_key):
        try:
            path.read_bytes()
        except OSError as error:
            raise UnsafeBind(f"{path} cannot be read: {error.strerror or error}; `bdchat cert` makes it") from error
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(server.tls_cert, server.tls_key)
    except ssl.SSLError as error:
        raise UnsafeBind(
            f"{server.tls_cert} and {server.tls_key} are no certificate and its key in PEM ({error.reason or error})"
        ) from error


async def announce(settings: Settings, port: int, database: Database) -> None:
    """Where the page is. Where somebody may come from another machine to make the first account, its set-up code; here
    and nowhere else: a log is read by more people than a console."""
    is_local_only = is_loopback(settings.server.host) and not settings.auth.trusted_proxies
    code = None if is_local_only else await new_setup_code(database)
    set_up = None if code is None else SetUp(code, SETUP_MINUTES)
    addresses = page_addresses(settings, port)
    text = greeting(settings, addresses, set_up, with_qr=sys.stdout.isatty())
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:  # nobody reads it, or the disk that keeps it is full: it is served all the same
        log.warning("serving at %s, which could not be printed: %s", addresses.here, error.strerror or error)


def _fail(sentence: str) -> int:
    sys.stderr.write(f"bdchat: {sentence}\n")
    return 1
