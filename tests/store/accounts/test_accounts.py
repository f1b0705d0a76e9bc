"""Accounts and what hangs on them, on both databases."""

import asyncio

import pytest
from sqlmodel import Session

from bdchat.store.accounts import audit, invitations, keys, logins, users
from bdchat.store.chats import history, messages, sessions
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import User

pytestmark = pytest.mark.anyio
DAY_MS = 86_400_000


def make(db: Session, username: str = "ann", role: str = "user") -> User:
    return users.create_user(db, username=username, password_hash="x", role=role)


async def user(database: Database, username: str = "ann", role: str = "user") -> str:
    return (await database.write(lambda db: make(db, username, role))).user_id


@pytest.mark.parametrize("other", ["ANN", " ann ", "ａｎｎ"])
async def test_a_name_is_one_account_however_it_is_written(database: Database, other: str) -> None:
    await user(database, "ann")
    with pytest.raises(Conflict) as refused:
        await user(database, other)
    assert refused.value.param == "username"
    found = await database.read(lambda db: users.by_name(db, other))
    assert found is not None
    assert found.username == "ann"


async def test_there_is_one_first_account_and_it_is_the_admins(database: Database) -> None:
    await database.write(lambda db: users.set_setup_code(db, "hash"))

    def first(name: str) -> "asyncio.Future[User]":
        return asyncio.ensure_future(
            database.write(lambda db: users.create_first(db, username=name, password_hash="x", role="user"))
        )

    outcomes = await asyncio.gather(*(first(name) for name in ("ann", "bob", "cid")), return_exceptions=True)
    made = [outcome for outcome in outcomes if isinstance(outcome, User)]
    assert [each.role for each in made] == ["admin"]
    assert [type(each) for each in outcomes if each is not made[0]] == [Conflict, Conflict]
    assert await database.read(users.setup_code_hash) is None


async def test_the_last_admin_stays(database: Database) -> None:
    ann, bob = await user(database, "ann", "admin"), await user(database, "bob", "admin")
    await database.write(lambda db: users.set_disabled(db, bob, is_disabled=True))
    with pytest.raises(Conflict):
        await database.write(lambda db: users.set_disabled(db, ann, is_disabled=True))
    await database.write(lambda db: users.set_disabled(db, bob, is_disabled=False))
    await database.write(lambda db: users.set_disabled(db, ann, is_disabled=True))


async def test_a_login_is_found_with_its_user_in_one_query(database: Database) -> None:
    ann = await user(database)
    login = await database.write(
        lambda db: logins.create(db, ann, token_hash="h", client="x" * 999, ip="::1", lifetime_ms=DAY_MS)
    )
    before = database.num_statements
    found = await database.read(lambda db: logins.with_user(db, "h"))
    assert database.num_statements <= before + 4  # with SQLite's BEGIN
    assert found is not None
    assert (found[0].login_id, found[1].username, len(found[0].client)) == (login.login_id, "ann", 200)
    assert found[1].last_seen_at_ms == login.created_at_ms
    assert await database.read(lambda db: logins.with_user(db, "other")) is None


async def test_logins_end_one_by_one_or_all_but_one(database: Database) -> None:
    ann, bob = await user(database, "ann"), await user(database, "bob")
    made = [
        await database.write(
            lambda db, n=n: logins.create(db, ann, token_hash=f"h{n}", client="", ip="", lifetime_ms=DAY_MS)  # type: ignore[misc]
        )
        for n in range(4)
    ]
    with pytest.raises(NotFound):
        await database.write(lambda db: logins.end(db, bob, made[0].login_id))
    await database.write(lambda db: logins.end(db, ann, made[0].login_id))
    ended = await database.write(lambda db: logins.end_all(db, ann, but=made[1].login_id))
    assert sorted(ended) == sorted(login.login_id for login in made[2:])
    left = await database.read(lambda db: logins.list_of(db, ann, used_after_ms=0))
    assert [login.login_id for login in left] == [made[1].login_id]
    assert await database.read(lambda db: logins.list_of(db, ann, used_after_ms=now_ms() + 1)) == []


