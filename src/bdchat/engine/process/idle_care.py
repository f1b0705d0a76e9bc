"""What an engine does while nobody asks it for anything: saves conversations, gives memory back. Loop thread only.

In pieces, each short: whoever asks meanwhile waits for one of them at most. While answers are written only a shortage
of memory is looked for.
"""

import time
from collections.abc import Callable

from bdchat.engine.host import free_memory_bytes
from bdchat.engine.kv.cache import KVCache
from bdchat.engine.kv.retreat import Retreat
from bdchat.engine.model_runner import ModelRunner

CALM_S = 2.0  # so long nobody asks for anything before conversations are written to disk, one by one
BETWEEN_PIECES_S = 0.05  # somebody may ask meanwhile
WATCH_S = 5.0  # between two looks at the memory that is free; one takes 0.1 ms
MAX_PIECES = 4  # of a shortage, between two steps of running answers


class IdleCare:
    """`keep_bytes`: that idle sequences may take after `idle_s` without a request, or at once when less than
    `short_bytes` are free."""

    def __init__(
        self,
        cache: KVCache,
        runner: ModelRunner,
        *,
        idle_s: float,
        keep_bytes: int,
        short_bytes: int,
        give_back_others: Callable[[], None] = lambda: None,
        free_bytes: Callable[[], int] = free_memory_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = cache
        self._runner = runner
        self._retreat = Retreat(cache, runner)
        self._idle_s = idle_s
        self._keep_bytes = keep_bytes
        self._short_bytes = short_bytes
        self._give_back_others = give_back_others
        self._free_bytes = free_bytes
        self._clock = clock
        self._calm_since: float | None = None
        self._watched_at = clock()
        self._measured_at = clock()
        self._has_given_back = False
        self._is_short = False  # when last looked at

    def look(self) -> None:
        """Somebody wants to know what the cells hold."""
        if self._clock() - self._measured_at >= WATCH_S:
            self._measure()

    def wake(self) -> None:
        """Somebody asked for something, or what is kept has changed."""
        self._calm_since = None
        self._has_given_back = False

    def watch(self) -> None:
        """While there is work."""
        self.wake()
        if not self._watch_memory() or not self._is_short:
            return
        pieces = 0
        while pieces < MAX_PIECES and self._retreat.step(self._keep_bytes, moves=False):
            pieces += 1
        if pieces:
            self._runner.give_back()
            self._measure()

    def rest(self) -> float | None:
        """One piece. Seconds until the next one; None: there is none until somebody asks for something."""
        now = self._clock()
        if self._calm_since is None:
            self._calm_since = now
        calm_s = now - self._calm_since
        if calm_s < CALM_S:
            return CALM_S - calm_s
        if self._cache.save_one():
            return BETWEEN_PIECES_S
        self._watch_memory()
        if (calm_s >= self._idle_s or self._is_short) and self._retreat.step(self._keep_bytes):
            self._has_given_back = False
            return BETWEEN_PIECES_S
        if not self._has_given_back:
            self._has_given_back = True
            self._runner.give_back()
            self._give_back_others()
            self._measure()
        return min(WATCH_S, self._idle_s - calm_s) if calm_s < self._idle_s else None

    def _measure(self) -> None:
        self._measured_at = self._clock()
        self._cache.measure()

    def _watch_memory(self) -> bool:
        """False: the last look is still good."""
        now = self._clock()
        if now - self._watched_at < WATCH_S:
            return False
        self._watched_at = now
        self._is_short = self._free_bytes() < self._short_bytes
        return True
