"""Position of one reader in the events of one answer: drops repeats, detects gaps. Pure.

Events come from two sides: from the bus, which forgets, and from the log, which lags. Whoever subscribes first, then
reads the log and lets both through one cursor sees every event once, in order. Numbers are the outside ones of
numbering.event_id: within a run they go up by one, a later run's are higher than all of an earlier one.
"""

from collections.abc import Iterable

from bdchat.api.durable.numbering import RUN_STEP
from bdchat.api.generation.events import NumberedEvent, Reset

MAX_AHEAD = 4096  # events kept that came before their predecessors; the log has those beyond


class EventCursor:
    """Law: what `take` returns, all together, is a run's events after `after_id`, each once, in order. From a run to a
    later one, or over a gap, there is one way: a Reset, which holds all the text that it stands for."""

    def __init__(self, after_id: int = 0) -> None:
        self.last_id = after_id
        self._highest_id = after_id
        self._ahead: dict[int, NumberedEvent] = {}  # of the bus, while the log catches up: it may lag all along

    @property
    def is_behind(self) -> bool:
        """An event was offered whose predecessors are missing: they are in the log, or a reset is."""
        return self._highest_id > self.last_id

    def take(self, events: Iterable[NumberedEvent]) -> list[NumberedEvent]:
        """Those of `events`, and of what was offered too early, that continue what was taken. Earlier ones are
        dropped."""
        taken: list[NumberedEvent] = []
        for numbered in events:
            event_id, event = numbered
            self._highest_id = max(self._highest_id, event_id)
            if event_id <= self.last_id:
                continue
            if isinstance(event, Reset):
                self._ahead = {ahead_id: ahead for ahead_id, ahead in self._ahead.items() if ahead_id > event_id}
                self._advance(numbered, taken)
            elif self._continues(event_id):
                self._advance(numbered, taken)
            elif len(self._ahead) < MAX_AHEAD:
                self._ahead[event_id] = numbered
        return taken

    def _continues(self, event_id: int) -> bool:
        is_first_seen = self.last_id == 0 and event_id % RUN_STEP == 1  # the log of any run begins with all there is
        return is_first_seen or event_id == self.last_id + 1

    def _advance(self, event: NumberedEvent | None, taken: list[NumberedEvent]) -> None:
        while event is not None:
            self.last_id = event[0]
            taken.append(event)
            event = self._ahead.pop(self.last_id + 1, None)
