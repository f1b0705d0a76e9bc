"""Registration codes, each for one account. A code is known by its SHA-256. Runs inside Database.write and read."""

from sqlmodel import col, select, update
from sqlmodel.sql.expression import SelectOfScalar

from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import Invitation

MAX_LISTED = 1000


def create(db: Db, created_by: str, *, code_hash: str, lifetime_ms: int, note: str = "") -> Invitation:
    invitation = Invitation(
        invitation_id=new_id(),
        code_hash=code_hash,
        created_by=created_by,
        note=note,
        created_at_ms=now_ms(),
        expires_at_ms=now_ms() + lifetime_ms,
    )
    db.add(invitation)
    db.flush()
    return invitation


def is_good(db: Db, code_hash: str) -> bool:
    return db.exec(_unused(code_hash)).first() is not None


def use(db: Db, code_hash: str, user_id: str) -> None:
    """In the transaction that makes the user. Raises NotFound: used, expired, or never there; also when another
    server's transaction used it first."""
    invitation = db.exec(_unused(code_hash)).first()
    if invitation is None:
        raise NotFound("invitation")
    used = db.exec(
        update(Invitation)
        .where(col(Invitation.invitation_id) == invitation.invitation_id, col(Invitation.used_at_ms).is_(None))
        .values(used_at_ms=now_ms(), used_by=user_id)
    )
    if not used.rowcount:
        raise NotFound("invitation")


def list_all(db: Db) -> list[Invitation]:
    """The newest first: MAX_LISTED of them."""
    return list(db.exec(select(Invitation).order_by(col(Invitation.invitation_id).desc()).limit(MAX_LISTED)))


def delete(db: Db, invitation_id: str) -> None:
    """Raises NotFound."""
    invitation = db.get(Invitation, invitation_id)
    if invitation is None:
        raise NotFound("invitation", invitation_id)
    db.delete(invitation)


def _unused(code_hash: str) -> SelectOfScalar[Invitation]:
    return select(Invitation).where(
        Invitation.code_hash == code_hash, col(Invitation.used_at_ms).is_(None), Invitation.expires_at_ms > now_ms()
    )
