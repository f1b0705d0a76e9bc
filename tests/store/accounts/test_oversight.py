"""What an admin sees over all accounts: whole, in order, in one statement per page."""

import pytest
from sqlmodel import Session

from bdchat.store.accounts import audit, keys, logins, oversight, users
from bdchat.store.accounts.audit import NamedActor
from bdchat.store.accounts.oversight import AuditFilter
from bdchat.store.sql.database import Database
from tests.store.chat_rows import make_user, talk

pytestmark = pytest.mark.anyio


async def test_a_page_of_users_is_one_statement(database: Database) -> None:
    def fill(db: Session) -> None:
        for number in range(5):
            user_id = make_user(db, f"user{number}")
            for _ in range(number):
                talk(db, user_id, "hi")
            keys.create(db, user_id, key_hash=f"h{number}", prefix="bd-")
            logins.create(db, user_id, token_hash=f"t{number}", client="", ip="", lifetime_ms=1000)

    await database.write(fill)
    num_before = database.num_statements
    rows = await database.read(lambda db: oversight.users(db, limit=3))
    assert database.num_statements - num_before <= 2  # SQLite's BEGIN is one
    last = rows[-1].user.user_id
    rest = await database.read(lambda db: oversight.users(db, limit=3, before=last))
    assert (len(rows), len(rest)) == (3, 2)
    assert sorted((row.user.username, row.num_sessions, row.num_keys, row.num_logins) for row in (*rows, *rest)) == [
        (f"user{number}", number, 1, 1) for number in range(5)
    ]


async def test_users_are_found_by_either_name_and_no_pattern_means_anything(database: Database) -> None:
    def fill(db: Session) -> None:
        make_user(db, "kim")
        users.change(db, make_user(db, "lee"), display_name="100% Kim_Lee")

    await database.write(fill)

    async def found(search: str) -> set[str]:
        rows = await database.read(lambda db: oversight.users(db, limit=9, search=search))
        return {row.user.username for row in rows}

    assert await found("KIM") == {"kim", "lee"}
    assert await found("ｋｉｍ") == {"kim", "lee"}
    assert await found("%") == {"lee"}
    assert await found("m_l") == {"lee"}
    assert await found("'; DROP TABLE user; --") == set()


async def test_the_audit_log_is_filtered(database: Database) -> None:
    def fill(db: Session) -> None:
        audit.record(db, NamedActor("1", "kim"), "key.create", "k")
        audit.record(db, NamedActor("1", "kim"), "key", "k")
        audit.record(db, NamedActor("2", "lee"), "keyboard", "k")

    await database.write(fill)

    async def actions(wanted: AuditFilter) -> set[str]:
        return {entry.action for entry in await database.read(lambda db: oversight.audit(db, wanted, limit=9))}

    assert await actions(AuditFilter()) == {"keyboard", "key", "key.create"}
    assert await actions(AuditFilter(action="key")) == {"key", "key.create"}
    assert await actions(AuditFilter(actor="lee")) == {"keyboard"}
    assert await actions(AuditFilter(actor="1", action="key.create")) == {"key.create"}
    assert await actions(AuditFilter(until_ms=1)) == set()
    assert len(await actions(AuditFilter(since_ms=1))) == 3


async def test_all_keys_are_listed_with_their_owners(database: Database) -> None:
    def fill(db: Session) -> str:
        kim, lee = make_user(db, "kim"), make_user(db, "lee")
        keys.create(db, kim, key_hash="1", prefix="bd-1")
        revoked = keys.create(db, lee, key_hash="2", prefix="bd-2")
        keys.revoke(db, lee, revoked.key_id)
        return kim

    kim = await database.write(fill)
    good = await database.read(lambda db: oversight.keys(db, limit=9))
    assert [(row.username, row.key.prefix) for row in good] == [("kim", "bd-1")]
    everything = await database.read(lambda db: oversight.keys(db, limit=9, with_revoked=True))
    assert {row.username for row in everything} == {"lee", "kim"}
    assert len(await database.read(lambda db: oversight.keys(db, limit=9, user_id=kim))) == 1
    totals = await database.read(oversight.totals)
    assert (totals.num_users, totals.num_sessions, totals.num_messages) == (2, 0, 0)
