"""The socket by which `bdchat user …` asks a running server: DATA_DIR/server.sock, one act and one answer a connection.

SQLite has one writer, which is the server, so the console's acts go through it: they are told on the bus like an
admin's, and streams and cached credentials end at once. Who may connect is who may read the data directory: the socket
has mode 0600 and no other way in. Event loop only. Without it (a file system that knows no sockets) the server serves
all the same.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import msgspec

from bdchat.api.accounts.erasure import Erasure
from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.http.errors import EndedByAdmin
from bdchat.private_files import FILE_MODE
from bdchat.store.accounts.console_acts import ConsoleAct, Performed, SetDisabled, perform, refusal
from bdchat.store.db import Db
from bdchat.store.errors import StoreError

log = logging.getLogger(__name__)

SOCKET_NAME = "server.sock"
MAX_ACT_BYTES = 4096  # a name, a hash
TIMEOUT_S = 10.0


class ConsoleAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the two."""

    said: str | None = None
    refused: str | None = None


class ConsoleSocket:
    """`folder` None: no data directory of one server alone (PostgreSQL), and no socket."""

    def __init__(self, folder: Path | None, writes: Writes, erasure: Erasure) -> None:
        self._folder = folder
        self._writes = writes
        self._erasure = erasure

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncGenerator[None]:
        """While the database is open: its lock says that a socket found here is a dead server's."""
        if self._folder is None:
            yield
            return
        try:
            with address_of(self._folder) as address:
                listener = _bound(address)
        except OSError as error:
            log.warning("`bdchat user` cannot ask this server: %s: %s", SOCKET_NAME, error.strerror or error)
            yield
            return
        server = await asyncio.start_unix_server(self._answer, sock=listener, limit=MAX_ACT_BYTES)
        try:
            yield
        finally:
            server.close()
            with contextlib.suppress(OSError):
                (self._folder / SOCKET_NAME).unlink()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                writer.write(msgspec.json.encode(await self._perform(await reader.readline())))
                await writer.drain()
        except (OSError, ValueError, TimeoutError):  # it is gone, says nothing, or too much
            pass
        finally:
            writer.close()

    async def _perform(self, line: bytes) -> ConsoleAnswer:
        try:
            act = msgspec.json.decode(line, type=ConsoleAct)
        except msgspec.DecodeError:
            return ConsoleAnswer(refused="the running server is of another version: restart it")

        def work(db: Db, news: News) -> Performed:
            done = perform(db, act)
            if done.ended_user_id is not None:
                news.rights_ended(done.ended_user_id)
            return done

        try:
            done = await self._writes.run(work)
        except StoreError as error:
            return ConsoleAnswer(refused=refusal(error))
        if isinstance(act, SetDisabled) and done.ended_user_id is not None:
            self._erasure.end_generations(done.ended_user_id, EndedByAdmin())
        return ConsoleAnswer(said=done.said)


def ask(folder: Path, act: ConsoleAct) -> ConsoleAnswer:
    """The console's side: waits for the answer. Raises OSError: there is no server, or none that answers."""
    with address_of(folder) as address, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(TIMEOUT_S)
        line.connect(address)
        line.sendall(msgspec.json.encode(act) + b"\n")
        answer = b""
        while part := line.recv(65536):
            answer += part
    try:
        return msgspec.json.decode(answer, type=ConsoleAnswer)
    except msgspec.DecodeError as error:
        raise OSError("it gave no answer") from error


@contextlib.contextmanager
def address_of(folder: Path) -> Iterator[str]:
    """A socket's address holds some hundred bytes (unix(7)): a longer path is reached through its open folder."""
    path = str(folder / SOCKET_NAME)
    if len(os.fsencode(path)) < 100:
        yield path
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{SOCKET_NAME}"
    finally:
        os.close(fd)


def _bound(address: str) -> socket.socket:
    """Raises OSError."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address)  # a killed server's
        listener.bind(address)
        os.chmod(address, FILE_MODE)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
