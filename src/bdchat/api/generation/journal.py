"""Ring of the requests that ended last: user, token counts, latencies. No text. Event loop only."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bdchat.api.generation.usage import Spending
from bdchat.api.http.errors import EndedByAdmin
from bdchat.engine.request import FinishReason, GenerationRequest
from bdchat.store.ids import now_ms

NUM_KEPT = 100
State = Literal["complete", "cancelled", "failed"]


class EndedGeneration(Protocol):
    """A Generation is one."""

    request: GenerationRequest
    user_id: str
    started_at_ms: int
    first_text_ms: float | None
    spending: Spending
    reasons: list[FinishReason]

    @property
    def error(self) -> Exception | None: ...

    @property
    def model_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class JournalEntry:
    request_id: str
    user_id: str  # "" is the local guest, or the operator's key
    model: str
    state: State
    started_at_ms: int
    total_ms: int
    queue_ms: float | None  # None: the engine did not say
    first_text_ms: float | None  # from its start; None: there was no text
    num_read_tokens: int  # of the prompt, computed
    num_cached_tokens: int  # of the prompt, found in the cache
    num_written_tokens: int


class RequestJournal:
    def __init__(self, *, num_kept: int = NUM_KEPT) -> None:
        self._entries: deque[JournalEntry] = deque(maxlen=num_kept)

    def note(self, ended: EndedGeneration) -> None:
        counts = ended.spending.counts()
        entry = JournalEntry(
            request_id=ended.request.request_id,
            user_id=ended.user_id,
            model=ended.model_id,
            state=_state(ended),
            started_at_ms=ended.started_at_ms,
            total_ms=max(0, now_ms() - ended.started_at_ms),
            queue_ms=ended.spending.queue_ms,
            first_text_ms=ended.first_text_ms,
            num_read_tokens=counts["prompt_tokens"] - counts["cached_tokens"],
            num_cached_tokens=counts["cached_tokens"],
            num_written_tokens=counts["completion_tokens"],
        )
        self._entries.append(entry)

    def num_broken(self, *, since_ms: int) -> int:
        """Answers that failed after their first text: no refusal tells of them."""
        return sum(
            entry.state == "failed" and entry.first_text_ms is not None and entry.started_at_ms >= since_ms
            for entry in self._entries
        )

    def latest(self) -> Sequence[JournalEntry]:
        """The last one first."""
        return tuple(reversed(self._entries))


def _state(ended: EndedGeneration) -> State:
    if isinstance(ended.error, EndedByAdmin):
        return "cancelled"
    if ended.error is not None:
        return "failed"
    is_whole = len(ended.reasons) == ended.request.num_choices
    return "complete" if is_whole and FinishReason.CANCELLED not in ended.reasons else "cancelled"
