"""A transaction of the database, as functions of the store and work given to it take one: the first argument, `db`."""

from typing import TypeAlias

from sqlmodel import Session

Db: TypeAlias = Session  # SQLModel's name for it; ours for a session is a chat
