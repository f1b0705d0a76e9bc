"""A real `bdchat serve` in its own process, found by the address that it prints."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.patience import PATIENCE_S

SOURCE = Path(__file__).parents[2] / "src"  # the code under test, installed or not


class ServerProcess:
    def __init__(self, process: asyncio.subprocess.Process, url: str, greeting: list[str]) -> None:
        self.process = process
        self.url = url
        self.greeting = greeting  # its lines, the last of them for curl

    async def terminate(self) -> int:
        """SIGTERM; the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)


@asynccontextmanager
async def server_process(
    data_dir: Path, *options: str, environment: dict[str, str] | None = None, umask: int = -1
) -> AsyncGenerator[ServerProcess]:
    process = await start(data_dir, options, environment, umask=umask)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            greeting = [(await process.stdout.readline()).decode().strip()]
            assert greeting[0].startswith("Open in a browser: http"), log_path(data_dir).read_text("utf-8")
            while not greeting[-1].startswith("curl "):
                greeting.append((await process.stdout.readline()).decode().strip())
        yield ServerProcess(process, greeting[0].split()[-1], greeting)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()  # to the end of its output: only then is its transport closed


def log_path(data_dir: Path) -> Path:
    return data_dir / "serve.log"


async def start(
    data_dir: Path, options: Sequence[str], environment: dict[str, str] | None = None, *, umask: int = -1
) -> asyncio.subprocess.Process:
    """Its log goes to a file: an unread pipe would stop it once full. `umask` -1: ours."""
    with log_path(data_dir).open("wb") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bdchat", "serve", "--port", "0", "--data-dir", str(data_dir), *options,
            stdout=asyncio.subprocess.PIPE, stderr=log, env={**(environment or os.environ), "PYTHONPATH": str(SOURCE)},
            umask=umask,
        )  # fmt: skip
