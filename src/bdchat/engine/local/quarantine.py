"""Finds the request that crashes the engine process, and quarantines it. Pure bookkeeping of suspects; event loop only;
knows ids, never frames.

A death says nothing about who caused it while several requests are in inflight. So after such a death all of them are
suspects and go back in one at a time, the likeliest first; a suspect that generates a few tokens is cleared. Only a
request that was in inflight alone is found guilty, at its second death: an innocent beside a killer is never refused.
"""

from collections.abc import Sequence


class Quarantine:
    def __init__(self, *, num_deaths_allowed: int = 1, num_tokens_to_clear: int = 4) -> None:
        self._num_deaths_allowed = num_deaths_allowed
        self._num_tokens_to_clear = num_tokens_to_clear  # a death loses at most the last steps' tokens
        self._num_deaths: dict[str, int] = {}
        self._num_tokens: dict[str, int] = {}  # of each suspect, since its re-admission; likeliest suspect first

    @property
    def has_suspects(self) -> bool:
        return bool(self._num_tokens)

    def num_deaths(self, request_id: str) -> int:
        return self._num_deaths.get(request_id, 0)

    def note_death(self, in_flight: Sequence[str]) -> str | None:
        """A death that a request may have caused. `in_flight`, oldest first, are the requests that the dead process
        had. Returns the one that is found guilty: it must not be submitted again."""
        for request_id in in_flight:
            self._num_deaths[request_id] = self.num_deaths(request_id) + 1
        if len(in_flight) == 1 and self._num_deaths[in_flight[0]] > self._num_deaths_allowed:
            guilty = in_flight[0]
            self._num_tokens.pop(guilty, None)
            return guilty
        on_trial = [i for i in self._num_tokens if i in in_flight]
        waiting = [i for i in self._num_tokens if i not in in_flight]
        others = [i for i in reversed(in_flight) if i not in self._num_tokens]
        self._num_tokens = dict.fromkeys([*on_trial, *others, *waiting], 0)
        return None

    def may_enter(self, waiting: Sequence[str], in_flight: Sequence[str]) -> list[str]:
        """Those of `waiting` that may be submitted now. While there are suspects, they enter alone."""
        if not self._num_tokens:
            return list(waiting)
        if any(i in self._num_tokens for i in in_flight):
            return []
        return next(([i] for i in self._num_tokens if i in waiting), [])

    def note_tokens(self, request_id: str, num_tokens: int) -> bool:
        """True: the suspect is cleared by these tokens, others may enter."""
        if request_id not in self._num_tokens:
            return False
        self._num_tokens[request_id] += num_tokens
        if self._num_tokens[request_id] < self._num_tokens_to_clear:
            return False
        del self._num_tokens[request_id]
        return True

    def forget(self, request_id: str) -> bool:
        """The request is over. True: it was a suspect, others may enter."""
        self._num_deaths.pop(request_id, None)
        return self._num_tokens.pop(request_id, None) is not None
