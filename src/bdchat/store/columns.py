"""The kinds of columns that the tables are made of. Each call makes a new one: SQLAlchemy does not share them."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, String, Text
from sqlmodel import Field, SQLModel


class Row(SQLModel):
    model_config = {"defer_build": True}  # rows are not validated: 40 ms of a server's start


def row_id(
    target: str | None = None, *, primary_key: bool = False, nullable: bool = False, on_delete: str = "CASCADE"
) -> Any:
    """An id column, or a reference to one."""
    rule = [ForeignKey(target, ondelete=on_delete)] if target else []
    return Field(sa_column=Column(String(64), *rule, primary_key=primary_key, nullable=nullable, index=not primary_key))


def row_number(target: str | None = None, *, primary_key: bool = False, counts_itself: bool = False) -> Any:
    """A whole number that names a row. SQLite numbers rows by itself only in an INTEGER column."""
    rule = [ForeignKey(target, ondelete="CASCADE")] if target else []
    kind = BigInteger().with_variant(Integer, "sqlite")
    default: dict[str, Any] = {"default": None} if counts_itself else {}
    column: Column[int] = Column(kind, *rule, primary_key=primary_key, autoincrement=counts_itself, nullable=False)
    return Field(sa_column=column, **default)


def time_ms(*, nullable: bool = False) -> Any:
    default: dict[str, Any] = {"default": None} if nullable else {}
    return Field(sa_column=Column(BigInteger, nullable=nullable), **default)


def count() -> Any:
    return Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))


def json_object() -> Any:
    return Field(default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}"))


def json_list() -> Any:
    return Field(default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]"))


def long_text(*, default: str = "") -> Any:
    return Field(default=default, sa_column=Column(Text, nullable=False, server_default=default))
