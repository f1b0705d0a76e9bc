"""Finds out in a child process whether this library can decode at all, before the engine trusts it.

GCC ≤ 12 on a CPU with AMX builds a llama.cpp that dies at its first batch of two tokens (llama.cpp issue 20824: the
tile configuration is optimised away). Without the extra buffer types it works, at half the speed.
`python -m bdchat.engine.llama.probe MODEL [--no-extra-bufts]` is the child: it exits 0 when two tokens were decoded.
"""

import hashlib
import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.host import cpu_name
from bdchat.engine.llama.reasons import crash_reason
from bdchat.engine.llama.rebuild import rebuild_command
from bdchat.lifeline import python_environment, tied
from bdchat.private_files import make_folder, write_private

logger = logging.getLogger(__name__)

DEADLY = (signal.SIGSEGV, signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE)
REBUILD = (
    "the llama.cpp library crashes with its fast matrix buffers on this CPU; running without them, at about half "
    f"speed. `{rebuild_command()}` compiles it again, with the flags that GCC ≤ 12 needs on CPUs with AMX"
)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    use_extra_bufts: bool
    warning: str | None = None


class _Cached(msgspec.Struct, frozen=True):
    use_extra_bufts: bool


def probe(
    model_path: Path,
    cache_dir: Path,
    *,
    library: str,
    command: Sequence[str] = (sys.executable, "-P", "-m", "bdchat.engine.llama.probe"),
    timeout_s: float = 600.0,
) -> ProbeResult:
    """Raises ModelLoadFailed when both ways die or the model does not load.

    `library` identifies the shared objects; with the CPU and the model file it names the remembered result. Only
    results of a finished probe are remembered."""
    kept_at = cache_dir / f"probe-{_key(model_path, library)}.json"
    known = _read(kept_at)
    if known is None:
        known = _try_both(model_path, command, timeout_s)
        _write(kept_at, _Cached(use_extra_bufts=known))
    return ProbeResult(known) if known else ProbeResult(use_extra_bufts=False, warning=REBUILD)


def _try_both(model_path: Path, command: Sequence[str], timeout_s: float) -> bool:
    if _crash([*command, str(model_path)], model_path, timeout_s) is None:
        return True
    crash = _crash([*command, str(model_path), "--no-extra-bufts"], model_path, timeout_s)
    if crash is None:
        logger.warning("%s", REBUILD)
        return False
    raise ModelLoadFailed(model_path.name, crash)


def _crash(command: list[str], model_path: Path, timeout_s: float) -> str | None:
    """Why a signal ended the child, in one line; None: it decoded. Any other failure is the model's, not the library's:
    raises ModelLoadFailed."""
    environment = python_environment()
    try:
        child = subprocess.run(  # noqa: S603
            tied(command),
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise ModelLoadFailed(model_path.name, f"two tokens took longer than {timeout_s:.0f} s") from None
    if child.returncode == 0:
        return None
    said = child.stderr.decode("utf-8", errors="replace")
    if -child.returncode in DEADLY:
        return crash_reason(-child.returncode, said)
    if child.returncode == -signal.SIGKILL:
        raise ModelLoadFailed(model_path.name, "trying it was killed (SIGKILL): most likely there is too little memory")
    lines = said.strip().splitlines()
    raise ModelLoadFailed(model_path.name, lines[-1] if lines else f"the probe ended with {child.returncode}")


def _key(model_path: Path, library: str) -> str:
    stat = model_path.stat()
    parts = f"{library}|{cpu_name()}|{model_path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def _read(path: Path) -> bool | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Cached).use_extra_bufts
    except (OSError, msgspec.DecodeError):
        return None


def _write(path: Path, result: _Cached) -> None:
    temporary = path.with_suffix(".new")
    try:
        make_folder(path.parent)
        write_private(temporary, msgspec.json.encode(result))
        temporary.replace(path)
    except OSError as error:
        logger.warning("the probe's result could not be kept at %s: %s", path, error)


def main(arguments: Sequence[str]) -> int:
    """The child: imports llama.cpp, decodes two tokens. Confined as an engine is: it reads the same file."""
    from bdchat.engine.gguf.header import GGUFError, read_header
    from bdchat.engine.isolation.confinement import confine, renounce
    from bdchat.engine.llama.library import start_library, supports_gpu_offload
    from bdchat.engine.llama.runner import LlamaRunner
    from bdchat.engine.model_runner import Slice
    from bdchat.settings import EngineSettings

    renounce()
    settings = EngineSettings(n_ctx=256, max_sequences=1, n_batch=32, calibrate=False)
    try:
        header = read_header(Path(arguments[0]))
        start_library()
        confine(header, settings, on_gpu=supports_gpu_offload())
        with LlamaRunner.open(
            Path(arguments[0]), "probe", settings, use_extra_bufts="--no-extra-bufts" not in arguments
        ) as runner:
            runner.decode([Slice(0, 0, [1, 2], 1)])
    except (GGUFError, ModelLoadFailed) as error:
        sys.stderr.write(f"{error.reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
