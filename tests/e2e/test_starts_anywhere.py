"""A start where nothing is as at home: one server under all conditions at once, and one line where it cannot be.

A user namespace makes the unknown user: it reads what its maker may read and has no right over files of its own. Within
it, the mount namespace of the outer one: the root read-only but for the data directory, no /dev/shm and no /tmp.
"""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tests.e2e.server_process import SOURCE
from tests.patience import PATIENCE_S
from tests.tiny_models import write_tiny_llama

pytestmark = pytest.mark.anyio
UNSHARE = shutil.which("unshare") or "unshare"
UNKNOWN = (UNSHARE, "--user", "--map-user=54321", "--map-group=54321")
NARROW = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro /
for folder in /dev/shm /var/tmp /tmp; do
    case "$1" in
        "$folder"/*) mount -o remount,bind,ro "$folder" 2>/dev/null || : ;; # no mount of its own
        *) mount -t tmpfs -o ro none "$folder" ;;
    esac
done
umask 077
shift
exec "$@"
"""


def _can_unshare() -> bool:
    tried = (UNSHARE, "--user", "--map-root-user", "--mount", *UNKNOWN, "true")
    try:
        return subprocess.run(tried, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


needs_namespaces = pytest.mark.skipif(not _can_unshare(), reason="this system makes no user namespaces")


async def started(command: Sequence[str], **environment: str) -> asyncio.subprocess.Process:
    """Nothing of our environment reaches it: no HOME, no PATH, the locale C."""
    return await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd="/",
        env={"PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C", **environment},
    )  # fmt: skip


@needs_namespaces
async def test_a_server_starts_where_only_its_data_directory_can_be_written(tmp_path: Path) -> None:
    """Under `--user 54321`, `--read-only`, in the locale C, behind a link, in a folder with a space and Hangul, on
    models that are somebody else's: it answers."""
    shared = tmp_path / "shared models"
    shared.mkdir()
    write_tiny_llama(shared / "tiny.gguf")
    shared.chmod(0o555)
    place = tmp_path / "빈 칸"
    place.mkdir()
    (place / "models").symlink_to(shared)
    (tmp_path / "link").symlink_to(place)
    serve = (sys.executable, "-m", "bdchat", "serve", "--port", "0", "--model", "tiny")
    narrow = (UNSHARE, "--user", "--map-root-user", "--mount", "sh", "-c", NARROW, "sh", str(place))
    quick = {"BDCHAT_ENGINE__N_CTX": "256", "BDCHAT_ENGINE__CALIBRATE": "false"}
    process = await started((*narrow, *UNKNOWN, *serve), BDCHAT_DATA_DIR=str(tmp_path / "link"), **quick)
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE_S):
            first = (await process.stdout.readline()).decode()
        assert first.startswith("Open in a browser: http"), (await process.stderr.read()).decode()
        async with httpx.AsyncClient(base_url=f"{first.split()[-1]}/v1", timeout=PATIENCE_S) as http:
            answer = await http.post("/completions", json={"prompt": "hi", "max_tokens": 2})
        assert answer.status_code == 200, answer.text
        process.terminate()
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 0
        assert b"Traceback" not in said
        assert (place / "bdchat.db").is_file()
    finally:
        shared.chmod(0o755)
        if process.returncode is None:
            process.kill()
            await process.communicate()


@needs_namespaces
@pytest.mark.parametrize(
    ("home", "said"),
    [(None, "no home directory"), ("home", "/home/.local/share/bdchat cannot be made: Permission denied")],
)
async def test_a_start_that_has_no_place_is_one_line(tmp_path: Path, home: str | None, said: str) -> None:
    (tmp_path / "home").mkdir(mode=0o555)
    environment = {} if home is None else {"HOME": str(tmp_path / home)}
    process = await started((*UNKNOWN, sys.executable, "-m", "bdchat", "serve", "--port", "0"), **environment)
    _, line = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert said in line.decode()
    assert line.endswith(b"; name a folder with --data-dir or BDCHAT_DATA_DIR\n")
    assert line.count(b"\n") == 1
    assert process.returncode == 1
