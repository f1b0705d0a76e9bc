"""`bdchat doctor`: what this machine lacks, each finding with its remedy. Knows no tokens, loads no llama.cpp itself.

A check is a function that takes what it looks at and returns one `Check`; it raises nothing. The library is tried in a
child process, because the finding may be that it dies.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import httpx

from bdchat import __version__
from bdchat.engine.errors import EngineError, UnknownModel
from bdchat.engine.gguf.header import GGUFHeader
from bdchat.engine.host import cpu_name, free_memory_bytes, num_physical_cores
from bdchat.engine.kv.plan import KVMemoryError, KVPlan, fit_cells
from bdchat.engine.llama.reasons import last_words
from bdchat.engine.llama.rebuild import KEEP_TILE_STORES, rebuild_command
from bdchat.engine.model_runner import KVLayout
from bdchat.engine.models.catalog import Catalog, InstalledModel
from bdchat.lifeline import tied
from bdchat.settings import Settings

GIB = 1024**3
SPARE_DISK_BYTES = 1 * GIB  # logs, the store, a small model
PROBE_TIMEOUT_S = 120.0
REBUILD = f"compile llama.cpp again for this machine: {rebuild_command()}"
ELSEWHERE = "this machine has no such address; choose another with --host"
LAST_GCC_WITH_THE_TRAP = 12  # it deletes the stores of an AMX tile configuration as dead (llama.cpp #20824)


class Trial(NamedTuple):
    """How a child ended that tried the library."""

    returncode: int  # negative for a signal, as subprocess has it
    stderr: str = ""


Probe = Callable[[Sequence[str]], Trial]


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str
    remedy: str = ""  # what to do; only where ok is False


def examine(settings: Settings) -> tuple[Check, ...]:
    compiler = find_compiler()
    checks = [
        check_python(sys.version_info[:3]),
        check_compiler(compiler),
        check_cpu(cpu_name(), compiler),
        check_data_dir(settings.data_dir),
        check_disk(settings.data_dir),
        check_port(settings.server.host, settings.server.port),
    ]
    if settings.models.default == "none":
        return tuple(checks)
    other = "name another with --set models.default=NAME_OR_PATH"
    try:
        model = Catalog.load(settings.data_dir).resolve(settings.models.default)
    except UnknownModel as error:
        return (*checks, Check("model", False, error.problem, f"{error.advice}; or {other}"))
    except EngineError as error:  # it is here, and cannot be served: fetching it again changes nothing
        return (*checks, Check("model", False, str(error), f"{other}; bdchat models lists those that are here"))
    checks.append(check_model(model))
    if model.header is not None:
        checks.append(check_memory(model.header, settings, free_memory_bytes()))
    return (*checks, check_library(model.path, run_probe))


def report(checks: Sequence[Check], *, as_json: bool) -> str:
    if as_json:
        document = {"ok": all(check.ok for check in checks), "version": __version__}
        return json.dumps(document | {"checks": [asdict(check) for check in checks]}, indent=2)
    width = max(len(check.name) for check in checks)
    lines: list[str] = []
    for check in checks:
        lines.append(f"{'ok  ' if check.ok else 'FAIL'}  {check.name:<{width}}  {check.detail}")
        if not check.ok:
            lines.append(f"      {'':<{width}}  → {check.remedy}")
    return "\n".join(lines)


def check_python(version: tuple[int, ...]) -> Check:
    text = ".".join(str(part) for part in version)
    return Check("python", version >= (3, 11), text, "install Python 3.11 or later and name it with PYTHON=…")


def find_compiler() -> str:
    """First line of the C++ compiler's --version, "" when there is none."""
    path = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if path is None:
        return ""
    shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return shown.stdout.partition("\n")[0].strip()


def check_compiler(compiler: str) -> Check:
    """None is no fault of a machine that runs: what was compiled stays."""
    return Check("compiler", True, compiler or "none; needed only to compile llama.cpp again (apt-get install g++)")


def check_cpu(cpu: str, compiler: str) -> Check:
    """`cpu` holds the model's name and its feature flags."""
    words = set(re.split(r"[;\s]+", cpu))
    wide = [name for name, flag in (("AVX2", "avx2"), ("AVX-512", "avx512f"), ("AMX", "amx_tile")) if flag in words]
    wide += ["NEON"] if "asimd" in words else []
    name = re.search(r"model name:?\s*(.*?);|^([^;]+)", cpu)
    named = next((part for part in name.groups() if part), "unknown") if name else "unknown"
    detail = f"{named.strip()}, {num_physical_cores()} cores, {', '.join(wide) or 'no wide vector instructions'}"
    gcc = re.search(r"\)\s+(\d+)\.\d+", compiler) if "clang" not in compiler else None
    if "AMX" in wide and gcc and int(gcc.group(1)) <= LAST_GCC_WITH_THE_TRAP:
        detail += f"; GCC {gcc.group(1)} compiles AMX wrongly without {KEEP_TILE_STORES}, which scripts/serve sets"
    return Check("cpu", bool(wide), detail, "it runs, slowly; a CPU with AVX2 or NEON is several times faster")


def check_data_dir(data_dir: Path) -> Check:
    remedy = f"make it writable for this user (chown, chmod), or choose another with --data-dir; now: {data_dir}"
    existing = _existing(data_dir)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Check("data directory", False, f"{existing}: {error.strerror}", remedy)
    return Check("data directory", True, str(data_dir) if existing == data_dir else f"{data_dir} (not made yet)")


