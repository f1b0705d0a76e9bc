"""Nothing below the data directory is open to other users of the machine, whatever the umask of who starts us."""

import asyncio
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server_process import SOURCE, log_path, server_process
from tests.patience import PATIENCE_S, until
from tests.tiny_models import write_tiny_llama

pytestmark = pytest.mark.anyio
ANN = {"username": "ann", "password": "correct horse battery", "cookie": False}
QUICK = (
    "--set",
    "engine.calibrate=true",
    "--set",
    "engine.weights=file",
    "--set",
    "engine.n_ctx=512",
    "--set",
    "generations.makes_titles=false",
)


def open_to_others(root: Path) -> Iterator[str]:
    """Every file and folder below, and itself, that group or others may do anything with."""
    for path in (root, *root.rglob("*")):
        found = path.lstat()
        if found.st_mode & 0o077 and not stat.S_ISLNK(found.st_mode):
            yield f"{path.relative_to(root)} {stat.filemode(found.st_mode)}"


async def command(*arguments: str) -> str:
    """`bdchat …` under umask 000; what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bdchat", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(SOURCE)}, umask=0,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(b"correct horse battery\n"), PATIENCE_S)
    assert process.returncode == 0, said.decode()
    return said.decode()


async def sign_up(http: httpx.AsyncClient) -> None:
    token = (await http.post("/api/auth/register", json=ANN)).json()["token"]
    http.headers["authorization"] = f"Bearer {token}"


async def ask(http: httpx.AsyncClient) -> None:
    session_id = (await http.post("/api/sessions", json={})).json()["session_id"]
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": "hi " * 40}],
        "store": True,
        "max_tokens": 24,
        "metadata": {"session_id": session_id},
    }
    answer = await http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text


async def use_everything(http: httpx.AsyncClient, root: Path) -> None:
    """A chat, its state on the disk, an export that comes back as an import, a backup."""
    await sign_up(http)
    await ask(http)
    exported = await http.get("/api/export")
    assert (await http.post("/api/import", content=exported.content)).status_code == 200
    assert (await http.post("/api/admin/backups")).status_code == 201
    await until(lambda: list(root.glob("cache/kv/*/*.kv")))


async def test_every_file_and_folder_of_a_working_server_is_private_under_umask_000(tmp_path: Path) -> None:
    model = write_tiny_llama(tmp_path / "tiny.gguf", n_ctx_train=512)
    model.chmod(0o644)
    root = tmp_path / "data"
    options = ("--data-dir", str(root), "--model", str(model), *QUICK)
    seen: list[str] = []

    async def watch() -> None:
        while True:  # files come and go: what is open for a moment was open
            for entry in await asyncio.to_thread(_look, root):
                seen.append(entry)
            await asyncio.sleep(0.01)

    watching = asyncio.create_task(watch())
    async with server_process(tmp_path, *options, umask=0) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE_S) as http:
            await use_everything(http, root)
        assert sorted(open_to_others(root)) == []
        kinds = ("bdchat.db", "server.lock", "cache/kv/*/*.kv", "cache/probe-*", "cache/calibration-*", "backups/*")
        assert [kind for kind in kinds if not list(root.glob(kind))] == []
        assert await server.terminate() == 0
    watching.cancel()
    assert sorted(open_to_others(root)) == []
    assert sorted(set(seen)) == []
    assert "open to other users" not in log_path(tmp_path).read_text("utf-8")


def _look(root: Path) -> list[str]:
    try:
        return list(open_to_others(root))
    except OSError:  # gone between being listed and being looked at
        return []


async def test_the_write_ahead_log_is_private_in_the_first_run(tmp_path: Path) -> None:
    """It took the umask's mode, and had accounts and texts in it, until the second start."""
    root = tmp_path / "data"
    async with server_process(tmp_path, "--data-dir", str(root), "--model", "none", umask=0) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE_S) as http:
            await sign_up(http)
        assert (root / "bdchat.db-wal").stat().st_size > 0
        modes = {path.name: stat.filemode(path.stat().st_mode) for path in root.iterdir()}
    assert modes["bdchat.db-wal"] == modes["bdchat.db-shm"] == modes["bdchat.db"] == "-rw-------"
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


async def test_every_command_writes_private_files_under_umask_000(tmp_path: Path) -> None:
    root, copy = tmp_path / "data", tmp_path / "copy.db"
    model = write_tiny_llama(tmp_path / "tiny.gguf")
    model.chmod(0o600)  # a pull links what lies on the same disk: its mode is the user's own
    for arguments in (
        ("user", "add", "ann"),
        ("pull", str(model)),
        ("backup", str(copy)),
        ("restore", str(copy)),
        ("models",),
    ):
        await command(*arguments, "--data-dir", str(root))
    assert sorted(open_to_others(root)) == []
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert {"bdchat.db", "models", "server.lock"} <= {path.name for path in root.iterdir()}


async def test_what_an_earlier_run_left_open_is_closed_at_start_and_told_in_one_line(tmp_path: Path) -> None:
    root = tmp_path / "data"
    await command("user", "add", "ann", "--data-dir", str(root))
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    async with server_process(tmp_path, "--data-dir", str(root), "--model", "none", umask=0):
        assert sorted(open_to_others(root)) == []
    told = [line for line in log_path(tmp_path).read_text("utf-8").splitlines() if "open to other users" in line]
    assert len(told) == 1
    assert told[0].startswith(f"bdchat: {root} was open to other users of this machine (")
