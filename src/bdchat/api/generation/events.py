"""The typed and numbered events of a generation. Values only.

An unstored generation says what its engine says: Accepted, Delta, Finished of each choice. A stored one says Started,
Opened if need be, Delta, and last Ended or Failed, which hold all that a reader of any wire needs.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from bdchat.engine.model_info import AnswerFormat
from bdchat.engine.request import Accepted, Delta, Finished, Progress, PromptLogprobs, Value


class Started(Value, frozen=True, kw_only=True, tag="started"):
    """Event 1 of every stored generation: what the answer belongs to and what it goes on from."""

    message_id: str | None = None
    session_id: str | None = None
    model: str = ""
    created_at_ms: int = 0
    prefix: str = ""  # text of the message from earlier generations (continue)
    num_dropped_messages: int = 0  # left out of the prompt by the context-overflow policy


class Opened(Value, frozen=True, kw_only=True, tag="opened"):
    """How the text of a stored answer is read, said before its first word; only where that is not the usual."""

    answer_format: AnswerFormat = AnswerFormat()
    opens_thought: bool = False  # the text begins inside one: the prompt has opened it


class Ended(Value, frozen=True, kw_only=True, tag="finished"):
    """The last event of a stored generation that was answered or stopped. `reason` is a FinishReason's value."""

    reason: str | None = None
    state: str = ""  # "complete" | "stopped"
    usage: dict[str, Any] = msgspec.field(default_factory=dict)  # OpenAI's object
    timings: dict[str, float] = msgspec.field(default_factory=dict)


class Failed(Value, frozen=True, kw_only=True, tag="failed", omit_defaults=True):
    """The last event of a stored generation that was not. `error` is OpenAI's error object, `status` HTTP's."""

    error: dict[str, Any]
    status: int
    state: str  # "failed" | "interrupted"
    retry_at_ms: int | None = None  # when another try makes sense, since 1970


class Reset(Value, frozen=True, kw_only=True, tag="reset"):
    """All that the generation has said so far, for a reader of an earlier run. Never stored."""

    text: str


LogEvent = Accepted | Progress | PromptLogprobs | Delta | Finished | Started | Opened | Ended | Failed | Reset
LAST = (Ended, Failed)  # of a stored generation
NumberedEvent = tuple[int, LogEvent]


class Batch(NamedTuple):
    """Events whose numbers follow each other."""

    first_id: int
    events: Sequence[LogEvent]

    @property
    def last_id(self) -> int:
        return self.first_id + len(self.events) - 1

    @property
    def is_last(self) -> bool:
        """Nothing comes after it."""
        return isinstance(self.events[-1], LAST)

    def numbered(self) -> Iterator[NumberedEvent]:
        return zip(range(self.first_id, self.first_id + len(self.events)), self.events, strict=True)
