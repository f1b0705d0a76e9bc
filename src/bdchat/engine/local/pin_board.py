"""What is pinned in one engine, over all lives of its process; and what the process of now says of it. Event loop only.

A pin has no caller to be refused to, so one that kills the process must not be sent to the next one for ever.
"""

from collections.abc import Iterator

from bdchat.engine.inspection import PinState
from bdchat.engine.pins import check_pin
from bdchat.engine.wire import Pin

MAX_DEATHS = 2  # of processes that had not yet read it


class PinBoard:
    """Owned by LocalEngine."""

    def __init__(self) -> None:
        self._pins: dict[str, Pin] = {}
        self._told: dict[str, PinState] = {}
        self._num_deaths: dict[str, int] = {}

    def put(self, pin_id: str, system_prompt: str) -> Pin:
        """Raises InvalidRequest."""
        check_pin(pin_id, system_prompt, self._pins)
        self.remove(pin_id)
        pin = self._pins[pin_id] = Pin(pin_id=pin_id, system_prompt=system_prompt)
        return pin

    def remove(self, pin_id: str) -> None:
        """Unknown ones are ignored."""
        for known in (self._pins, self._told, self._num_deaths):
            known.pop(pin_id, None)

    def states(self) -> tuple[PinState, ...]:
        return tuple(self._told.get(pin_id, PinState(pin_id=pin_id)) for pin_id in self._pins)

    def take(self, told: tuple[PinState, ...]) -> None:
        """What the process says; it may not have heard yet of the last ones."""
        self._told |= {state.pin_id: state for state in told if state.pin_id in self._pins}

    def note_death(self, *, is_suspect: bool) -> None:
        """`is_suspect`: what the process read may have ended it."""
        for pin_id in self._pins if is_suspect else ():
            is_open = self._told.get(pin_id, PinState(pin_id=pin_id)).state == "waiting"
            self._num_deaths[pin_id] = self._num_deaths.get(pin_id, 0) + 1 if is_open else 0
        reason = "the engine process died before it had been read"
        self._told = {
            pin_id: PinState(pin_id=pin_id, state="refused", reason=reason)
            for pin_id in self._pins
            if not self._may_be_sent(pin_id)
        }

    def for_a_new_process(self) -> Iterator[Pin]:
        return (pin for pin_id, pin in self._pins.items() if self._may_be_sent(pin_id))

    def _may_be_sent(self, pin_id: str) -> bool:
        return self._num_deaths.get(pin_id, 0) < MAX_DEATHS
