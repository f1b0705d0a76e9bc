"""The length in bytes of a text column, computed by the database, so that a page's size is known before it is read.
Pure.
"""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

PAGE_BYTES = 4 * 1024 * 1024  # of text in one answer that is a list; one item is always whole, however long
INLINE_BYTES = 256 * 1024  # of text that is read with its page; what is beyond is read when it is its turn to be sent


class byte_length(FunctionElement[int]):  # noqa: N801  # reads as the SQL function that it is
    """`byte_length(column)`; SQLite's own octet_length is too young to count on."""

    type = BigInteger()
    inherit_cache = True
    name = "byte_length"


@compiles(byte_length, "sqlite")
def _for_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"


@compiles(byte_length)
def _for_others(element: Any, compiler: Any, **options: Any) -> str:
    return f"octet_length({compiler.process(element.clauses, **options)})"
