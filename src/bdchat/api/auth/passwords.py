"""Password rules, and argon2id hashing in two threads of its own. Event loop outside.

Parameters are OWASP's floor (19 MiB, two passes, one lane: 20 to 50 ms); a stored hash with smaller ones is replaced at
the next login. A name that nobody has costs the same hashing as one that somebody has: `verify(None, …)`.
"""

import asyncio
import functools
import unicodedata
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bdchat.api.auth.obvious_passwords import is_obvious
from bdchat.api.http.errors import TooManyAttempts

NUM_THREADS = 2
MAX_WAITING = 64  # at 50 ms each: nobody would wait longer
MIN_CHARS = 8
MAX_CHARS = 256
Weakness = Literal["password_length", "password_obvious", "password_is_name"]
WEAKNESSES: Mapping[Weakness, str] = {  # as the end of a sentence
    "password_length": f"must have {MIN_CHARS} to {MAX_CHARS} characters.",
    "password_obvious": "is one of those that anybody would try first.",
    "password_is_name": "must not be the name.",
}
Result = TypeVar("Result")
# Of a password that nobody has, with the parameters below (a test compares them).
NOBODYS_HASH = "$argon2id$v=19$m=19456,t=2,p=1$j8P4KSaYdXfQApTRUWz2vA$QPrLj7SeHnsdZlkfo/TQu+/bRMYdfCFu00NqwxKUq7M"


class Passwords:
    """Owns its threads, which start at the first hashing."""

    def __init__(self, *, max_waiting: int = MAX_WAITING) -> None:
        self.num_hashings = 0  # calls of argon2, of either kind
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._threads = ThreadPoolExecutor(NUM_THREADS, thread_name_prefix="argon2")
        self._max_waiting = max_waiting
        self._num_waiting = 0

    async def hash(self, password: str) -> str:
        """PHC format. Raises TooManyAttempts when too many others wait."""
        return await self._run(functools.partial(self._hasher.hash, _normal(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """False for None, after as much work. Raises TooManyAttempts when too many others wait."""
        is_right = await self._run(functools.partial(self._verify, password_hash or NOBODYS_HASH, _normal(password)))
        return is_right and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._num_waiting >= self._max_waiting:
            raise TooManyAttempts(retry_after_s=5)
        self._num_waiting += 1
        self.num_hashings += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._num_waiting -= 1


def weakness_of(password: str, username: str) -> Weakness | None:
    """Why this password is not taken; None: it is. Any composition is welcome."""
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        return "password_length"
    plain = _normal(password)
    if is_obvious(plain):
        return "password_obvious"
    if username and plain.casefold() == _normal(username).casefold():
        return "password_is_name"
    return None


def _normal(password: str) -> str:
    """One keyboard writes 한 as one character, another as three: the same password."""
    return unicodedata.normalize("NFC", password)
