"""What each account may ask of the models: answers at once, requests that wait, tokens a minute. Event loop only.

The engine enforces the first two, of each model; it is told them here, with the request. Tokens are counted here, from
what is booked: prompt and completion, without what the cache spared. Whoever has used its minute is refused before
anything is stored or computed. What runs at that moment goes on, so that an account can go beyond its bound by what it
had running, never by what it asks afterwards. A server counts what its own processes compute; several over one database
count apart. Who comes without an account is one account, ""; engines tell them apart by what requests say (`user`).
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from bdchat.api.generation.token_window import TokenWindow
from bdchat.engine.errors import AccountLimitReached
from bdchat.engine.request import GenerationRequest
from bdchat.settings import LimitSettings
from bdchat.store.accounts import users
from bdchat.store.accounts.users import OwnLimits
from bdchat.store.errors import StoreError
from bdchat.store.sql.database import Database

log = logging.getLogger(__name__)

RELOAD_S = 5.0  # where other servers change accounts too: how long that may go unnoticed here
TOKENS = "tokens a minute"  # AccountLimitReached.limit


@dataclass(frozen=True, slots=True)
class AccountBounds:
    """What holds for one account; 0 = no bound."""

    running: int
    queued: int
    tokens_per_minute: int


class AccountLimits:
    """`load` once the database is there, `run` as a task of the lifespan."""

    def __init__(
        self, settings: LimitSettings, database: Database | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.usual = AccountBounds(settings.account_running, settings.account_queue, settings.account_tokens_per_minute)
        self._database = database
        self._window = TokenWindow(clock=clock)
        self._own: dict[str, OwnLimits] = {}  # of accounts that have any

    # --- what holds ---------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Raises StoreError."""
        if self._database is not None:
            self._own = await self._database.read(users.own_limits)

    async def run(self) -> None:
        """Until cancelled. SQLite has one writer: there whoever changes an account says so."""
        if self._database is None or self._database.dialect == "sqlite":
            return
        while True:
            await asyncio.sleep(RELOAD_S)
            try:
                await self.load()
            except StoreError as error:
                log.warning("the accounts' limits could not be read: %s", error)

    def note_change(self, user_id: str, own: OwnLimits) -> None:
        """From now on these are its own."""
        self._own[user_id] = own

    def own(self) -> Mapping[str, OwnLimits]:
        """By account, of those that an admin gave any."""
        return {user_id: own for user_id, own in self._own.items() if own != OwnLimits()}

    def of(self, user_id: str) -> AccountBounds:
        own = self._own.get(user_id, OwnLimits())
        usual = self.usual
        return AccountBounds(
            usual.running if own.max_running is None else own.max_running,
            usual.queued if own.max_queued is None else own.max_queued,
            usual.tokens_per_minute if own.tokens_per_minute is None else own.tokens_per_minute,
        )

    # --- what is asked ------------------------------------------------------------------------------------------------

    def admit(self, user_id: str) -> None:
        """Before anything is done for a request. Raises AccountLimitReached when the account's minute is used up."""
        most = self.of(user_id).tokens_per_minute
        if most and (wait_s := self._window.seconds_until_below(user_id, most)):
            raise AccountLimitReached(TOKENS, most, wait_s)

    def most_at_once(self, user_id: str, num_choices: int) -> float:
        """Requests of one call that may be in the engine together, so that the call does not fill its account's queue
        by itself."""
        queued = self.of(user_id).queued
        return max(1, queued // num_choices) if queued else math.inf

    def bounded(self, request: GenerationRequest, user_id: str) -> GenerationRequest:
        """As the engine is to get it."""
        bounds = self.of(user_id)
        return msgspec.structs.replace(request, max_running=bounds.running, max_queued=bounds.queued)

    # --- what was used ------------------------------------------------------------------------------------------------

    def book(self, user_id: str, counts: Mapping[str, int]) -> None:
        """Columns of UsageBucket, as they are booked."""
        computed = counts.get("prompt_tokens", 0) - counts.get("cached_tokens", 0)
        self._window.add(user_id, computed + counts.get("completion_tokens", 0))

    def used(self) -> Mapping[str, int]:
        """Tokens of the last minute, by account."""
        return self._window.used_by_all()