async def test_an_account_has_a_number_of_logins_and_the_longest_unused_make_room(database: Database) -> None:
    ann, bob = await user(database, "ann"), await user(database, "bob")

    def begin(db: Session, owner_id: str, name: str) -> list[str]:
        ended = logins.make_room(db, owner_id)
        logins.create(db, owner_id, token_hash=name, client="", ip="", lifetime_ms=DAY_MS)
        return ended

    def begin_many(db: Session) -> list[str]:
        return [login_id for n in range(logins.MAX_LOGINS) for login_id in begin(db, ann, f"h{n}")]

    await database.write(lambda db: begin(db, bob, "bob's"))
    assert await database.write(begin_many) == []
    first, *others = reversed(await database.read(lambda db: logins.list_of(db, ann, used_after_ms=0)))
    assert await database.write(lambda db: begin(db, ann, "one more")) == [first.login_id]
    left = {login.login_id for login in await database.read(lambda db: logins.list_of(db, ann, used_after_ms=0))}
    assert left > {login.login_id for login in others}
    assert len(left) == logins.MAX_LOGINS
    assert len(await database.read(lambda db: logins.list_of(db, bob, used_after_ms=0))) == 1


async def test_a_key_belongs_to_its_user_until_it_is_revoked(database: Database) -> None:
    ann, bob = await user(database, "ann"), await user(database, "bob")
    key = await database.write(
        lambda db: keys.create(db, ann, key_hash="h", prefix="bd-abc", scopes={"sessions", "chat"})
    )
    assert key.scopes == "chat sessions"
    for act in (
        lambda db: keys.rename(db, bob, key.key_id, "mine"),
        lambda db: keys.revoke(db, bob, key.key_id),
    ):
        with pytest.raises(NotFound):
            await database.write(act)
    await database.write(lambda db: keys.rename(db, ann, key.key_id, "laptop"))
    assert [each.name for each in await database.read(lambda db: keys.list_of(db, ann))] == ["laptop"]
    await database.write(lambda db: keys.revoke(db, ann, key.key_id))
    assert await database.read(lambda db: keys.list_of(db, ann)) == []
    with pytest.raises(NotFound):
        await database.write(lambda db: keys.revoke(db, ann, key.key_id))


async def test_an_invitation_is_used_once(database: Database) -> None:
    ann, bob = await user(database, "ann"), await user(database, "bob")
    await database.write(lambda db: invitations.create(db, ann, code_hash="good", lifetime_ms=DAY_MS))
    await database.write(lambda db: invitations.create(db, ann, code_hash="old", lifetime_ms=-1))
    for code_hash, is_good in (("good", True), ("old", False), ("none", False)):
        assert await database.read(lambda db, h=code_hash: invitations.is_good(db, h)) is is_good  # type: ignore[misc]
    outcomes = await asyncio.gather(
        *(database.write(lambda db: invitations.use(db, "good", bob)) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "NotFound", "NotFound"]
    used = [each for each in await database.read(invitations.list_all) if each.code_hash == "good"]
    assert used[0].used_by == bob


async def test_the_audit_log_is_read_newest_first_by_pages(database: Database) -> None:
    actor = audit.NamedActor("u", "ann")
    for n in range(5):
        await database.write(lambda db, n=n: audit.record(db, actor, "login", str(n), {"n": n}, "::1"))  # type: ignore[misc]
    first = await database.read(lambda db: audit.page(db, limit=3))
    rest = await database.read(lambda db: audit.page(db, limit=3, before=first[-1].entry_id))
    assert [entry.target for entry in first + rest] == ["4", "3", "2", "1", "0"]
    assert await database.read(lambda db: audit.page(db, limit=3, action="logout")) == []


async def test_history_is_what_the_user_wrote_where_he_may_still_read(database: Database) -> None:
    ann, bob = await user(database, "ann"), await user(database, "bob")

    def write(db: Session) -> None:
        own = sessions.create(db, ann, title="Own")
        others = sessions.create(db, bob, title="Bob's")
        for session, author in ((own, ann), (others, bob), (others, ann)):
            messages.append(
                db, session, parent_id=None, role="user", content=f"{session.title} {author == ann}", author_id=author
            )

    await database.write(write)
    before = database.num_statements
    found, has_more = await database.read(lambda db: history.sent_by(db, ann, limit=10))
    assert database.num_statements <= before + 4  # with SQLite's BEGIN
    assert ([(sent.content, sent.session_title) for sent in found], has_more) == ([("Own True", "Own")], False)
