"""Progress events of waiting and prefilling requests: queue position, prompt tokens computed. Loop thread only."""

from collections.abc import Iterable

from bdchat.engine.request import Progress
from bdchat.engine.scheduling.sequence import Sequence


class ProgressWatch:
    """Owned by the scheduler. Says each thing once."""

    def __init__(self) -> None:
        self._told: dict[str, Progress] = {}

    def news(self, running: Iterable[Sequence], waiting: Iterable[Sequence]) -> list[Progress]:
        """Of the requests that asked, what has changed since the last call."""
        current = {s.request.request_id: _reading(s) for s in running if _is_watched(s) and _is_read(s)}
        position = 0
        seen: set[str] = set()
        for sequence in waiting:
            request_id = sequence.request.request_id
            position += request_id not in seen
            seen.add(request_id)
            if _is_watched(sequence):
                current[request_id] = Progress(
                    request_id=request_id, queue_position=position, num_prompt_tokens=sequence.num_prompt_tokens
                )
        told, self._told = self._told, current
        return [progress for request_id, progress in current.items() if told.get(request_id) != progress]


def _is_watched(sequence: Sequence) -> bool:
    return sequence.request.wants_progress and sequence.index == 0


def _is_read(sequence: Sequence) -> bool:
    """Its prompt is being read, or has just been: the last report says so."""
    return sequence.num_generated == 0 or sequence.num_pending > 1


def _reading(sequence: Sequence) -> Progress:
    return Progress(
        request_id=sequence.request.request_id,
        queue_position=None,
        num_prompt_tokens=sequence.num_prompt_tokens,
        num_cached_tokens=sequence.num_cached_tokens or 0,
        num_computed_tokens=min(sequence.num_computed_tokens, sequence.num_prompt_tokens),
    )
