"""Prebuilt queries of chats: SQLAlchemy takes three times as long to build one as SQLite to answer it. Pure; each
function says which parameters its statement wants. Who asks and what comes of it: sessions.py and messages.py.
"""

from functools import cache
from typing import Any

from sqlalchemy import CTE, ColumnElement, and_, bindparam, case, func, literal, or_, tuple_
from sqlalchemy.orm import defer
from sqlmodel import col, select

from bdchat.store.accounting.byte_length import byte_length
from bdchat.store.tables import (
    AUTHOR,
    SPENT,
    STAGED_AT_MS,
    ChatSession,
    Generation,
    Message,
    MessageMetadata,
    SessionMember,
    User,
)

# --- sessions ---------------------------------------------------------------------------------------------------------


@cache
def visible_session() -> Any:
    """:user_id, :session_id → the row of `_visible`, when the user may read it."""
    return _visible(is_shared=None).where(col(ChatSession.session_id) == bindparam("session_id"))


@cache
def recent_sessions(
    *,
    is_pinned: bool | None,
    is_archived: bool | None,
    has_folder: bool,
    is_deleted: bool,
    is_shared: bool,
    has_before: bool,
) -> Any:
    """:user_id, :limit, :folder if there is one, :before_ms and :before_id if there is a page before → rows of
    `_visible`, the last used first."""
    deleted_at = col(ChatSession.deleted_at_ms)
    conditions: list[ColumnElement[bool]] = [deleted_at > STAGED_AT_MS if is_deleted else deleted_at.is_(None)]
    if is_pinned is not None:
        conditions.append(col(ChatSession.is_pinned).is_(is_pinned))
    if is_archived is not None:
        conditions.append(col(ChatSession.is_archived).is_(is_archived))
    if has_folder:
        conditions.append(col(ChatSession.folder) == bindparam("folder"))
    place = (col(ChatSession.updated_at_ms), col(ChatSession.session_id))
    if has_before:
        conditions.append(tuple_(*place) < tuple_(bindparam("before_ms"), bindparam("before_id")))
    query = _visible(is_shared=is_shared).where(*conditions)
    return query.order_by(*(column.desc() for column in place)).limit(bindparam("limit"))


@cache
def audience_of_sessions() -> Any:
    """:session_ids → rows (session_id, owner's display name and username, a member's user_id and role or None)."""
    columns: list[Any] = [
        col(ChatSession.session_id),
        col(User.display_name),
        col(User.username),
        col(SessionMember.user_id),
        col(SessionMember.role),
    ]  # sqlmodel's select is typed for four
    return (
        select(*columns)
        .join(User, col(User.user_id) == col(ChatSession.user_id))
        .join(SessionMember, col(SessionMember.session_id) == col(ChatSession.session_id), isouter=True)
        .where(col(ChatSession.session_id).in_(bindparam("session_ids", expanding=True)))
        .order_by(col(SessionMember.user_id))
    )


def _visible(*, is_shared: bool | None) -> Any:
    """:user_id → rows (ChatSession, the user's role as member or None, owner's display name, username).
    `is_shared` None: the user's own and those shared with them."""
    me: Any = bindparam("user_id")
    membership = and_(col(SessionMember.session_id) == col(ChatSession.session_id), col(SessionMember.user_id) == me)
    query: Any = select(ChatSession, col(SessionMember.role), col(User.display_name), col(User.username))
    query = query.join(User, col(User.user_id) == col(ChatSession.user_id))
    query = query.join(SessionMember, membership, isouter=is_shared is not True)
    deleted_at = col(ChatSession.deleted_at_ms)
    query = query.where(or_(deleted_at.is_(None), deleted_at > STAGED_AT_MS))
    is_own = col(ChatSession.user_id) == me
    if is_shared is None:
        query = query.where(or_(is_own, col(SessionMember.user_id).is_not(None)))
    elif not is_shared:
        query = query.where(is_own)
    return query


# --- messages ---------------------------------------------------------------------------------------------------------


@cache
def ancestors() -> Any:
    """:message_id, :max_depth → Messages from the furthest ancestor down to it."""
    up = _upwards(within_session=False)
    return select(Message).join(up, col(Message.message_id) == up.c.message_id).order_by(up.c.depth.desc())


@cache
def ancestor_sizes() -> Any:
    """As `ancestors` → rows (message_id, role, bytes of its content)."""
    up = _upwards(within_session=False)
    query: Any = select(col(Message.message_id), col(Message.role), byte_length(col(Message.content)))
    return query.join(up, col(Message.message_id) == up.c.message_id).order_by(up.c.depth.desc())


@cache
def path_ids() -> Any:
    """:message_id, :session_id, :max_depth → rows (message_id), in reading order."""
    up = _upwards(within_session=True)
    return select(up.c.message_id).order_by(up.c.depth.desc())


@cache
def path_messages() -> Any:
    """:message_id, :session_id, :max_depth → its columns message_id and depth (0: the message itself), to join with."""
    return _upwards(within_session=True)


