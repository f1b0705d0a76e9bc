"""Snapshot of an engine process: waiting and running sequences, cells per sequence, cached part of a prompt.

Made only when somebody asks: the step loop answers between two steps, and nothing is kept or counted for it. Values;
scheduling/telling/inspection.py makes them.
"""

from typing import Literal

from bdchat.engine.request import Priority, Value


class SequenceState(Value, frozen=True, kw_only=True):
    """A choice of a request, or (idle) cells that are kept as cache: then nobody's, and `request_id` is ""."""

    state: Literal["waiting", "reading", "writing", "paused", "idle"]  # paused: it gave its place to others
    request_id: str = ""
    index: int = 0
    user: str = ""  # GenerationRequest.user
    priority: Priority = Priority.INTERACTIVE
    queue_position: int | None = None  # 1 = next; choices count one each
    eta_ms: int | None = None  # expected until its first token or, when it is paused, its next one
    num_prompt_tokens: int = 0
    num_cached_tokens: int = 0  # of the prompt
    num_cached_from_ram: int = 0  # of those
    num_cached_from_disk: int = 0
    num_computed_tokens: int = 0
    num_completion_tokens: int = 0
    num_cells: int = 0  # that it uses
    num_own_cells: int = 0  # of those, the ones that nobody else uses
    num_preemptions: int = 0  # how often it gave way
    age_ms: int = 0  # since it came


class PinState(Value, frozen=True, kw_only=True):
    """A system prompt that an admin has pinned, in one engine."""

    pin_id: str
    state: Literal["waiting", "kept", "refused"] = "waiting"  # for the model, or for its turn to be read
    num_tokens: int = 0  # of the beginning that every chat with it shares
    num_bytes: int = 0  # of its saved state, in RAM and once more on disk
    is_in_ram: bool = False
    is_on_disk: bool = False  # then it survives a restart
    reason: str = ""  # why it is refused, in one line


class PromptSurvey(Value, frozen=True, kw_only=True):
    """What sending a prompt now would find. A tier's number counts leading tokens that a warmer one has too."""

    num_prompt_tokens: int
    num_resident: int  # in the cells: no cost
    num_in_ram: int
    num_on_disk: int
    prefill_ms: float  # to read what no tier has, when nobody else does anything
    num_waiting: int  # requests before it in the queue
