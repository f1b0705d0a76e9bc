"""Installs the clients that tests/clients runs (SDKs, frameworks, adapters), in an environment of their own.

    python3 scripts/bootstrap_clients.py

Their packages never mix with the server's. What two lock files name (requirements-clients.lock, tests/clients/
package-lock.json) lies in the cache under a hash of both, for every checkout; two links in tests/clients, .venv and
node_modules, lead there. Node is the page's own (bootstrap_webui.py).

Coding agents are programs of hundreds of megabytes. They lie apart, by tests/clients/coding_agents/package-lock.json: a
change of the others does not fetch them again, and a download that fails takes no test with it but theirs.

Standard library only; needs the .venv that bootstrap.py makes.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap import ROOT, Place, alone, cache_dir, require_owner
from bootstrap_console import BootstrapError, Command, as_told, run, say
from bootstrap_webui import Node, Page, ready_node

CLIENTS = Path("tests", "clients")  # below the checkout
AGENTS = CLIENTS / "coding_agents"
LINKED = {".venv": "python", "node_modules": "node/node_modules"}  # in CLIENTS → in an installation
NODE_FILES = ("package.json", "package-lock.json", ".npmrc")
NUM_KEPT = 2


@dataclass(frozen=True, slots=True)
class Installation:
    """`folder` holds what the locks name once `done` exists, which is written last."""

    folder: Path

    @property
    def done(self) -> Path:
        return self.folder / "done"

    @property
    def python(self) -> Path:
        return self.folder / "python" / "bin" / "python"

    @property
    def node(self) -> Path:
        return self.folder / "node"


def main() -> int:
    place = Place(ROOT, cache_dir(os.environ))
    try:
        prepare(place, os.environ)
        try:
            prepare_agents(place, os.environ)
        except (BootstrapError, OSError) as error:
            complain(error)
            say("the tests of coding agents will fail; all others can run")
    except (BootstrapError, OSError) as error:
        complain(error)
        return 1
    except KeyboardInterrupt:
        say("stopped; start again and it goes on from the last finished step")
        return 130
    return 0


def complain(error: BootstrapError | OSError) -> None:
    failure = as_told(error)
    say(f"{failure.problem}\n        → {failure.remedy}")


def prepare(place: Place, environ: Mapping[str, str]) -> None:
    kept = place.cache_dir / "clients"
    wanted = Installation(kept / key_of(place.root, f"{sys.executable} {sys.version}"))
    if not wanted.done.exists():
        with alone(place.cache_dir / "clients.lock"):
            if not wanted.done.exists():  # the one we waited for has not done it
                shutil.rmtree(wanted.folder, ignore_errors=True)
                install_python(wanted, place)
                install_node(wanted, place, ready_node(Page(place), environ))
                wanted.done.touch()
                forget_old(kept)
    os.utime(wanted.folder)
    link(wanted, place.root)


def prepare_agents(place: Place, environ: Mapping[str, str]) -> None:
    kept = place.cache_dir / "coding-agents"
    wanted = Installation(kept / agents_key(place.root))
    if not wanted.done.exists():
        with alone(place.cache_dir / "coding-agents.lock"):
            if not wanted.done.exists():
                shutil.rmtree(wanted.folder, ignore_errors=True)
                install_agents(wanted, place, ready_node(Page(place), environ))
                wanted.done.touch()
                forget_old(kept)
    os.utime(wanted.folder)
    point(place.root / AGENTS / "node_modules", wanted.node / "node_modules", place.root)


def key_of(root: Path, interpreter: str) -> str:
    """Of all that decides what is installed."""
    sources = [root / "requirements-clients.lock", *(root / CLIENTS / name for name in NODE_FILES)]
    return _hash(interpreter.encode(), *(source.read_bytes() for source in sources))


def agents_key(root: Path) -> str:
    return _hash(*(source.read_bytes() for source in agents_sources(root)))


def agents_sources(root: Path) -> list[Path]:
    return [root / AGENTS / "package.json", root / AGENTS / "package-lock.json", root / CLIENTS / ".npmrc"]


def _hash(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:16]


def install_python(wanted: Installation, place: Place) -> None:
    logs = place.cache_dir / "logs"
    bare: Command = [sys.executable, "-m", "venv", "--without-pip", wanted.folder / "python"]
    run("making the clients' environment", bare, log=logs / "clients-venv.log")
    pip: Command = [place.python, "-m", "pip", "--python", wanted.python, "--no-input", "--disable-pip-version-check"]
    # Without dependencies: the lock has all of them but what scripts/lock leaves out.
    options: Command = ["--no-compile", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    lock = place.root / "requirements-clients.lock"
    run(
        "installing the clients of the tests (110 MB)",
        [*pip, "install", *options, "-r", lock],
        log=logs / "clients-python.log",
    )


def install_node(wanted: Installation, place: Place, node: Node) -> None:
    wanted.node.mkdir()
    for name in NODE_FILES:
        shutil.copyfile(place.root / CLIENTS / name, wanted.node / name)
    command: Command = [*node.npm, "--prefix", wanted.node, "ci", "--prefer-offline"]
    log = place.cache_dir / "logs" / "clients-node.log"
    run("installing the clients for Node (25 MB)", command, log=log, env=node.environment(os.environ))
    (wanted.node / "node_modules" / ".bin" / "node").symlink_to(node.bin_dir / "node")


def install_agents(wanted: Installation, place: Place, node: Node) -> None:
    wanted.node.mkdir(parents=True)
    for source in agents_sources(place.root):
        shutil.copyfile(source, wanted.node / source.name)
    downloads = wanted.folder / "downloads"  # unpacked they are what is kept
    command: Command = [*node.npm, "--prefix", wanted.node, "--cache", downloads, "ci"]
    log = place.cache_dir / "logs" / "coding-agents.log"
    run("installing coding agents for the tests (360 MB)", command, log=log, env=node.environment(os.environ))
    shutil.rmtree(downloads, ignore_errors=True)


def link(wanted: Installation, root: Path) -> None:
    for name, target in LINKED.items():
        point(root / CLIENTS / name, wanted.folder / target, root)


def point(here: Path, there: Path, root: Path) -> None:
    if here.is_symlink() and here.readlink() == there:
        return
    require_owner(root, "bootstrap_clients.py")
    fresh = here.with_name(f"{here.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(there)
    fresh.replace(here)


def forget_old(kept: Path) -> None:
    """Those that were used last are kept: other checkouts may link to them."""
    by_age = sorted((each for each in kept.iterdir() if each.is_dir()), key=lambda each: -each.stat().st_mtime)
    for old in by_age[NUM_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
