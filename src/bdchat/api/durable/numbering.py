"""Numbers of events on the wire, over all runs of a generation. Pure.

Outside it is run × 2³² + seq, one integer that only grows. Within a run numbers go up by one from 1; a reader that
knows a number of an earlier run gets one Reset first, which holds all the text so far.
"""

from collections.abc import Iterable, Sequence

from bdchat.api.generation.events import LAST, Batch, LogEvent, Reset
from bdchat.engine.request import Delta

RUN_STEP = 2**32


def event_id(run: int, seq: int) -> int:
    return run * RUN_STEP + seq


def seq_after(last_event_id: int, run: int) -> int | None:
    """Where a reader goes on that has seen `last_event_id`; None: that was of another run, and its text must go."""
    seen_run, seq = divmod(last_event_id, RUN_STEP)
    return seq if seen_run == run or last_event_id == 0 else None


def reset(run: int, events: Sequence[LogEvent]) -> tuple[int, Batch]:
    """For a reader of another run: the number of the last event that it stands for, and the Reset alone. An end is no
    text."""
    seq = len(events) - 1 if events and isinstance(events[-1], LAST) else len(events)
    return seq, Batch(event_id(run, seq), [Reset(text=text_and_tokens(events)[0])])


def text_and_tokens(events: Iterable[LogEvent]) -> tuple[str, list[int]]:
    """What a run has said."""
    pieces: list[str] = []
    tokens: list[int] = []
    for event in events:
        if isinstance(event, Delta):
            pieces.append(event.text)
            tokens += event.tokens
    return "".join(pieces), tokens
