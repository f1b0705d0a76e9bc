"""Starts a server on a free port, waits until it answers, and always ends it. Knows command lines, not loads."""

import asyncio
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bdchat.lifeline import tied
from bootstrap_console import BootstrapError

from .client import Client, ClientError
from .processes import ProcessTree

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 300.0  # a first start calibrates
STOP_TIMEOUT_S = 15.0
NUM_TAIL_LINES = 15


class ServerFailed(Exception):
    """It ended, or did not answer in time; carries the end of its log."""

    def __init__(self, name: str, problem: str, log: Path) -> None:
        tail = log.read_text("utf-8", errors="replace").splitlines()[-NUM_TAIL_LINES:] if log.exists() else []
        super().__init__("\n".join([f"{name}: {problem} ({log})", *(f"  | {line}" for line in tail)]))


@dataclass(frozen=True, slots=True)
class Contender:
    """A server that can be started. `command` has {port} where the port belongs."""

    name: str
    command: tuple[str, ...]
    ready_path: str = "/health"
    environment: tuple[tuple[str, str], ...] = ()
    base_url: str | None = None  # already running elsewhere: neither started nor ended by us


@dataclass(frozen=True, slots=True)
class Running:
    client: Client
    tree: ProcessTree | None  # None: not ours to look at
    start_s: float  # exec to the first good answer


def bdchat(model: Path | str, data_dir: Path, overrides: tuple[str, ...] = ()) -> Contender:
    command = [sys.executable, "-m", "bdchat", "serve", "--host", "127.0.0.1", "--port", "{port}"]
    command += ["--data-dir", str(data_dir), "--model", str(model)]
    for override in overrides:
        command += ["--set", override]
    name = " ".join(["bdchat", *overrides])
    return Contender(name, tuple(command), environment=(("PYTHONPATH", str(ROOT / "src")),))


def find_weights(model: Path | str, data_dir: Path, overrides: tuple[str, ...] = ()) -> None:
    """As a server does it at a model's first load: before anything is timed. Raises BootstrapError."""
    sets = [part for override in overrides for part in ("--set", override)]
    command = [sys.executable, "-m", "bdchat", "optimize", str(model), "--data-dir", str(data_dir), *sets]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        raise BootstrapError("bdchat optimize failed", done.stderr.strip().splitlines()[-1] if done.stderr else "")


def llama_server(binary: Path, model: Path, flags: str) -> Contender:
    command = [str(binary), "-m", str(model), "--host", "127.0.0.1", "--port", "{port}", "--offline"]
    name = f"llama-server {flags}".strip()
    return Contender(name, (*command, *shlex.split(flags)))


def llama_cpp_python(python: Path, model: Path, flags: str) -> Contender:
    """Its defaults end an answer when another request comes, and hold 2,048 tokens: no load could be put on it."""
    command = [str(python), "-m", "llama_cpp.server", "--model", str(model), "--host", "127.0.0.1", "--port", "{port}"]
    command += ["--interrupt_requests", "false", "--n_ctx", "8192"]
    name = f"llama-cpp-python {flags}".strip()
    return Contender(name, (*command, *shlex.split(flags)), ready_path="/v1/models")


@asynccontextmanager
async def started(contender: Contender, logs: Path, *, api_key: str | None = None) -> AsyncIterator[Running]:
    """The server, answering. It is killed with all its children when the block is left, however that happens."""
    if contender.base_url is not None:
        client = Client(contender.base_url, api_key=api_key)
        client.model = (await client.model_ids() or ["default"])[0]
        yield Running(client, None, 0.0)
        return
    log = logs / f"{''.join(char if char.isalnum() else '-' for char in contender.name)}.log"
    port = free_port()
    command = [part.replace("{port}", str(port)) for part in contender.command]
    began = time.perf_counter()
    with log.open("wb") as sink:
        child = subprocess.Popen(  # noqa: ASYNC220, S603  # returns at once; our own argument lists, never a shell
            tied(command),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **dict(contender.environment)},
            start_new_session=True,  # Ctrl-C reaches us alone: we end it in order
        )
    tree = ProcessTree(child.pid)
    try:
        client = Client(f"http://127.0.0.1:{port}/v1")
        await _until_ready(contender, child, client, log)
        start_s = time.perf_counter() - began
        client.model = (await client.model_ids() or ["default"])[0]
        yield Running(client, tree, start_s)
    finally:
        stop(child, tree)


async def _until_ready(contender: Contender, child: subprocess.Popen[bytes], client: Client, log: Path) -> None:
    deadline = time.perf_counter() + START_TIMEOUT_S
    while time.perf_counter() < deadline:
        if child.poll() is not None:
            raise ServerFailed(contender.name, f"ended at start with exit code {child.returncode}", log)
        try:
            status, _ = await client.get(contender.ready_path)
            if status == 200:
                return
        except ClientError:
            pass  # not listening yet
        await asyncio.sleep(0.02)
    raise ServerFailed(contender.name, f"did not answer within {START_TIMEOUT_S:.0f} s", log)


def stop(child: subprocess.Popen[bytes], tree: ProcessTree) -> None:
    """SIGTERM, then SIGKILL to whatever is left of the tree. Blocks: it must also run while the loop is cancelled."""
    family = tree.processes()
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            tree.kill()
            child.wait()
    _, left = psutil.wait_procs(family, timeout=1.0)
    for process in left:
        process.kill()  # psutil checks the start time, so that a reused pid is safe


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
