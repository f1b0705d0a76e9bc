"""`bdchat doctor`: what this machine lacks, each finding with its remedy. Knows no tokens, loads no llama.cpp itself.

A check is a function that takes what it looks at and returns one `Check`; it raises nothing. The library is tried in a
child process, because the finding may be that it dies.
"""

import errno
import hashlib
import json
import os
import platform
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
from typing import Any, NamedTuple

import httpx

from bdchat import __version__
from bdchat.api.perimeter.addresses import network_addresses
from bdchat.engine.errors import EngineError, UnknownModel
from bdchat.engine.gguf.header import GGUFHeader
from bdchat.engine.host import cpu_features, cpu_name, free_memory_bytes, num_physical_cores
from bdchat.engine.kv.plan import KVMemoryError, KVPlan, fit_cells
from bdchat.engine.llama.reasons import last_words
from bdchat.engine.llama.rebuild import KEEP_TILE_STORES, rebuild_command
from bdchat.engine.model_runner import KVLayout
from bdchat.engine.models.catalog import Catalog, InstalledModel
from bdchat.engine.weights.cache import verdicts
from bdchat.lifeline import tied
from bdchat.settings import Settings
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import FILE_NAME, examine_file
from bdchat.store.sql.founding import require_no_earlier_life
from bdchat.store.sql.schema import HEAD

GIB = 1024**3
SPARE_DISK_BYTES = 1 * GIB  # logs, the store, a small model
PROBE_TIMEOUT_S = 120.0
REBUILD = f"compile llama.cpp again for this machine: {rebuild_command()}"
ELSEWHERE = "this machine has no such address; choose another with --host"
LOOPBACK = "127.0.0.1"
AMD = "0x1002"  # of PCI vendors
GPU_BUILD = "CMAKE_ARGS=-DGGML_CUDA=on (AMD: -DGGML_HIP=on) scripts/serve, or pip install as docs/install.md has it"
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
    server, scheme = settings.server, "https" if settings.server.tls_cert else "http"
    checks = [
        check_system(platform.system(), Path("/"), unit_state()),
        check_python(sys.version_info[:3]),
        check_compiler(compiler),
        check_cpu(cpu_name(), compiler),
        check_gpu(find_gpus(Path("/")), takes_gpu(run_probe), settings.engine.n_gpu_layers),
        check_data_dir(settings.data_dir),
        check_disk(settings.data_dir),
        check_database(settings),
        check_port(server.host, server.port, scheme),
        check_network(settings, network_addresses(), lambda host: health(host, server.port, scheme) is not None),
    ]
    if settings.models.default == "none":
        return tuple(checks)
    other = "name another with --set models.default=NAME_OR_PATH"
    try:
        model = Catalog.load(settings.data_dir).resolve(settings.models.default)
    except UnknownModel as error:
        if served := served_models(health(LOOPBACK, server.port, scheme)):
            return (*checks, Check("model", True, f"{', '.join(served)}, of the running server"))
        return (*checks, Check("model", False, error.problem, f"{error.advice}; or {other}"))
    except EngineError as error:  # it is here, and cannot be served: fetching it again changes nothing
        return (*checks, Check("model", False, str(error), f"{other}; bdchat models lists those that are here"))
    checks += [check_model(model), check_weights(model, settings)]
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


def check_system(system: str, root: Path, unit: str) -> Check:
    """How it was installed, and where it runs. `unit`: what systemd says of bdchat.service; "" where there is none."""
    checkout = Path(__file__).resolve().parents[2]
    kind = f"checkout {checkout}" if (checkout / "scripts" / "bootstrap.py").is_file() else f"wheel in {sys.prefix}"
    places = [kind]
    if any((root / mark).exists() for mark in ("run/.containerenv", ".dockerenv")):
        places.append("in a container")
    if unit:
        places.append(f"bdchat.service is {unit}")
    detail = f"{system}, {', '.join(places)}"
    if system != "Linux":
        return Check("system", False, detail, "run it in a container: docs/install.md")
    return Check("system", unit != "failed", detail, "journalctl -u bdchat -n 50 says why the service failed")


def unit_state() -> str:
    """ "active", "inactive", "failed" …"""
    systemctl = shutil.which("systemctl")
    if systemctl is None or not Path("/etc/systemd/system/bdchat.service").exists():
        return ""
    shown = subprocess.run([systemctl, "is-active", "bdchat"], capture_output=True, text=True, check=False)  # noqa: S603
    return shown.stdout.strip()


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


def find_gpus(root: Path) -> list[str]:
    """By what their drivers show."""
    found = [
        line.partition(":")[2].strip()
        for file in sorted((root / "proc/driver/nvidia/gpus").glob("*/information"))
        for line in file.read_text("utf-8", errors="replace").splitlines()
        if line.startswith("Model:")
    ]
    vendors = [file.read_text("ascii").strip() for file in sorted((root / "sys/class/drm").glob("card?/device/vendor"))]
    return found + [f"an AMD GPU ({AMD})" for vendor in vendors if vendor == AMD]


