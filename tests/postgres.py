"""A PostgreSQL server for tests: its own folder, a Unix socket only, no durability (tests of that use SQLite)."""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psycopg


def postgres_binaries() -> Path | None:
    """Where initdb and postgres are; Debian keeps them out of PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


class Postgres:
    """`with`: running. PostgreSQL refuses to run as root, so root lends it another account."""

    def __init__(self) -> None:
        binaries = postgres_binaries()
        assert binaries is not None
        self._binaries = binaries
        # Not below pytest's folder: each pytest that starts shuts that to other accounts. A socket's path: 107 bytes.
        self._socket = Path(tempfile.mkdtemp(prefix="bdchat-pg-", dir="/tmp"))
        self._data = self._socket / "data"
        self._numbers = itertools.count()
        self._account = _unprivileged_account()

    def __enter__(self) -> Self:
        self._socket.chmod(0o755)
        self._give(self._socket)
        self._run("initdb", "-D", str(self._data), "-U", "bdchat", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        careless = "-c fsync=off -c full_page_writes=off -c autovacuum=off"
        options = f"-k {self._socket} -c listen_addresses='' {careless} -c max_connections=100"
        log = str(self._data / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")
        return self

    def __exit__(self, *_: object) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")
        shutil.rmtree(self._socket, ignore_errors=True)

    def new_database(self, *, like: str | None = None) -> str:
        """Its URL. `like`: the URL of one to be copied; None: it is empty."""
        name = f"test_{next(self._numbers)}"
        template = urlsplit(like).path.removeprefix("/") if like else "template1"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql://bdchat@/{name}?host={self._socket}"

    def _run(self, program: str, *arguments: str) -> None:
        path = self._binaries / program
        subprocess.run(
            [str(path if path.exists() else shutil.which(program)), *arguments],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            cwd="/",
            user=self._account,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )

    def _give(self, folder: Path) -> None:
        if self._account is not None:
            shutil.chown(folder, self._account)


def _unprivileged_account() -> str | None:
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
