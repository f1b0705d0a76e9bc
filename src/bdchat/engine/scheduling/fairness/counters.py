"""How much each user has been served: virtual token counters (VTC: Sheng et al., OSDI 2024). Pure; loop thread only.

Who has been served least goes first. Only those who wait at the same time can owe one another: who had nothing waiting
asked for no more than it got, so on its next arrival it is lifted to the least of those that wait, or where nobody
does, to a band below the most of those that run. While nobody waits or runs, nothing is scarce and every debt is void.
"""

from collections.abc import Collection

PROMPT_TOKEN_COST = 1  # computed; what the cache had is free, which rewards what shares
GENERATED_TOKEN_COST = 2  # a step computes few of them, and many of a prompt
MAX_REMEMBERED = 4096  # users with a counter but nothing to do
PRUNED_FROM = 64  # of those; below that forgetting is not worth a walk


class VirtualCounters:
    """Owned by the scheduler. Whole numbers: they neither drift nor overflow. Invariant: while two users both wait,
    their counters change by charges alone."""

    def __init__(self, *, max_remembered: int = MAX_REMEMBERED) -> None:
        self._max_remembered = max_remembered
        self._served: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._served)

    def of(self, user: str) -> int:
        return self._served.get(user, 0)

    def charge(self, user: str, num_prompt_computed: int, num_generated: int) -> None:
        cost = PROMPT_TOKEN_COST * num_prompt_computed + GENERATED_TOKEN_COST * num_generated
        self._served[user] = self._served.get(user, 0) + cost

    def arrive(
        self,
        user: str,
        *,
        waiting: Collection[str],
        running: Collection[str],
        others: Collection[str],
        slack: int = 0,
    ) -> None:
        """A request of `user` is about to wait. `waiting`: users with something waiting that may run, `running`: users
        with something that runs, both of the request's own priority; a class that waits for another one, and a user at
        a limit of its own, would hold the least down for ever. `others`: further users with something to do.
        `slack`: so much less than those that run a newcomer may have where nobody waits, to be read before them."""
        if user in waiting:
            return
        if waiting:
            self._lift(user, min(map(self.of, waiting)))
        elif running:
            self._lift(user, max(map(self.of, running)) - slack)
        elif not others:
            self._served.clear()
        active = {user, *waiting, *running, *others}
        if len(self._served) > len(active) + PRUNED_FROM:
            self._forget(active)

    def _lift(self, user: str, least: int) -> None:
        self._served[user] = max(self.of(user), least)

    def _forget(self, active: set[str]) -> None:
        """Who is away with no more than any active user has would be lifted beyond that anyway; of what is more than
        may be remembered, those with the smallest debts."""
        floor = min(map(self.of, active))
        away = sorted((served, user) for user, served in self._served.items() if user not in active)
        for place, (served, user) in enumerate(away):
            if served <= floor or place < len(away) - self._max_remembered:
                del self._served[user]