def check_disk(data_dir: Path) -> Check:
    free = shutil.disk_usage(_existing(data_dir)).free
    remedy = f"free some of it, or move the data directory with --data-dir; {_gib(SPARE_DISK_BYTES)} should stay free"
    return Check("disk", free >= SPARE_DISK_BYTES, f"{_gib(free)} free", remedy)


def check_port(host: str, port: int) -> Check:
    """Free, or held by a bdchat that answers."""
    if port == 0:
        return Check("port", True, "any free one")
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        problem = f"{host}:{port}: {error.strerror or error}"
        if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT} or isinstance(error, socket.gaierror):
            return Check("port", False, problem, ELSEWHERE)  # as ::1 where there is no IPv6
    except TypeError:  # what the codec of international names refuses
        return Check("port", False, f"{host} is no name of a host", ELSEWHERE)
    else:
        return Check("port", True, f"{host}:{port} is free")
    if _answers_as_bdchat(host, port):
        return Check("port", True, f"{host}:{port}: bdchat is running there")
    return Check("port", False, problem, "stop what holds it (ss -ltnp), or choose another with --port")


def check_model(model: InstalledModel) -> Check:
    """Its header is sound, else it had not been resolved; where the catalog knows its checksum, that is right too."""
    wanted = model.entry.sha256 if model.entry else None
    try:
        with model.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest() if wanted else None
    except OSError as error:
        return Check("model", False, f"{model.path}: {error.strerror}", "make the file readable for this user")
    if digest != wanted or model.checksum == "changed":
        remedy = f"move {model.path} away and fetch it again: bdchat pull {model.name}"
        return Check("model", False, f"{model.path} is not the file that was pulled: its checksum differs", remedy)
    kind = model.header.quantization if model.header else "unknown"
    sure = "checksum right" if wanted else "no checksum known"
    return Check("model", True, f"{model.name}, {kind}, {_gib(model.num_bytes)}, {sure}, {model.path}")


def check_memory(header: GGUFHeader, settings: Settings, free_bytes: int) -> Check:
    """Against one sequence of the length that would be served: the engine takes more cells where there is room."""
    remedy = "end other programs, take a smaller model, or shorten the context with --set engine.n_ctx=2048"
    try:
        cells = fit_cells(
            settings.engine,
            KVPlan(KVLayout.UNIFIED, "f16", flash_attention=False),
            bytes_per_cell=max(1, header.kv_bytes_per_token()),
            n_ctx_train=header.n_ctx_train,
            free_bytes=max(0, free_bytes - header.weight_bytes),
        )
    except KVMemoryError as error:
        return Check("memory", False, str(error), remedy)
    num_tokens = cells.n_ctx_per_sequence
    need = header.memory_need(num_tokens, n_batch=settings.engine.n_batch).total
    detail = f"{_gib(need)} needed for {num_tokens} tokens of context, {_gib(free_bytes)} free"
    if cells.cut is not None:
        detail += f"; {cells.cut}"
    return Check("memory", need <= free_bytes, detail, remedy)


def check_library(model: Path, probe: Probe) -> Check:
    """llama.cpp decodes two tokens in a child: the shortest batch on which a wrongly compiled one dies. A child that
    ends by itself says why the model is not loaded; one that dies may have named an assertion of llama.cpp's."""
    arguments = [sys.executable, "-m", "bdchat.engine.llama.probe", str(model)]
    trial = probe(arguments)
    if trial.returncode == 0:
        return Check("library", True, "decodes a batch of two tokens")
    if trial.returncode > 0:
        lines = trial.stderr.strip().splitlines() or [f"the trial failed with exit code {trial.returncode}"]
        remedy = "serve another model, or take a newer bdchat where the reason says so"
        return Check("library", False, f"does not load {model.name}: {lines[-1]}", remedy)
    outcome = signal.Signals(-trial.returncode).name
    if words := last_words(trial.stderr):
        outcome += f": {words}"
    if probe([*arguments, "--no-extra-bufts"]).returncode == 0:
        outcome += "; it works without its extra buffer types, at a fraction of the speed"
    return Check("library", False, f"the first batch of two tokens dies with {outcome}", REBUILD)


def run_probe(arguments: Sequence[str]) -> Trial:
    """A child that hangs counts as killed."""
    try:
        child = subprocess.run(  # noqa: S603  # our own interpreter and module
            tied(arguments), capture_output=True, check=False, timeout=PROBE_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return Trial(-signal.SIGKILL)
    return Trial(child.returncode, child.stderr.decode("utf-8", "replace"))


def _answers_as_bdchat(host: str, port: int) -> bool:
    address = f"[{host}]" if ":" in host else host
    try:
        health = httpx.get(f"http://{address}:{port}/health", timeout=2.0, trust_env=False)
        return health.status_code in {200, 503} and health.json().get("status") in {"ok", "draining"}
    except (httpx.HTTPError, ValueError, AttributeError):
        return False


def _existing(path: Path) -> Path:
    """The nearest folder on the way to `path` that is there and may be seen."""
    return next(folder for folder in (path, *path.parents) if os.path.exists(folder))


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / GIB:.1f} GiB"
