"""Compiles llama-cpp-python once per (version, flags, compiler, CPU) and keeps the wheel.

pip's wheel cache knows only the version, so it would hand a wheel compiled for another CPU, or without the flags below,
to a machine on which it dies. Our wheels lie in CACHE/wheels/VERSION-KEY, and KEY is everything that shapes the code.

The compiler trap: GCC up to 12 declares `_tile_loadconfig` as reading 8 bytes of the 64-byte tile configuration and
deletes the other stores as dead; the first matrix multiplication on AMX then faults (llama.cpp #20824). Two flags keep
the stores.

native.cmake beside this file says what of llama.cpp is left out: more than half of what its build would compile.

Standard library only: it runs before anything is installed. `scripts/bench` compiles its peer with the same arguments.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bootstrap_console import Board, BootstrapError, Command, run, say

LEAVES_OUT = Path(__file__).with_name("native.cmake")
KEEP_TILE_STORES = ("-fno-tree-dse", "-fno-dse")
LAST_GCC_WITH_THE_TRAP = 12
BYTES_PER_COMPILER = 1536 * 1024 * 1024  # one g++ -O3 on the largest file of llama.cpp
PACKAGE = "llama-cpp-python"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that shapes the compiled code; its hash names the wheel's folder."""

    version: str
    source: str  # sha256 of the two locks, the sdist and the tools that compile it, and of what is left out
    compiler: str  # first line of `c++ --version`
    machine: str
    cpu: str  # sha256 of the CPU's feature flags, which -march=native turns into instructions
    cmake_args: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]  # CC, CXX, CFLAGS … where set

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def current_recipe(root: Path, environ: Mapping[str, str]) -> Recipe:
    locks = (root / "requirements-native.lock", root / "requirements-native-build.lock")
    text = locks[0].read_text("utf-8")
    found = re.search(rf"^{PACKAGE}==(\S+)", text, re.MULTILINE)
    assert found, f"{locks[0]} names no {PACKAGE}"
    flags = cpu_flags()
    compiler = compiler_version(environ)
    shaping = ("CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS")
    return Recipe(
        version=found.group(1),
        source=hashlib.sha256(b"".join(each.read_bytes() for each in (*locks, LEAVES_OUT))).hexdigest(),
        compiler=compiler,
        machine=os.uname().machine,
        cpu=hashlib.sha256(" ".join(sorted(flags)).encode()).hexdigest(),
        cmake_args=cmake_args(environ, has_trap=has_amx_trap(compiler, flags)),
        environment=tuple((name, environ[name]) for name in shaping if environ.get(name)),
    )


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The first core's feature flags ("flags" on x86, "Features" on ARM); empty where the file does not exist."""
    try:
        text = cpuinfo.read_text("utf-8", errors="replace")
    except OSError:
        return frozenset()
    found = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", text, re.MULTILINE)
    return frozenset(found.group(1).split()) if found else frozenset()


def compiler_command(environ: Mapping[str, str]) -> list[str]:
    """The C++ compiler as CMake would find it; empty when there is none."""
    named = shlex.split(environ.get("CXX", ""))
    candidates = [named] if named else [["c++"], ["g++"], ["clang++"]]
    return next((command for command in candidates if shutil.which(command[0])), [])


def compiler_version(environ: Mapping[str, str]) -> str:
    """First line of the compiler's --version, "" when there is none."""
    command = compiler_command(environ)
    if not command:
        return ""
    shown = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return shown.stdout.partition("\n")[0].strip()


def gcc_major(compiler: str) -> int | None:
    """12 for "c++ (Debian 12.2.0-14) 12.2.0"; None for another compiler."""
    if "clang" in compiler.lower():
        return None
    found = re.search(r"\)\s+(\d+)\.\d+", compiler)
    return int(found.group(1)) if found else None


def has_amx_trap(compiler: str, flags: frozenset[str]) -> bool:
    major = gcc_major(compiler)
    return major is not None and major <= LAST_GCC_WITH_THE_TRAP and "amx_tile" in flags


