"""A history: a machine, and what happens to its scheduler, as plain values whose repr is the code that makes them."""

from dataclasses import Field, dataclass, fields
from typing import Any

from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.engine.request import Priority


class Written:
    """A value whose repr is Python that makes it again, and leaves out what is as it would be anyway."""

    __slots__ = ()

    def __repr__(self) -> str:
        told = [f"{f.name}={_code(value)}" for f in fields(self) if _is_told(f, value := getattr(self, f.name))]  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(told)})"


def _is_told(field: "Field[Any]", value: object) -> bool:
    return bool(value != field.default)


def _code(value: object) -> str:
    if isinstance(value, KVLayout | MemoryClass | Priority):
        return f"{type(value).__name__}.{value.name}"
    return repr(value)


@dataclass(frozen=True, slots=True, repr=False)
class Machine(Written):
    """What the scheduler runs on, and its settings."""

    num_places: int = 2
    n_ctx: int = 64
    num_cells: int = 64  # of one pool; in streams each place has n_ctx
    n_batch: int = 16
    layout: KVLayout = KVLayout.UNIFIED
    memory_class: MemoryClass = MemoryClass.DENSE
    n_swa: int = 16
    is_hybrid: bool = False  # recurrent in some layers only: a checkpoint does not stand alone
    ram_bytes: int = 0
    disk_bytes: int = 0
    num_letters: int = 26  # that answers are made of: with few of them what was written is written again
    max_draft_tokens: int = 0
    has_draft_model: bool = False
    queue_limit: int = 64
    queue_timeout_s: float = 600.0
    generation_s: float = 0.0
    step_ms: float = 10.0  # of virtual time, for a step; and for each
    decode_ms: float = 2.0  # … sequence that it takes one further,
    prefill_ms: float = 1.0  # … prompt token in it,
    depth_ms: float = 0.0  # … token that one of them attends to


@dataclass(frozen=True, slots=True, repr=False)
class Ask(Written):
    """A request arrives. Its prompt: the first `num_shared` tokens of a text that others begin with too, or of the chat
    so far of request number `follows`; then `num_own` tokens that nobody else has."""

    shared: int = 0
    num_shared: int = 0
    follows: int | None = None  # place among the history's requests
    num_own: int = 4
    max_tokens: int = 4
    num_choices: int = 1
    pattern: str = ""  # what the answer is held to: see PatternGrammar
    stop: tuple[str, ...] = ()
    is_drawn: bool = False  # each token by the seed and its place; else the likeliest
    has_logprobs: bool = False
    has_prompt_logprobs: bool = False
    is_deterministic: bool = False
    cache_prompt: bool = True
    wants_progress: bool = False
    user: str = ""
    priority: Priority = Priority.INTERACTIVE
    max_running: int = 0
    max_queued: int = 0
    tag: str = ""  # of the stored chat that it belongs to


@dataclass(frozen=True, slots=True, repr=False)
class Steps(Written):
    """The engine takes so many steps."""

    num: int = 1


@dataclass(frozen=True, slots=True, repr=False)
class Cancel(Written):
    """Of request number so. Also when its caller is simply gone: the engine hears the same."""

    number: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Die(Written):
    """The engine's process ends; another goes on with what callers have heard. `loses`: what its last step said."""

    loses: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Break(Written):
    """A step raised what nobody expected: everything in the engine fails."""


@dataclass(frozen=True, slots=True, repr=False)
class RefuseSlots(Written):
    """llama.cpp finds no room for the next so many batches, whatever the ledger says."""

    num: int = 1


@dataclass(frozen=True, slots=True, repr=False)
class RefuseBatch(Written):
    """llama.cpp refuses the next batch."""


@dataclass(frozen=True, slots=True, repr=False)
class Pass(Written):
    """Time passes between two steps."""

    seconds: float = 1.0


@dataclass(frozen=True, slots=True, repr=False)
class Rest(Written):
    """All that was asked ends; then nobody asks anything for a while, and the engine cares for its memory."""

    seconds: float = 5.0
    keep_bytes: int = 0  # what idle sequences may keep


@dataclass(frozen=True, slots=True, repr=False)
class Look(Written):
    """Somebody asks what the engine does, and what of a prompt it has."""

    shared: int = 0
    num_shared: int = 8


@dataclass(frozen=True, slots=True, repr=False)
class Forget(Written):
    """A stored chat is deleted."""

    tag: str = "a"


Happening = Ask | Steps | Cancel | Die | Break | RefuseSlots | RefuseBatch | Pass | Rest | Look | Forget


@dataclass(frozen=True, slots=True)
class History:
    machine: Machine
    happenings: tuple[Happening, ...]

    def as_code(self) -> str:
        """To be pasted into test_regressions.py."""
        lines = "".join(f"        {each!r},\n" for each in self.happenings)
        return f"History(\n    {self.machine!r},\n    (\n{lines}    ),\n)"
