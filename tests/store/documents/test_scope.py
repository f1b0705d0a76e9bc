"""Who may read what: asked in every query, of every way to a document."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session, select

from bdchat.store import retention
from bdchat.store.chats import forks, messages, sessions, sharing
from bdchat.store.document_tables import MessageSource
from bdchat.store.documents import attachments, collections, documents, scope, sources
from bdchat.store.documents.documents import DocumentFilter
from bdchat.store.errors import Conflict, NotAllowed, NotFound
from bdchat.store.sql.database import Database
from bdchat.store.tables import ChatSession, User
from tests.store.accounting.test_books import books_of
from tests.store.chat_rows import make_user, talk
from tests.store.document_rows import put_file

pytestmark = pytest.mark.anyio


class People:
    """ada owns a file and a collection with it; bob is a member, eve nobody."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ada = self.bob = self.eve = self.document_id = self.collection_id = ""

    async def make(self) -> None:
        for name in ("ada", "bob", "eve"):
            setattr(self, name, await self.database.write(lambda db, name=name: make_user(db, name)))  # type: ignore[misc]
        self.document_id = (await put_file(self.database, self.ada)).document_id
        folder = await self.do(lambda db: collections.create(db, self.ada, "규정"))
        self.collection_id = folder.collection_id
        await self.do(lambda db: collections.put_document(db, self.ada, self.collection_id, self.document_id))
        await self.let_in(self.bob, "reader")

    async def do(self, work: Callable[[Session], Any]) -> Any:
        return await self.database.write(work)

    async def let_in(self, user_id: str, role: str) -> None:
        def put(db: Session) -> None:
            user = db.get(User, user_id)
            assert user is not None
            collections.put_member(db, collections.get_owned(db, self.ada, self.collection_id), user, role)

        await self.do(put)

    async def readers(self) -> str:
        """Of ada, bob and eve those who can open the file, by each way that there is."""
        seen = ""
        for name in ("ada", "bob", "eve"):
            user_id = getattr(self, name)
            (rows, _), within = await self.database.read(
                lambda db, who=user_id: (  # type: ignore[misc]
                    documents.listing(db, who, DocumentFilter(), limit=9),
                    scope.of(db, who).document_ids,
                )
            )
            answers = {
                self.document_id in {row.document_id for row in rows},
                self.document_id in within,
                self.document_id
                in await self.database.read(lambda db, who=user_id: scope.readable_among(db, who, [self.document_id])),  # type: ignore[misc]
                await self.can(lambda db, who=user_id: documents.get(db, self.document_id, who)),  # type: ignore[misc]
                await self.can(lambda db, who=user_id: scope.of(db, who, document_ids=[self.document_id])),  # type: ignore[misc]
            }
            assert len(answers) == 1, name
            seen += name[0] if answers.pop() else ""
        return seen

    async def can(self, work: Callable[[Session], Any]) -> bool:
        try:
            await self.database.read(work)
        except NotFound:
            return False
        return True


@pytest.fixture
async def people(database: Database) -> People:
    made = People(database)
    await made.make()
    return made


async def test_a_file_is_read_by_its_owner_and_by_those_of_its_collections(people: People) -> None:
    do, folder_id, document_id = people.do, people.collection_id, people.document_id
    assert await people.readers() == "ab"
    await do(lambda db: collections.delete_collection(db, collections.get_owned(db, people.ada, folder_id)))
    assert await people.readers() == "a"
    await do(lambda db: collections.restore(db, collections.get_owned(db, people.ada, folder_id, is_deleted=True)))
    assert await people.readers() == "ab"
    await do(lambda db: documents.delete(db, documents.get_owned(db, document_id, people.ada)))
    assert await people.readers() == ""
    await do(lambda db: documents.restore(db, documents.get_owned(db, document_id, people.ada, is_deleted=True)))
    await do(lambda db: collections.take_document(db, people.ada, folder_id, document_id))
    assert await people.readers() == "a"
    await do(lambda db: collections.put_document(db, people.ada, folder_id, document_id))
    await do(lambda db: collections.remove_member(db, collections.get_owned(db, people.ada, folder_id), people.bob))
    assert await people.readers() == "a"


async def test_a_collection_is_what_the_role_says(people: People) -> None:
    do, folder_id = people.do, people.collection_id
    his = (await put_file(people.database, people.bob, b"bob's")).document_id

    def put(db: Session, user_id: str, document_id: str) -> None:
        collections.put_document(db, user_id, folder_id, document_id)

    with pytest.raises(NotAllowed):
        await do(lambda db: put(db, people.bob, his))
    with pytest.raises(NotFound):
        await do(lambda db: put(db, people.eve, his))
    with pytest.raises(NotAllowed):
        await do(lambda db: collections.take_document(db, people.bob, folder_id, people.document_id))
    await people.let_in(people.bob, "writer")
    await do(lambda db: put(db, people.bob, his))
    with pytest.raises(NotAllowed):  # somebody else's file is not his to put anywhere
        await do(lambda db: put(db, people.bob, people.document_id))
    with pytest.raises(NotFound):  # and what he has never seen does not exist
        await do(lambda db: put(db, people.bob, "nothing"))
    for work in (collections.get_owned, collections.see):
        with pytest.raises(NotFound):
            await do(lambda db, work=work: work(db, people.eve, folder_id))  # type: ignore[misc]
    with pytest.raises(NotAllowed):
        await do(lambda db: collections.get_owned(db, people.bob, folder_id))
    seen = await do(lambda db: collections.see(db, people.bob, folder_id))
    assert (seen.role, seen.owner_name, seen.num_documents, seen.num_members) == ("writer", "Ada", 2, 1)
    assert [len(await do(lambda db, who=who: collections.listing(db, who))) for who in (people.bob, people.eve)] == [  # type: ignore[misc]
        1,
        0,
    ]
    await do(lambda db: collections.remove_member(db, collections.get_owned(db, people.ada, folder_id), people.bob))
    assert (await do(lambda db: collections.see(db, people.ada, folder_id))).num_documents == 1  # his went with him
    with pytest.raises(NotFound):
        await do(lambda db: scope.of(db, people.bob, collection_ids=[folder_id]))


