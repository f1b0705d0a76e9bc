"""`bdchat user …` as a person sees it: passwords from standard input, one sentence each."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bdchat import user_console
from bdchat.cli import app
from bdchat.settings import StoreSettings, load
from bdchat.store.accounts import audit, logins, users
from bdchat.store.sql.database import Database
from tests.api.serving import PASSWORD


def run(folder: Path, *arguments: str, typed: str = PASSWORD) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["user", *arguments, "--data-dir", str(folder)], input=f"{typed}\n")
    return result.exit_code, result.output.strip()


def reading(folder: Path, work: Callable[..., Any]) -> Any:
    async def read() -> Any:
        async with Database(StoreSettings(), folder) as database:
            return await database.write(work)

    return asyncio.run(read())


def test_the_first_account_is_an_admins_the_next_a_users(tmp_path: Path) -> None:
    assert run(tmp_path, "list") == (0, "There are no accounts yet: `bdchat user add NAME` creates the admin account.")
    assert run(tmp_path, "add", "Ann") == (0, "Ann is an admin: the first account always is.")
    assert run(tmp_path, "add", "bob") == (0, "bob is a user.")
    assert run(tmp_path, "add", "cid", "--admin") == (0, "cid is an admin.")
    code, said = run(tmp_path, "list")
    assert code == 0
    assert [line.split()[:2] for line in said.splitlines()] == [["Ann", "admin"], ["bob", "user"], ["cid", "admin"]]
    entries = reading(tmp_path, lambda db: audit.page(db, limit=10))
    assert {(entry.action, entry.actor_name) for entry in entries} == {("user.create", "console")}


def test_a_name_that_looks_like_anothers_is_refused(tmp_path: Path) -> None:
    run(tmp_path, "add", "alice")
    for name, why in (("AIice", "looks like one that is taken"), ("аlice", "one script"), ("ㅤㅤ", "2 to 64 letters")):
        code, said = run(tmp_path, "add", name)
        assert code != 0
        assert why in said.replace("\n", " ")
    assert len(run(tmp_path, "list")[1].splitlines()) == 1


def test_a_new_password_ends_the_logins(tmp_path: Path) -> None:
    run(tmp_path, "add", "ann")

    def sign_in(db: Any) -> str:
        user = users.by_name(db, "ann")
        assert user is not None
        logins.create(db, user.user_id, token_hash="h", client="", ip="", lifetime_ms=1000)
        return user.password_hash

    former = reading(tmp_path, sign_in)
    said = run(tmp_path, "reset-password", "ANN", typed="walrus umbrella seven")
    assert said == (0, "ann has a new password; its logins (1) have ended.")
    user = reading(tmp_path, lambda db: users.by_name(db, "ann"))
    assert user.password_hash != former


def test_an_account_is_disabled_and_enabled_but_never_the_last_admin(tmp_path: Path) -> None:
    run(tmp_path, "add", "ann")
    run(tmp_path, "add", "bob")
    assert run(tmp_path, "disable", "bob") == (0, "bob cannot sign in any more.")
    assert "disabled" in run(tmp_path, "list")[1]
    assert run(tmp_path, "enable", "bob") == (0, "bob can sign in again.")
    code, said = run(tmp_path, "disable", "ann")
    assert code == 1
    assert "only admin" in said


@pytest.mark.parametrize(
    ("arguments", "typed", "named"),
    [
        (("add", "ann"), PASSWORD, "already"),
        (("add", "x"), PASSWORD, "2 to 64"),
        (("add", "bob"), "short", "8 to 256"),
        (("add", "bob"), "password1", "anybody"),
        (("reset-password", "bob"), PASSWORD, "bdchat user list"),
        (("disable", "bob"), PASSWORD, "no account"),
    ],
)
def test_what_does_not_work_is_one_line(tmp_path: Path, arguments: tuple[str, ...], typed: str, named: str) -> None:
    run(tmp_path, "add", "ann")
    code, said = run(tmp_path, *arguments, typed=typed)
    assert (code, said.count("\n")) == (1, 0)
    assert said.startswith("bdchat: ")
    assert named in said


def test_a_database_that_another_holds_is_read_and_what_cannot_be_asked_is_named(tmp_path: Path) -> None:
    """As while `bdchat restore` runs: the lock is taken, and no server listens."""
    run(tmp_path, "add", "ann")

    async def try_it() -> list[tuple[int, str]]:
        async with Database(StoreSettings(), tmp_path):
            return [await asyncio.to_thread(run, tmp_path, *words) for words in (["list"], ["disable", "ann"])]

    (code, listed), (refused, said) = asyncio.run(try_it())
    assert (code, listed.split()[:2]) == (0, ["ann", "admin"])
    assert (refused, said.count("\n")) == (1, 0)
    assert "admin page (Accounts)" in said


def test_at_a_terminal_the_password_is_typed_twice_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([PASSWORD, PASSWORD, PASSWORD, "something else"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    monkeypatch.setattr("sys.stdin", Terminal())
    settings = load(data_dir=tmp_path)
    assert "ann is an admin" in user_console.add(settings, "ann", is_admin=False)
    with pytest.raises(user_console.UserRefused, match="differ"):
        user_console.add(settings, "bob", is_admin=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
