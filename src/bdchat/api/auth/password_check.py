"""Verifies an account's password for every endpoint that takes one, within limits on attempts. Every door that takes
one asks here. Owns the counts; event loop only.

Who may try is decided before anything is hashed: an address has so many attempts, an account so many per address, and
so many over all addresses before strangers must wait their turn (slow_lane.py). A browser that has signed in to the
account before has a count of its own, which nobody else can use up. Names that nobody has are counted like all others.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bdchat.api.auth.attempts import Attempts
from bdchat.api.auth.authenticator import token_hash
from bdchat.api.auth.passwords import Passwords
from bdchat.api.auth.slow_lane import HOUR_S, SlowLane
from bdchat.api.http.errors import LoginFailed, TooManyAttempts
from bdchat.api.http.peer import Peer
from bdchat.settings import AuthSettings
from bdchat.store.accounts import audit, devices, users
from bdchat.store.db import Db
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import User

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Checked:
    """The password is this account's. `is_known`: the device that was named has signed in to it before."""

    user: User
    is_known: bool


@dataclass(frozen=True, slots=True)
class _Count:
    take: Callable[[], None]
    give_back: Callable[[], None]


class PasswordCheck:
    def __init__(
        self,
        settings: AuthSettings,
        database: Database,
        passwords: Passwords,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._device_ms = settings.known_device_days * DAY_MS
        self._by_address = Attempts(settings.attempts_per_address, clock=clock)
        self._by_account = Attempts(settings.attempts_per_minute, clock=clock)  # and address, or known device
        self._by_device = Attempts(settings.attempts_per_account, window_s=HOUR_S, clock=clock)
        self._slow_lane = SlowLane(settings.attempts_per_account, clock=clock)

    def take_address(self, peer: Peer) -> None:
        """Of another secret that is tried at the same door: an invitation, a set-up code. Raises TooManyAttempts."""
        self._by_address.take(peer.limited_as)

    async def check(
        self, username: str, password: str, peer: Peer, *, device: str | None = None, login_id: str | None = None
    ) -> Checked:
        """`username`: or the email. `device`: its cookie. `login_id`: of who is signed in already. Raises LoginFailed,
        TooManyAttempts."""
        user, is_known = await self._database.read(lambda db: self._look_up(db, username, device))
        known_as = f"login {login_id}" if login_id is not None else None
        if is_known and device is not None:
            known_as = f"device {token_hash(device)}"
        account = user.user_id if user is not None else users.username_key(username)  # its name and email are one
        counts = self._counts(account, peer.limited_as, known_as)
        _take(counts)
        try:
            is_right = await self._passwords.verify(user.password_hash if user else None, password)
        except TooManyAttempts:  # nothing was tried
            _give_back(counts)
            raise
        if user is None or not is_right or user.is_disabled:
            # a name that nobody has may be a password, typed in the wrong field
            target = user.username if user is not None else ""
            await self._database.write(
                lambda db: audit.record(db, audit.NOBODY, "login.failed", target, ip=peer.address)
            )
            raise LoginFailed
        _give_back(counts)
        return Checked(user, is_known)

    def _look_up(self, db: Db, username: str, device: str | None) -> tuple[User | None, bool]:
        """As many queries for a name that nobody has."""
        user = users.by_sign_in(db, username)
        if device is None:
            return user, False
        user_id, used_after_ms = user.user_id if user else "", now_ms() - self._device_ms
        return user, devices.knows(db, user_id, token_hash(device), used_after_ms=used_after_ms)

    def _counts(self, account: str, address: str, known_as: str | None) -> list[_Count]:
        known = f"{account}\n{known_as}"
        if known_as is not None and self._by_device.left_s(known) is None:  # else it is not the owner who has it
            return [_count(self._by_account, known), _count(self._by_device, known)]
        lane = _Count(lambda: self._slow_lane.take(account, address), lambda: self._slow_lane.give_back(account))
        return [_count(self._by_account, f"{account}\n{address}"), _count(self._by_address, address), lane]


def _count(attempts: Attempts, name: str) -> _Count:
    return _Count(lambda: attempts.take(name), lambda: attempts.give_back(name))


def _take(counts: list[_Count]) -> None:
    """All or none. Raises TooManyAttempts."""
    for number, count in enumerate(counts):
        try:
            count.take()
        except TooManyAttempts:
            _give_back(counts[:number])
            raise


def _give_back(counts: list[_Count]) -> None:
    for count in counts:
        count.give_back()