def takes_gpu(probe: Probe) -> bool:
    """Whether this llama.cpp was compiled for one."""
    asked = "from bdchat.engine.llama.library import supports_gpu_offload as g; raise SystemExit(0 if g() else 3)"
    return probe([sys.executable, "-c", asked]).returncode == 0


def check_gpu(gpus: Sequence[str], takes_them: bool, n_gpu_layers: int) -> Check:
    """One that lies idle is no fault, but where the settings ask for it."""
    build = f"compile llama.cpp for it: {GPU_BUILD}"
    if not gpus:
        detail = "none found; the CPU does the work"
        return Check("gpu", n_gpu_layers <= 0, detail, "unset engine.n_gpu_layers, or install the GPU's driver")
    if takes_them:
        return Check("gpu", True, f"{', '.join(gpus)}; llama.cpp was compiled for a GPU")
    detail = f"{', '.join(gpus)}, unused: this llama.cpp was compiled for the CPU alone; {build}"
    return Check("gpu", n_gpu_layers <= 0, detail, build)


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


def check_database(settings: Settings) -> Check:
    """Read beside whoever serves it; nothing is written."""
    if settings.store.url is not None:
        return Check("database", True, "PostgreSQL; the server looks at it when it starts")
    path = settings.data_dir / FILE_NAME
    remedy = "before anything else copy the data directory away; bdchat backup FILE saves what can be read"
    try:
        if not path.exists():
            require_no_earlier_life(path)
            return Check("database", True, "none yet; the first start makes it")
        revision = examine_file(path)
    except StoreError as error:
        return Check("database", False, str(error), remedy)
    except OSError as error:
        return Check("database", False, f"{path}: {error.strerror}", "make it readable for this user (chown)")
    if revision is not None and revision > HEAD:
        return Check("database", False, f"written by a newer bdchat (revision {revision})", "update bdchat")
    older = "" if revision == HEAD else "; the next start brings its schema up to date"
    return Check("database", True, f"{path.stat().st_size / 1e6:.1f} MB, can be read{older}")


def check_network(settings: Settings, own: Sequence[str], answers: Callable[[str], bool]) -> Check:
    """`own`: this machine's addresses in its networks. What a firewall lets through nobody knows from here."""
    port = settings.server.port
    if reached := [address for address in own if answers(address)]:
        return Check(
            "network", True, f"the running server answers at {', '.join(f'{each}:{port}' for each in reached)}"
        )
    if settings.server.host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        detail = f"others come by {', '.join(f'{each}:{port}' for each in own) or 'no address: there is no network'}"
        return Check("network", bool(own), detail, "connect this machine to a network, or start without --lan")
    return Check("network", True, "this machine alone; bdchat serve --lan lets others of its network in")


def check_port(host: str, port: int, scheme: str = "http") -> Check:
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
    if health(LOOPBACK if host in {"0.0.0.0", "::"} else host, port, scheme) is not None:  # noqa: S104
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


def check_weights(model: InstalledModel, settings: Settings) -> Check:
    """What was found out about their encoding; never a fault."""
    if settings.engine.weights == "file":
        return Check("weights", True, "as in the file (engine.weights)")
    known = [found for found in verdicts(settings.data_dir / "cache") if found.model_path == str(model.path.absolute())]
    if not known:
        return Check("weights", True, f"not measured yet: the first load does it, or bdchat optimize {model.name}")
    found = known[0]
    gain = ""
    if found.before is not None and found.after is not None:
        prompt, alone = found.after.prompt / found.before.prompt, found.after.alone / found.before.alone
        gain = f" Prompts × {prompt:.1f}, one answer × {alone:.1f}."
    near = f" Mean KL {found.fidelity.mean_kl:.4f}." if found.fidelity else ""
    return Check("weights", True, f"{found.reason}{gain}{near}")


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
    foretold = header.memory_need(num_tokens, n_batch=settings.engine.n_batch, cpu_features=cpu_features())
    need = foretold.total
    detail = f"{_gib(need)} needed for {num_tokens} tokens of context, {_gib(free_bytes)} free"
    if foretold.repacked:
        detail += f"; {_gib(foretold.resident)} in use while there is room, for this CPU reads weights in its own order"
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


def health(host: str, port: int, scheme: str = "http") -> dict[str, Any] | None:
    """What a bdchat at that address says of itself. None: none answers."""
    address = f"[{host}]" if ":" in host else host
    try:
        # Only whether it answers is asked; its certificate may be one that it made itself.
        answer = httpx.get(f"{scheme}://{address}:{port}/health", timeout=2.0, trust_env=False, verify=False)  # noqa: S501
        document = answer.json()
    except (httpx.HTTPError, ValueError):
        return None
    is_ours = answer.status_code in {200, 503} and isinstance(document, dict)
    return document if is_ours and document.get("status") in {"ok", "draining"} else None


def served_models(document: dict[str, Any] | None) -> list[str]:
    """Of a server that tells this machine; with server.api_key it does not."""
    return [str(model["id"]) for model in (document or {}).get("models", [])]


def _existing(path: Path) -> Path:
    """The nearest folder on the way to `path` that is there and may be seen."""
    return next(folder for folder in (path, *path.parents) if os.path.exists(folder))


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / GIB:.1f} GiB"
