"""What an answer writes when it begins and ends: all of it or nothing; on both databases."""

import asyncio
from typing import Any

import pytest
from sqlmodel import Session, select

from bdchat.store.accounts import usage
from bdchat.store.accounts.zoned_days import ZonedDays
from bdchat.store.chats import answers, generations, messages
from bdchat.store.chats.answers import AlreadySent, NewAnswer
from bdchat.store.chats.generations import Ending
from bdchat.store.errors import NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import Generation, Message, MessageMetadata
from tests.store.chat_rows import make_user, talk

pytestmark = pytest.mark.anyio


async def a_chat(database: Database, *contents: str) -> tuple[str, str, list[str]]:
    user_id = await database.write(make_user)
    session_id, ids = await database.write(lambda db: talk(db, user_id, *contents))
    return user_id, session_id, ids


def new_answer(
    user_id: str, session_id: str, parent_id: str | None, *texts: str, client_id: str | None = None, **more: Any
) -> NewAnswer:
    answer_id = more.pop("answer_id", None)
    name = answer_id or new_id()
    row = Generation(
        generation_id=new_id(),
        session_id=session_id,
        message_id=name,
        user_id=user_id,
        model="m",
        request=b"",
        lease_owner="a",
        created_at_ms=now_ms(),
        **more,
    )
    return NewAnswer(
        user_id=user_id,
        parent_id=parent_id,
        texts=[("user", text) for text in texts],
        client_message_id=client_id,
        answer_id=name,
        is_new_answer=answer_id is None,
        generation=row,
    )


def end_of(content: str, state: str = "complete") -> Ending:
    return Ending(state=state, content=content, tokens=b"", finish_reason="stop", last_seq=2)


async def end(
    database: Database, generation_id: str, ending: Ending, *, owner: str = "a"
) -> answers.WrittenAnswer | None:
    row = {"generation_id": generation_id, "seq": 2, "kind": "finished", "data": {}}
    whole = answers.AnswerEnd(
        ending=ending,
        metadata=MessageMetadata(message_id="", model="m", num_dropped_messages=2),
        counts={"num_requests": 1, "completion_tokens": 3},
        num_tokens=3,
    )
    return await database.write(lambda db: answers.end(db, owner, generation_id, whole, [row]))


async def count(database: Database, table: Any) -> int:
    return len(await database.read(lambda db: list(db.exec(select(table)))))


async def test_a_message_its_answer_and_the_first_event_are_there_together(database: Database) -> None:
    user_id, session_id, ids = await a_chat(database, "hi", "hello")
    new = new_answer(user_id, session_id, ids[-1], "how", client_id="c")
    begun = await database.write(lambda db: answers.begin(db, new))
    question, answer = begun.messages
    assert (question.content, question.parent_id) == ("how", ids[-1])
    assert (answer.status, answer.content, answer.parent_id) == ("running", "", question.message_id)
    assert begun.session is not None
    assert begun.session.head_message_id == answer.message_id
    assert begun.audience[0][0] == user_id
    name = new.generation.generation_id
    assert [row.kind for row in await database.read(lambda db: generations.events_after(db, name, 0))] == ["started"]
    place = await database.read(
        lambda db: answers.place(db, user_id, session_id, parent_id=None, client_message_id="c")
    )
    assert place.sent is not None
    assert place.sent.message_id == question.message_id


async def test_what_cannot_begin_whole_leaves_nothing(database: Database) -> None:
    user_id, session_id, _ = await a_chat(database, "hi")
    before = await count(database, Message)
    for parent_id in ("nobody", (await a_stranger(database))[0]):
        with pytest.raises(NotFound):
            await database.write(lambda db, p=parent_id: answers.begin(db, new_answer(user_id, session_id, p, "x")))  # type: ignore[misc]
    assert await count(database, Message) == before + 1  # the stranger's own
    assert await count(database, Generation) == 0


