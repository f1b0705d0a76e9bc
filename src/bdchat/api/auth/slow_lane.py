"""Rate limit on one account's password over all addresses: wrong ones slow strangers down and lock nobody out.

A bound over all addresses would let anybody lock the owner out. So beyond it each address that asks is given a time of
its own, behind those that asked before, and may try once when that has come. Few addresses keep to the same bound in
all; of many each tries every MAX_WAIT_S at most, for nobody is told to wait longer. Nothing waits here: a refusal says
for how long. Event loop only.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bdchat.api.auth.attempts import Attempts
from bdchat.api.http.errors import TooManyAttempts

HOUR_S = 3600.0
MAX_WAIT_S = 900.0  # who does know the password is in by then
MAX_TICKETS = 65_536  # times given and not used, of all accounts: some ten megabytes
SWEEP_S = 60.0  # looking through all of them takes milliseconds


@dataclass(slots=True)
class _Line:
    """Of one account. `tickets`: when whose turn is."""

    next_at: float = 0.0
    tickets: dict[str, float] = field(default_factory=dict)


class SlowLane:
    """`limit` wrong passwords per account and hour go by unslowed."""

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._wrong = Attempts(limit, window_s=HOUR_S, clock=clock)
        self._interval_s = HOUR_S / limit
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self._num_tickets = 0
        self._swept_at = clock()

    @property
    def num_tickets(self) -> int:
        return self._num_tickets

    def take(self, account: str, source: str) -> None:
        """Counts an attempt. Raises TooManyAttempts: `source` is to come again, and its turn is remembered."""
        if self._wrong.left_s(account) is not None:
            self._wait_for_turn(account, source)
        self._wrong.count(account)

    def give_back(self, account: str) -> None:
        """The last one was right, or was not made."""
        self._wrong.give_back(account)

    def _wait_for_turn(self, account: str, source: str) -> None:
        now = self._clock()
        line = self._lines.get(account)
        if line is None or source not in line.tickets:
            next_at = max(line.next_at if line else 0.0, now) + self._interval_s
            turn_at = min(next_at, now + MAX_WAIT_S)
            self._give_ticket(account, source, turn_at)
            raise TooManyAttempts(turn_at - now)
        if (turn_at := line.tickets[source]) > now:
            raise TooManyAttempts(turn_at - now)
        del line.tickets[source]
        self._num_tickets -= 1
        if not line.tickets:
            del self._lines[account]

    def _give_ticket(self, account: str, source: str, turn_at: float) -> None:
        if self._num_tickets >= MAX_TICKETS and self._clock() - self._swept_at >= SWEEP_S:
            self._forget_lapsed()
        if self._num_tickets >= MAX_TICKETS:
            return  # an address that comes again starts anew: tens of thousands came since
        line = self._lines.setdefault(account, _Line())
        line.tickets[source] = line.next_at = turn_at
        self._num_tickets += 1

    def _forget_lapsed(self) -> None:
        """Turns that nobody has taken for as long as anybody waits."""
        self._swept_at = self._clock()
        lapsed_at = self._swept_at - MAX_WAIT_S
        for account, line in tuple(self._lines.items()):
            line.tickets = {source: at for source, at in line.tickets.items() if at > lapsed_at}
            if not line.tickets:
                del self._lines[account]
        self._num_tickets = sum(len(line.tickets) for line in self._lines.values())
