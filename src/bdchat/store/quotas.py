"""How much text an account may keep. Writer thread only: a Database has one, and its transactions carry it.

What an account has is counted rarely, for that reads every message's length, and added up in between. An answer is
never refused: the message that asked for it was.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session

from bdchat.store import storage
from bdchat.store.errors import QuotaExceeded
from bdchat.store.ids import now_ms
from bdchat.store.tables import User

INFO_KEY = "quotas"
RECOUNT_MS = 600_000  # answers and deletions are noticed after so long
RECOUNT_FULL_MS = 10_000  # or after so long by who has no room: something may have been deleted
MAX_COUNTED = 1024  # accounts


@dataclass(slots=True)
class _Count:
    num_bytes: int
    most_bytes: int
    at_ms: int

    def has_room_for(self, num_bytes: int) -> bool:
        return self.num_bytes + num_bytes <= self.most_bytes


class Quotas:
    """`default_bytes`: for who has no quota of their own."""

    def __init__(self, default_bytes: int, *, clock_ms: Callable[[], int] = now_ms) -> None:
        self._default_bytes = default_bytes
        self._clock_ms = clock_ms
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def charge(self, db: Session, user_id: str, num_bytes: int) -> None:
        """Raises QuotaExceeded. What is undone afterwards stays charged until the next count."""
        count, now = self._counts.get(user_id), self._clock_ms()
        if count is None or now - count.at_ms >= (RECOUNT_MS if count.has_room_for(num_bytes) else RECOUNT_FULL_MS):
            count = self._count(db, user_id, now)
        if not count.has_room_for(num_bytes):
            raise QuotaExceeded(count.most_bytes)
        count.num_bytes += num_bytes

    def _count(self, db: Session, user_id: str, now: int) -> _Count:
        user = db.get(User, user_id)
        most = self._default_bytes if user is None or user.quota_bytes is None else user.quota_bytes
        count = self._counts[user_id] = _Count(storage.account_bytes(db, user_id), most, now)
        self._counts.move_to_end(user_id)
        if len(self._counts) > MAX_COUNTED:
            self._counts.popitem(last=False)
        return count


def charge(db: Session, user_id: str, num_bytes: int) -> None:
    """In a transaction of a Database; in any other nothing is counted. Raises QuotaExceeded."""
    quotas = db.info.get(INFO_KEY)
    if isinstance(quotas, Quotas):
        quotas.charge(db, user_id, num_bytes)
