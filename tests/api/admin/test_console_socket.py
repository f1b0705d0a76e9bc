"""`bdchat user …` beside a running server: asked over its socket, and felt at once by whoever is signed in."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from bdchat.api.admin.console_socket import SOCKET_NAME, ask
from bdchat.cli import app as cli
from bdchat.settings import Settings
from bdchat.store.accounts.console_acts import ResetPassword
from tests.api.people import audited, log_in
from tests.api.serving import PASSWORD, USER, app_of, fresh_data_dir, over_http, signed_in
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio
NEW_PASSWORD = "walrus umbrella seven"


async def console(client: httpx.AsyncClient, *arguments: str, typed: str = NEW_PASSWORD) -> tuple[int, str]:
    """`bdchat user …` in a thread, on the data directory of the server behind `client`."""
    folder = app_of(client).settings.data_dir
    command = ["user", *arguments, "--data-dir", str(folder)]
    result = await asyncio.to_thread(CliRunner().invoke, cli, command, input=f"{typed}\n")
    *_, said = result.output.strip().splitlines()  # that a folder was open to others is said before
    return result.exit_code, result.output.strip() if "list" in arguments else said


async def collect(lines: AsyncIterator[str], into: list[str]) -> None:
    async for line in lines:
        into.append(line)


def first_piece_only() -> Callable[[], Awaitable[object]]:
    """The second never comes: a stream that only its right can end."""
    gates = iter([asyncio.sleep(0), asyncio.Event().wait()])
    return lambda: next(gates)


async def test_a_password_is_replaced_while_the_server_runs_and_ends_logins_and_streams_at_once() -> None:
    """A locked-out admin had to stop the server for everybody."""
    async with over_http(FakeEngine(pieces=["one ", "two"], token_gate=first_piece_only())) as client:
        ann = await signed_in(client, "ann", admin=True)
        body = {"messages": USER, "stream": True}
        async with client.stream("POST", "/v1/chat/completions", json=body, headers=ann) as stream:
            lines = stream.aiter_lines()
            await anext(lines)
            said = await console(client, "reset-password", "ANN")
            assert said == (0, "ann has a new password; its logins (1) have ended.")
            rest: list[str] = []
            reading = asyncio.create_task(collect(lines, rest))
            await until(reading.done, 5.0)  # the look of every 20 s would be too late
            await reading
        assert "data: [DONE]" not in rest
        assert (await client.get("/api/profile", headers=ann)).status_code == 401
        assert (await log_in(client, "ann", NEW_PASSWORD)).status_code == 200
        assert ("user.reset_password", "console") in [entry[:2] for entry in await audited(client)]


async def test_accounts_are_listed_made_and_shut_out_while_the_server_runs() -> None:
    async with over_http() as client:
        await signed_in(client, "root", admin=True)
        bob_made = await console(client, "add", "bob", typed=PASSWORD)
        assert bob_made == (0, "bob is a user.")
        bob = await signed_in(client, "bob")
        code, listed = await console(client, "list")
        assert (code, [line.split()[:2] for line in listed.splitlines()]) == (0, [["root", "admin"], ["bob", "user"]])
        assert await console(client, "disable", "bob") == (0, "bob cannot sign in any more.")
        assert (await client.get("/api/profile", headers=bob)).status_code == 401
        assert await console(client, "enable", "bob") == (0, "bob can sign in again.")
        for arguments, why in (
            (("disable", "root"), "only admin"),
            (("disable", "nobody"), "there is no account nobody"),
            (("add", "bob"), "the username bob is already taken"),
            (("reset-password", "cid"), "there is no account cid"),
        ):
            code, said = await console(client, *arguments)
            assert (code, why in said, said.count("\n")) == (1, True, 0), said


async def test_the_socket_is_its_users_alone_and_replaces_a_dead_servers() -> None:
    folder = fresh_data_dir() / ("deep" * 30)  # longer than a socket's address
    folder.mkdir()
    os.rename(folder.parent / "bdchat.db", folder / "bdchat.db")
    (folder / SOCKET_NAME).touch()
    async with over_http(settings=Settings(data_dir=folder)) as client:
        await signed_in(client, "ann")
        mode = (folder / SOCKET_NAME).stat().st_mode
        assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)
        assert (await console(client, "disable", "nobody"))[1].startswith("bdchat: there is no account nobody")
        with pytest.raises(OSError, match="no answer"):
            await asyncio.to_thread(ask, folder, ResetPassword("ann", "x" * 5000))  # more than it reads
    assert not (folder / SOCKET_NAME).exists()


async def test_what_is_no_act_is_refused_and_harms_nobody() -> None:
    async with over_http() as client:
        path = app_of(client).settings.data_dir / SOCKET_NAME
        for line in (b'{"type":"DropEverything"}\n', b"\xff\n", b"\n"):
            assert b"another version" in await asyncio.to_thread(exchange, path, line)
        assert (await client.get("/health")).status_code == 200


def exchange(path: Path, line: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(line)
        return client.recv(65536)