def cmake_args(environ: Mapping[str, str], *, has_trap: bool) -> tuple[str, ...]:
    """The user's own CMAKE_ARGS, with the two flags joined to his compiler flags where the trap is.

    CMake ignores CFLAGS and CXXFLAGS once CMAKE_*_FLAGS is given, so those are joined too.
    """
    args = shlex.split(environ.get("CMAKE_ARGS", ""))
    if not has_trap:
        return tuple(args)
    for language, variable in (("C", "CFLAGS"), ("CXX", "CXXFLAGS")):
        option = f"-DCMAKE_{language}_FLAGS"
        given = [arg for arg in args if re.match(rf"{option}(:\w+)?=", arg)]
        own = given[-1].partition("=")[2] if given else environ.get(variable, "")
        args = [arg for arg in args if arg not in given]
        args.append(f"{option}={' '.join([*own.split(), *KEEP_TILE_STORES])}")
    return tuple(args)


def build_environment(recipe: Recipe, environ: Mapping[str, str]) -> dict[str, str]:
    """For a build of llama.cpp through scikit-build-core, which splits CMAKE_ARGS as a shell would. The path of
    native.cmake is no part of the recipe: its text is, and checkouts share wheels."""
    env = dict(environ)
    env["CMAKE_ARGS"] = shlex.join([f"-DCMAKE_PROJECT_llama_cpp_INCLUDE={LEAVES_OUT}", *recipe.cmake_args])
    env.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(num_compilers()))
    return env


def num_compilers() -> int:
    """As many at once as there are cores, and memory for."""
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text("utf-8"), re.MULTILINE)
    except OSError:
        found = None
    cores = len(os.sched_getaffinity(0))
    return max(1, min(cores, int(found.group(1)) * 1024 // BYTES_PER_COMPILER)) if found else cores


def find_wheel(recipe: Recipe, cache_dir: Path) -> Path | None:
    return next(iter(sorted(_wheel_dir(recipe, cache_dir).glob("*.whl"))), None)


def build_wheel(
    recipe: Recipe, *, root: Path, cache_dir: Path, environ: Mapping[str, str], board: Board | None = None
) -> Path:
    """Downloads the sdist (hash-checked), compiles it with locked tools, keeps the wheel. Minutes."""
    if not recipe.compiler:
        raise BootstrapError("there is no C++ compiler", "apt-get install g++ (Debian, Ubuntu), or set CC and CXX")
    if recipe.cmake_args:
        say(f"compiling with {shlex.join(recipe.cmake_args)}")
    target = _wheel_dir(recipe, cache_dir)
    target.parent.mkdir(parents=True, exist_ok=True)
    logs, sources = cache_dir / "logs", cache_dir / "sdist"
    with tempfile.TemporaryDirectory(prefix="build-", dir=cache_dir) as scratch:  # /tmp may be small and in memory
        tools = Path(scratch, "tools")
        room: Command = [sys.executable, "-m", "venv", tools]
        run("making a room for the compiler", room, log=logs / "native-venv.log", board=board)
        pip: Command = [tools / "bin" / "python", "-m", "pip", "--no-input", "--disable-pip-version-check"]
        env = build_environment(recipe, environ)
        env["TMPDIR"] = scratch
        env["PATH"] = f"{tools / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
        lock = root / "requirements-native-build.lock"
        getting: Command = [*pip, "install", "--require-hashes", "--only-binary", ":all:", "-r", lock]
        run("getting cmake and ninja", getting, log=logs / "native-tools.log", env=env, board=board)
        source: list[str | Path] = ["--require-hashes", "--no-deps", "--no-build-isolation", "--no-binary", PACKAGE]
        source += ["-r", str(root / "requirements-native.lock")]
        run(
            "getting the source of llama.cpp (70 MB)",
            [*pip, "download", *source, "--dest", sources],
            log=logs / "native-download.log",
            env=env,
            board=board,
        )
        offline: Command = ["--no-cache-dir", "--no-index", "--find-links", str(sources)]
        built = Path(scratch, "wheel")
        run(
            "compiling llama.cpp (once per machine, 2 to 8 minutes)",
            [*pip, "wheel", "--verbose", *offline, *source, "--wheel-dir", built],
            log=logs / "native-build.log",
            env=env,
            board=board,
        )
        return _keep(built, target, recipe)


def _keep(built: Path, target: Path, recipe: Recipe) -> Path:
    """Moves the wheel in place as the last act, so that a folder with a wheel is a whole one."""
    wheel = next(iter(built.glob("*.whl")))
    target.mkdir(exist_ok=True)
    (target / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n", "utf-8")
    part = target / f"{wheel.name}.part"
    shutil.copyfile(wheel, part)
    return part.replace(target / wheel.name)


def _wheel_dir(recipe: Recipe, cache_dir: Path) -> Path:
    return cache_dir / "wheels" / f"{recipe.version}-{recipe.key}"
