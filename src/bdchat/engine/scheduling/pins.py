"""Pinned system prompts: reads them when there is room, as batch requests of its own that nobody hears of. Loop thread
only; knows tokens, never prompts.

What the disk has of an earlier process is kept again without being read.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bdchat.engine.errors import ContextLengthExceeded, EngineError
from bdchat.engine.inspection import PinState
from bdchat.engine.kv.files import pin_tag
from bdchat.engine.request import (
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    Priority,
    SamplingParams,
    TokenPrompt,
)
from bdchat.engine.scheduling.scheduler import Scheduler

MAX_TRIES = 3  # of what fails, or finds no room


@dataclass(slots=True)
class _Pin:
    tokens: list[int]
    request_id: str = ""  # that reads it now
    num_tries: int = 0
    is_kept: bool = False
    reason: str = ""  # why it is refused


class PinKeeper:
    """Owned by the worker."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._pins: dict[str, _Pin] = {}
        self._reading: dict[str, str] = {}  # request id → pin id, also of a pin that is gone
        self._num_requests = 0
        self._told: tuple[PinState, ...] = ()

    def put(self, pin_id: str, tokens: list[int], *, problem: str = "") -> None:
        """In place of one of that id. `problem`: why it cannot be read."""
        self._give_up(pin_id)
        if not problem and not tokens:
            problem = "the model's template puts nothing of it before a chat"
        pin = self._pins[pin_id] = _Pin(tokens, reason=problem)
        if not problem:
            self._settle(pin_id, pin)
            self._read(pin_id, pin)

    def remove(self, pin_id: str) -> None:
        """Nothing is kept of it, what an earlier process left neither."""
        self._give_up(pin_id)
        self._scheduler.kv_cache.forget(pin_tag(pin_id))

    def rest(self) -> bool:
        """Nobody wants anything: reads what has had no turn. False: there is nothing to do."""
        for pin_id, pin in self._pins.items():
            self._read(pin_id, pin)
        return bool(self._reading)

    def without_own(self, events: Iterable[Event]) -> list[Event]:
        """What others hear of a step; what is about pins is taken note of."""
        others = []
        for event in events:
            if event.request_id not in self._reading:
                others.append(event)
            elif isinstance(event, Finished):
                self._end(self._reading.pop(event.request_id), event)
        return others

    def news(self) -> tuple[PinState, ...] | None:
        """All pins, when something has changed since it was last asked."""
        states = tuple(self._state(pin_id, pin) for pin_id, pin in self._pins.items())
        if states == self._told:
            return None
        self._told = states
        return states

    def _give_up(self, pin_id: str) -> None:
        pin = self._pins.pop(pin_id, None)
        if pin is not None and pin.request_id:
            self._scheduler.cancel(pin.request_id)

    def _end(self, pin_id: str, finished: Finished) -> None:
        pin = self._pins.get(pin_id)
        if pin is None or pin.request_id != finished.request_id:
            return
        pin.request_id = ""
        if finished.reason is not FinishReason.ERROR:
            self._settle(pin_id, pin)
        elif pin.num_tries >= MAX_TRIES:
            pin.reason = finished.message or "it could not be read"

    def _settle(self, pin_id: str, pin: _Pin) -> None:
        """Keeps its state, where there is one."""
        problem = self._scheduler.kv_cache.pinned.keep(pin_tag(pin_id), pin.tokens)
        pin.is_kept = problem == ""
        if problem is None and pin.num_tries >= MAX_TRIES:
            problem = "its state was evicted before it could be kept"
        pin.reason = problem or ""

    def _read(self, pin_id: str, pin: _Pin) -> None:
        if pin.is_kept or pin.reason or pin.request_id:
            return
        self._num_requests += 1
        request = GenerationRequest(
            request_id=f"pin:{self._num_requests}",
            prompt=TokenPrompt(tokens=tuple(pin.tokens)),
            sampling=SamplingParams(max_tokens=0),
            priority=Priority.BATCH,
        )
        try:
            self._scheduler.add(request, pin.tokens)
        except ContextLengthExceeded as error:
            pin.reason = str(error)
        except EngineError:  # too many wait: when nobody does
            return
        else:
            self._scheduler.counts.num_requests -= 1  # nobody's
            pin.num_tries += 1
            pin.request_id = request.request_id
            self._reading[request.request_id] = pin_id

    def _state(self, pin_id: str, pin: _Pin) -> PinState:
        kept = self._scheduler.kv_cache.pinned.of(pin_tag(pin_id))
        return PinState(
            pin_id=pin_id,
            state="refused" if pin.reason else "kept" if pin.is_kept else "waiting",
            num_tokens=len(pin.tokens),
            num_bytes=kept.num_bytes,
            is_in_ram=kept.is_in_ram,
            is_on_disk=kept.is_on_disk,
            reason=pin.reason,
        )
