"""Makes the servers that we compare with, in the cache folder: compiled from the pinned sdist, or installed apart.

A peer lies in CACHE/peers/NAME-VERSION-KEY, and KEY is what shapes its code, as for our own wheel: it is made once and
whole (its folder is moved in place as the last act).
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
from dataclasses import asdict
from pathlib import Path

from bootstrap import alone, cache_dir
from bootstrap_console import BootstrapError, run
from bootstrap_native import PACKAGE, Recipe, build_environment, build_wheel, current_recipe, find_wheel

from .servers import ROOT

# The wheel is a Release build of shared libraries; one static program with the same position-independent code runs the
# same kernels and can be moved. No TLS, no web page: neither is measured and both would want the network.
LLAMA_SERVER_ARGS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=OFF",
    "-DCMAKE_POSITION_INDEPENDENT_CODE=ON",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_APP=OFF",
)
TARGETS = ("llama-server", "llama-batched-bench")


def llama_server() -> Path:
    """The program, built on first use with our wheel's compiler and arguments: about 7 minutes on two cores."""
    recipe = current_recipe(ROOT, os.environ)
    cache = cache_dir(os.environ)
    target = _folder(cache, "llama-server", recipe, LLAMA_SERVER_ARGS)
    if not (target / "llama-server").exists():
        with alone(cache / "peers.lock"):
            if not (target / "llama-server").exists():
                _build_llama_server(recipe, cache, target)
    return target / "llama-server"


def llama_cpp_python() -> Path:
    """A Python that can run `-m llama_cpp.server`: our wheel with its server extra, in a room of its own."""
    recipe = current_recipe(ROOT, os.environ)
    cache = cache_dir(os.environ)
    target = _folder(cache, "llama-cpp-python", recipe, ())
    python = target / "bin" / "python"
    with alone(cache / "peers.lock"):
        if not (target / "ready").exists():
            wheel = find_wheel(recipe, cache) or build_wheel(recipe, root=ROOT, cache_dir=cache, environ=os.environ)
            logs = cache / "logs"
            run("making a room for the peer", [sys.executable, "-m", "venv", "--clear", target], log=logs / "peer.log")
            pip: list[str | Path] = [python, "-m", "pip", "--no-input", "--disable-pip-version-check", "install"]
            run("installing llama-cpp-python's server", [*pip, f"{wheel}[server]"], log=logs / "peer-packages.log")
            (target / "ready").touch()
    return python


def _folder(cache: Path, name: str, recipe: Recipe, args: tuple[str, ...]) -> Path:
    key = hashlib.sha256(json.dumps([recipe.key, *args]).encode()).hexdigest()[:12]
    return cache / "peers" / f"{name}-{recipe.version}-{key}"


def _build_llama_server(recipe: Recipe, cache: Path, target: Path) -> None:
    logs = cache / "logs"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="peer-", dir=cache) as scratch:
        tools = Path(scratch, "tools")
        run("making a room for the compiler", [sys.executable, "-m", "venv", tools], log=logs / "peer-venv.log")
        pip: list[str | Path] = [tools / "bin" / "python", "-m", "pip", "--no-input", "--disable-pip-version-check"]
        env = build_environment(recipe, os.environ)
        env["TMPDIR"] = scratch
        env["PATH"] = f"{tools / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
        checked: list[str | Path] = [
            "--require-hashes",
            "--only-binary",
            ":all:",
            "-r",
            ROOT / "requirements-native-build.lock",
        ]
        run("getting cmake and ninja", [*pip, "install", *checked], log=logs / "peer-tools.log", env=env)
        source = _unpack(_sdist(cache, pip, env), Path(scratch, "source"))
        build = Path(scratch, "build")
        configure: list[str | Path] = [
            "cmake",
            "-G",
            "Ninja",
            "-S",
            source,
            "-B",
            build,
            *recipe.cmake_args,
            *LLAMA_SERVER_ARGS,
        ]
        run("configuring llama-server", configure, log=logs / "peer-configure.log", env=env)
        compile_: list[str | Path] = ["cmake", "--build", build, "--target", *TARGETS]
        run("compiling llama-server (once, 5 to 15 minutes)", compile_, log=logs / "peer-build.log", env=env)
        made = Path(scratch, "made")
        made.mkdir()
        for name in TARGETS:
            shutil.copy2(build / "bin" / name, made / name)
        recipe_text = json.dumps({**asdict(recipe), "llama_server_args": LLAMA_SERVER_ARGS}, indent=2)
        (made / "recipe.json").write_text(recipe_text + "\n", "utf-8")
        shutil.rmtree(target, ignore_errors=True)  # a torn folder of an earlier version of this file
        made.replace(target)


def _sdist(cache: Path, pip: list[str | Path], env: dict[str, str]) -> Path:
    """The pinned source with a hash that the lock names; what the wheel's build left in the cache serves too."""
    lock = ROOT / "requirements-native.lock"
    hashes = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", lock.read_text("utf-8")))
    folder = cache / "sdist"
    if (found := _with_hash(folder, hashes)) is None:
        command = [*pip, "download", "--require-hashes", "--no-deps", "--no-build-isolation", "--no-binary", PACKAGE]
        command += ["-r", lock, "--dest", folder]
        run("getting the source of llama.cpp (70 MB)", command, log=cache / "logs" / "peer-download.log", env=env)
        found = _with_hash(folder, hashes)
    if found is None:
        raise BootstrapError(f"{folder} holds no source of {PACKAGE} with a hash of {lock.name}", f"empty {folder}")
    return found


def _with_hash(folder: Path, hashes: set[str]) -> Path | None:
    for path in sorted(folder.glob("llama_cpp_python-*.tar.gz")):
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() in hashes:
                return path
    return None


def _unpack(sdist: Path, target: Path) -> Path:
    with tarfile.open(sdist) as archive:
        archive.extractall(target, filter="data")
    return next(target.glob("*/vendor/llama.cpp"))