@cache
def path() -> Any:
    """:message_id, :session_id, :min_depth, :max_depth, :max_bytes, :max_inline_bytes → rows (Message without its
    content, its content or None, MessageMetadata or None, id of its running Generation or None, the name of who wrote
    or asked for it or None, what the answer took or None), in reading order.

    From `min_depth` up it ends before the message with which the texts are more than `max_bytes`, and holds one at
    least; the contents are those of the last ones, up to `max_inline_bytes`."""
    up = _sized_upwards()
    running = and_(col(Generation.message_id) == col(Message.message_id), col(Generation.state) == "running")
    inline = case((up.c.num_bytes <= bindparam("max_inline_bytes"), col(Message.content)), else_=None)
    columns: list[Any] = [Message, inline, MessageMetadata, col(Generation.generation_id), _author_name(), _spent()]
    query: Any = select(*columns)  # sqlmodel's select is typed for four
    return (
        query.options(defer(Message.content, raiseload=True), defer(MessageMetadata.extra, raiseload=True))  # type: ignore[arg-type]
        .join(up, col(Message.message_id) == up.c.message_id)
        .join(MessageMetadata, col(MessageMetadata.message_id) == col(Message.message_id), isouter=True)
        .join(Generation, running, isouter=True)
        .join(User, col(User.user_id) == col(Message.author_id), isouter=True)
        .where(up.c.depth >= bindparam("min_depth"))
        .order_by(up.c.depth.desc())
    )


def _author_name() -> ColumnElement[str | None]:
    """Display name, else username; of an imported message by somebody else, the name that came with it."""
    imported = case((col(Message.author_id).is_(None), col(MessageMetadata.extra)[AUTHOR].as_string()), else_=None)
    return func.coalesce(func.nullif(col(User.display_name), ""), col(User.username), imported)


def _spent() -> ColumnElement[Any]:
    spent: ColumnElement[Any] = col(MessageMetadata.extra)[SPENT].as_json()
    return spent


def _sized_upwards() -> CTE:
    """As `_upwards`, with :min_depth and :max_bytes; num_bytes: of the texts from `min_depth` up to this one."""
    first: Any = select(
        col(Message.message_id).label("message_id"),
        col(Message.parent_id).label("parent_id"),
        literal(0).label("depth"),
        case((bindparam("min_depth") == 0, byte_length(col(Message.content))), else_=0).label("num_bytes"),
    ).where(col(Message.message_id) == bindparam("message_id"), col(Message.session_id) == bindparam("session_id"))
    up: CTE = first.cte("up", recursive=True)
    num_bytes = up.c.num_bytes + byte_length(col(Message.content))
    parent: Any = select(col(Message.message_id), col(Message.parent_id), up.c.depth + 1, num_bytes)
    parent = parent.join(up, col(Message.message_id) == up.c.parent_id).where(
        up.c.depth < bindparam("max_depth"),
        or_(up.c.depth < bindparam("min_depth"), num_bytes <= bindparam("max_bytes")),
    )
    return up.union_all(parent)


@cache
def families(*, with_roots: bool) -> Any:
    """:session_id, :parent_ids → rows (parent_id, message_id) of their children, and of the roots, in order."""
    of_these = col(Message.parent_id).in_(bindparam("parent_ids", expanding=True))
    return (
        select(col(Message.parent_id), col(Message.message_id))
        .where(
            col(Message.session_id) == bindparam("session_id"),
            or_(of_these, col(Message.parent_id).is_(None)) if with_roots else of_these,
        )
        .order_by(col(Message.created_at_ms), col(Message.message_id))
    )


@cache
def run_errors() -> Any:
    """:message_ids → rows (message_id, Generation.error), the newest run of each last."""
    query: Any = select(col(Generation.message_id), col(Generation.error))
    query = query.where(col(Generation.message_id).in_(bindparam("message_ids", expanding=True)))
    return query.order_by(col(Generation.generation_id))


@cache
def branch_sizes() -> Any:
    """:session_id, :message_ids → rows (message_id, how many messages are in its branch, itself included)."""
    down: Any = (
        select(col(Message.message_id).label("top_id"), col(Message.message_id).label("message_id"))
        .where(
            col(Message.session_id) == bindparam("session_id"),
            col(Message.message_id).in_(bindparam("message_ids", expanding=True)),
        )
        .cte("down", recursive=True)
    )
    child = select(down.c.top_id, col(Message.message_id)).where(
        col(Message.session_id) == bindparam("session_id"), col(Message.parent_id) == down.c.message_id
    )
    down = down.union_all(child)
    return select(down.c.top_id, func.count()).group_by(down.c.top_id)


@cache
def parent_and_earlier(*, has_parent: bool, has_client_id: bool) -> Any:
    """:session_id, :parent_id and :client_message_id as far as they are there → the Messages that they name."""
    named = []
    if has_parent:
        named.append(col(Message.message_id) == bindparam("parent_id"))
    if has_client_id:
        named.append(col(Message.client_message_id) == bindparam("client_message_id"))
    return select(Message).where(col(Message.session_id) == bindparam("session_id"), or_(*named))


def _upwards(*, within_session: bool) -> CTE:
    """:message_id, :max_depth, :session_id → columns message_id and depth: itself (0), its parent (1), and so on."""
    first: Any = select(
        col(Message.message_id).label("message_id"),
        col(Message.parent_id).label("parent_id"),
        literal(0).label("depth"),
    ).where(col(Message.message_id) == bindparam("message_id"))
    if within_session:
        first = first.where(col(Message.session_id) == bindparam("session_id"))
    up: CTE = first.cte("up", recursive=True)
    parent: Any = select(col(Message.message_id), col(Message.parent_id), up.c.depth + 1)
    parent = parent.join(up, col(Message.message_id) == up.c.parent_id).where(up.c.depth < bindparam("max_depth"))
    return up.union_all(parent)
