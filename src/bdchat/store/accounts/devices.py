"""Known browsers of an account. A device is known by its token's SHA-256. Runs inside Database.write and read."""

from sqlmodel import col, delete, select

from bdchat.store.db import Db
from bdchat.store.ids import now_ms
from bdchat.store.tables import KnownDevice

MAX_DEVICES = 20  # per account; the longest unused makes room


def knows(db: Db, user_id: str, device_hash: str, *, used_after_ms: int) -> bool:
    device = db.get(KnownDevice, device_hash)
    return device is not None and device.user_id == user_id and device.last_used_at_ms > used_after_ms


def remember(db: Db, user_id: str, device_hash: str) -> None:
    """Also one that is known: it was used now."""
    db.merge(KnownDevice(device_hash=device_hash, user_id=user_id, last_used_at_ms=now_ms()))
    db.flush()
    newest_first = (col(KnownDevice.last_used_at_ms).desc(), col(KnownDevice.device_hash))
    of_user = select(KnownDevice.device_hash).where(KnownDevice.user_id == user_id).order_by(*newest_first)
    if surplus := list(db.exec(of_user.offset(MAX_DEVICES))):
        db.exec(delete(KnownDevice).where(col(KnownDevice.device_hash).in_(surplus)))
