"""Makes the database of somebody who has chatted for years: filled through the store's own tables, without a server."""

import hashlib
import json
import random
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import insert
from sqlmodel import Session

from bdchat.settings import StoreSettings
from bdchat.store.accounts import logins, users
from bdchat.store.ids import new_id, now_ms
from bdchat.store.search import index as search
from bdchat.store.sql.database import Database
from bdchat.store.tables import ChatSession, Message, MessageMetadata

from .client import ClientError
from .corpus import english, korean, message

FACTS = "archive.json"  # what an archive in a data directory was made with, and who signs in
NUM_SESSIONS, MESSAGES_PER_SESSION = 2000, 50
NUM_MESSAGES = NUM_SESSIONS * MESSAGES_PER_SESSION
NEWCOMER_SHARE = 100  # one session of so many is another user's, whose searches meet all the others' words
SESSIONS_PER_COMMIT = 20
YEAR_MS = 365 * 86_400_000
NUM_MADE_AGAIN = 4  # answers of a session that stand beside an earlier one


@dataclass(frozen=True, slots=True)
class Owner:
    """`token` signs in."""

    user_id: str
    token: str
    session_ids: list[str]


@dataclass(frozen=True, slots=True)
class Archive:
    owner: Owner  # of nearly everything
    newcomer: Owner


def store_settings(overrides: Sequence[str]) -> StoreSettings:
    """Of `--set store.url=postgresql://…`; else SQLite."""
    urls = [value for key, _, value in (each.partition("=") for each in overrides) if key == "store.url"]
    return StoreSettings(url=SecretStr(urls[-1])) if urls else StoreSettings()


async def archive_in(
    settings: StoreSettings, data_dir: Path, seed: int, *, num_sessions: int = NUM_SESSIONS
) -> Archive:
    """The one that an earlier run has made there, or a new one; of PostgreSQL always a new one, in an empty database.

    Raises ClientError when that is not empty."""
    known = data_dir / FACTS
    if settings.url is None and known.exists():
        facts = json.loads(known.read_text("utf-8"))
        if facts.pop("made_with") == [seed, num_sessions]:
            return Archive(**{name: Owner(**owner) for name, owner in facts.items()})
    shutil.rmtree(data_dir, ignore_errors=True)
    archive = await _make(settings, data_dir, seed, num_sessions)
    facts = asdict(archive) | {"made_with": [seed, num_sessions]}
    known.write_text(json.dumps(facts), "utf-8")
    return archive


async def _make(settings: StoreSettings, data_dir: Path, seed: int, num_sessions: int) -> Archive:
    rng = random.Random(f"archive {seed}")  # noqa: S311
    async with Database(settings, data_dir) as database:
        if await database.read(users.has_any):
            raise ClientError(0, "the archive needs an empty database")
        owner = await database.write(lambda db: make_owner(db, "old"))
        newcomer = await database.write(lambda db: make_owner(db, "new"))
        for first in range(0, num_sessions, SESSIONS_PER_COMMIT):

            def make_some(db: Session, first: int = first) -> None:
                for number in range(first, min(first + SESSIONS_PER_COMMIT, num_sessions)):
                    _make_session(db, rng, newcomer if number % NEWCOMER_SHARE == 0 else owner, number)

            await database.write(make_some)
    return Archive(owner, newcomer)


def make_owner(db: Session, username: str) -> Owner:
    user = users.create_user(db, username=username, password_hash="")
    token = f"bdl-{secrets.token_urlsafe(32)}"
    hashed = hashlib.sha256(token.encode()).hexdigest()
    logins.create(db, user.user_id, token_hash=hashed, client="bench", ip="127.0.0.1", lifetime_ms=YEAR_MS)
    return Owner(user.user_id, token, [])


def _make_session(db: Session, rng: random.Random, owner: Owner, number: int) -> None:
    began_ms = now_ms() - YEAR_MS + number * (YEAR_MS // NUM_SESSIONS)
    session = ChatSession(
        session_id=new_id(),
        user_id=owner.user_id,
        title=(korean if number % 2 else english)(rng, 6),
        title_source="auto",
        folder=rng.choice(("", "", "일", "work")),
        is_archived=rng.random() < 0.2,
        is_pinned=rng.random() < 0.02,
        num_messages=MESSAGES_PER_SESSION,
        created_at_ms=began_ms,
        updated_at_ms=began_ms + MESSAGES_PER_SESSION * 60_000,
    )
    db.add(session)
    db.flush()
    rows: list[dict[str, Any]] = [
        {
            "message_id": new_id(),
            "session_id": session.session_id,
            "parent_id": None,
            "author_id": owner.user_id,
            "role": "assistant" if place % 2 else "user",
            "content": message(rng, number * MESSAGES_PER_SESSION + place),
            "finish_reason": "stop" if place % 2 else None,
            "token_count": 100,
            "created_at_ms": began_ms + place * 60_000,
        }
        for place in range(MESSAGES_PER_SESSION)
    ]
    path, again = rows[:-NUM_MADE_AGAIN], rows[-NUM_MADE_AGAIN:]
    for before, after in pairwise(path):
        after["parent_id"] = before["message_id"]
    for place, answer in enumerate(again):
        answer |= {"role": "assistant", "parent_id": path[2 * place]["message_id"]}
    answers = [{"message_id": row["message_id"], "model": "m"} for row in rows if row["role"] == "assistant"]
    connection = db.connection()
    connection.execute(insert(Message), rows)
    connection.execute(insert(MessageMetadata), answers)
    session.head_message_id = path[-1]["message_id"]
    search.index_title(db, session)
    search.put_new(db, owner.user_id, [_entry(row) for row in rows])
    owner.session_ids.append(session.session_id)


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    return search.entry(row["session_id"], row["message_id"], row["role"], row["content"], row["created_at_ms"])
