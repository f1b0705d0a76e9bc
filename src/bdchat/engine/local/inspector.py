"""Asks the engine process what it computes, for people who watch: seldom, and without waiting long. Event loop only."""

import asyncio
import contextlib
from collections.abc import Callable

from bdchat.engine.inspection import SequenceState
from bdchat.engine.local.child import EngineChild
from bdchat.engine.wire import Inspect, Inspected

INTERVAL_S = 0.5  # however many watch, and however often they ask
PATIENCE_S = 1.0  # a long step


class Inspector:
    """A process that is too busy to answer in time is told of as it was before."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sequences: tuple[SequenceState, ...] = ()
        self._told = asyncio.Event()
        self._asked_at = -INTERVAL_S

    async def ask(self, child: EngineChild) -> tuple[SequenceState, ...]:
        if self._clock() - self._asked_at >= INTERVAL_S:
            self._asked_at = self._clock()
            self._told.clear()
            child.send(Inspect())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._told.wait(), PATIENCE_S)
        return self._sequences

    def take(self, inspected: Inspected) -> None:
        self._sequences = inspected.sequences
        self._told.set()

    def forget(self) -> None:
        """The process is gone."""
        self._sequences = ()