async def a_stranger(database: Database) -> list[str]:
    user_id = await database.write(lambda db: make_user(db, "eve"))
    return (await database.write(lambda db: talk(db, user_id, "mine")))[1]


async def test_of_the_same_client_message_id_one_is_written(database: Database) -> None:
    user_id, session_id, ids = await a_chat(database, "hi")

    async def once() -> bool:
        new = new_answer(user_id, session_id, ids[-1], "how", client_id="c")
        try:
            await database.write(lambda db: answers.begin(db, new))
        except AlreadySent:
            return False
        return True

    assert sum(await asyncio.gather(*(once() for _ in range(4)))) == 1
    assert (await count(database, Message), await count(database, Generation)) == (3, 1)


async def test_the_end_is_the_text_how_it_came_to_be_and_what_it_cost(database: Database) -> None:
    user_id, session_id, ids = await a_chat(database, "hi")
    new = new_answer(user_id, session_id, ids[-1], "how")
    await database.write(lambda db: answers.begin(db, new))
    name, answer_id = new.generation.generation_id, str(new.answer_id)
    assert await end(database, name, end_of("lost"), owner="b") is None
    ended = await end(database, name, end_of("fine"))
    assert ended is not None
    assert (ended.messages[0].content, ended.messages[0].status) == ("fine", "complete")
    (spent,) = await database.read(
        lambda db: usage.sums(db, ZonedDays("2000-01-01", "2999-01-01"), by=("model",), user_id=user_id)
    )
    counts = spent.counts
    assert (counts["num_messages"], counts["num_requests"], counts["completion_tokens"]) == (1, 1, 3)
    assert await end(database, name, end_of("again")) is None  # it has ended
    place = await database.read(
        lambda db: answers.place(db, user_id, session_id, parent_id=None, client_message_id=None)
    )
    assert (place.path[-1].message_id, place.num_dropped_before) == (answer_id, 2)


async def test_an_answer_that_is_taken_up_again_keeps_what_it_had_said(database: Database) -> None:
    user_id, session_id, ids = await a_chat(database, "hi")
    new = new_answer(user_id, session_id, ids[-1])
    await database.write(lambda db: answers.begin(db, new))
    await end(database, new.generation.generation_id, end_of("one, ", "stopped"))
    answer_id = str(new.answer_id)
    more = new_answer(user_id, session_id, None, answer_id=answer_id, prefix="one, ")
    await database.write(lambda db: answers.begin(db, more))
    third = new_answer(user_id, session_id, None, answer_id=answer_id)
    with pytest.raises(AlreadySent):
        await database.write(lambda db: answers.begin(db, third))
    await end(database, more.generation.generation_id, end_of("two"))
    assert (await database.read(lambda db: messages.get(db, answer_id))).content == "one, two"
    latest = await database.read(lambda db: generations.latest_of(db, answer_id))
    assert latest is not None
    asked = await database.read(lambda db: answers.asked_before(db, latest))
    assert [message.message_id for message in asked] == ids


async def test_the_answer_to_a_message_is_its_first_ones_newest_run(database: Database) -> None:
    user_id, session_id, ids = await a_chat(database, "hi")

    def answer(db: Session) -> Generation | None:
        return generations.answer_to(db, ids[0])

    assert await database.read(answer) is None
    first = new_answer(user_id, session_id, ids[0])
    await database.write(lambda db: answers.begin(db, first))
    await end(database, first.generation.generation_id, end_of("", "failed"))
    await asyncio.sleep(0.002)  # ids are in the order of their milliseconds
    again = new_answer(user_id, session_id, None, answer_id=first.answer_id)
    await database.write(lambda db: answers.begin(db, again))
    await asyncio.sleep(0.002)
    other = new_answer(user_id, session_id, ids[0])
    await database.write(lambda db: answers.begin(db, other))
    found = await database.read(answer)
    assert found is not None
    assert found.generation_id == again.generation.generation_id