async def test_a_scope_holds_what_is_named(people: People) -> None:
    other = (await put_file(people.database, people.ada, b"other")).document_id

    async def ids(**named: list[str]) -> set[str]:
        made = await people.database.read(lambda db: scope.of(db, people.ada, **named))
        return set(made.document_ids)

    assert await ids() == {other, people.document_id}
    assert await ids(document_ids=[other]) == {other}
    assert await ids(collection_ids=[people.collection_id]) == {people.document_id}
    assert await ids(document_ids=[other], collection_ids=[people.collection_id]) == {other, people.document_id}


async def test_a_fork_takes_what_its_owner_may_open_and_what_was_told(people: People) -> None:
    do, ada = people.do, people.ada
    session_id, (asked, _) = await do(lambda db: talk(db, ada, "언제까지?", "7일 [1]"))
    told = MessageSource(
        message_id="", number=1, document_id=people.document_id, page=1, start=0, end=3, document_name="a", text="7일 "
    )
    await do(lambda db: sources.put(db, asked, [told]))
    named: dict[str, Any] = {"document_ids": [people.document_id], "collection_ids": [people.collection_id]}
    await do(lambda db: attachments.set_of_chat(db, ada, session_id, **named, most=9))

    def join(db: Session) -> None:
        for user_id in (people.bob, people.eve):
            user = db.get(User, user_id)
            assert user is not None
            sharing.put_member(db, sessions.get_owned(db, ada, session_id), user, "reader")

    await do(join)
    for user_id, num_there in ((ada, 1), (people.bob, 1), (people.eve, 0)):
        audience = await forks.fork(people.database, user_id, session_id, None, furnish=attachments.copy)
        fork = audience[0][1].session
        attached = await people.database.read(lambda db, its=fork: attachments.of_chat(db, its.session_id))  # type: ignore[misc]
        assert (len(attached.documents), len(attached.collections)) == (num_there, num_there)
        path = await people.database.read(
            lambda db, its=fork: messages.path_ids(db, its.session_id, its.head_message_id)  # type: ignore[misc]
        )
        copied = await people.database.read(lambda db, ids=path: sources.of_path(db, ids))  # type: ignore[misc]
        assert [[row.text for row in rows] for rows in copied.values()] == [["7일 "]]
        await do(lambda db, its=fork: sessions.delete(db, db.get(ChatSession, its.session_id)))  # type: ignore[misc]
        await retention.erase_chat(people.database, fork.session_id)
    left = await people.database.read(lambda db: [row.message_id for row in db.exec(select(MessageSource))])
    assert left == [asked]
    said, counted = await books_of(people.database)
    assert said == counted


async def test_a_chat_asks_what_whoever_attached_it_may_read(people: People) -> None:
    """Who is in the chat reads it through the chat; who leaves, or may not open it any more, takes it along."""
    do, ada, bob = people.do, people.ada, people.bob
    session_id, _ = await do(lambda db: talk(db, ada, "hi"))

    async def attach(user_id: str, document_ids: list[str], collection_ids: list[str], most: int = 9) -> None:
        await do(
            lambda db: attachments.set_of_chat(
                db, user_id, session_id, document_ids=document_ids, collection_ids=collection_ids, most=most
            )
        )

    async def asked() -> set[str]:
        attached, within = await people.database.read(
            lambda db: (attachments.of_chat(db, session_id), scope.of_chat(db, session_id))
        )
        assert {each.document_id for each in attached.documents} <= set(within.document_ids)
        return set(within.document_ids)

    def member(db: Session, role: str) -> None:
        user = db.get(User, bob)
        assert user is not None
        sharing.put_member(db, sessions.get_owned(db, ada, session_id), user, role)

    with pytest.raises(NotFound):
        await attach(bob, [], [])
    await do(lambda db: member(db, "reader"))
    with pytest.raises(NotAllowed):
        await attach(bob, [], [])
    await do(lambda db: member(db, "writer"))
    his = (await put_file(people.database, bob, b"bob's")).document_id
    wrong: list[tuple[list[str], list[str]]] = [([his], []), ([], ["nothing"])]
    for ids in wrong:
        with pytest.raises(NotFound):
            await attach(ada, *ids)
    with pytest.raises(Conflict):
        await attach(ada, [people.document_id, his], [], most=1)
    await attach(bob, [his], [people.collection_id])
    assert await asked() == {his, people.document_id}
    await attach(ada, [his], [people.collection_id])  # what is there may stay, whoever attached it
    assert await asked() == {his, people.document_id}
    await do(lambda db: collections.remove_member(db, collections.get_owned(db, ada, people.collection_id), bob))
    assert await asked() == {his}
    await do(lambda db: sharing.remove_member(db, session_id, bob))
    assert await asked() == set()
    await attach(ada, [people.document_id], [])
    assert await asked() == {people.document_id}
    await do(lambda db: documents.delete(db, documents.get_owned(db, people.document_id, ada)))
    assert await asked() == set()
