"""How a stored answer's text is read, and how many of its tokens are thoughts. Pure but for
`reading_of`, which is called in a store's reader.
"""

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from bdchat.api.generation.answer_reading import ChoiceReader, Reading
from bdchat.api.generation.events import LogEvent, Opened
from bdchat.engine.model_info import AnswerFormat, ModelInfo
from bdchat.engine.request import Accepted, ChatPrompt, Delta, GenerationRequest
from bdchat.store.chats import generation_rows
from bdchat.store.chats.generation_rows import GenerationRow
from bdchat.store.db import Db

KEPT_AS = "opened"  # beside the usage in a row
READS_CALLS = "reads_calls"  # in a row's wire["reading"]: its request has tools


def opened_by(accepted: Accepted, info: ModelInfo | None) -> Opened:
    answer_format = info.answer_format if info is not None else AnswerFormat()
    return Opened(answer_format=answer_format, opens_thought=accepted.opens_thought)


def opening_of(events: Iterable[LogEvent]) -> Opened | None:
    """None: nobody said so; it is the usual."""
    return next((event for event in events if isinstance(event, Opened)), None)


def kept(events: Iterable[LogEvent]) -> dict[str, Any]:
    """With the usage in the answer's row, for when its log is forgotten."""
    opened = opening_of(events)
    return {} if opened is None else {KEPT_AS: msgspec.to_builtins(opened)}


def kept_opening(usage: dict[str, Any]) -> Opened:
    """Of the usage in an ended answer's row."""
    return msgspec.convert(usage.get(KEPT_AS) or {"type": "opened"}, Opened)


def reading_of(db: Db, shown: GenerationRow) -> Reading:
    """Of one that runs the log says more (Opened)."""
    wanted = {name: wants for name, wants in shown.reading.items() if name != READS_CALLS}
    reading = Reading(**wanted)
    if shown.reading.get(READS_CALLS):
        request = generation_rows.request_of(db, shown.row.generation_id)
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):  # of another version of bdchat
            asked = msgspec.json.decode(request, type=_Request).prompt
            reading = Reading.of(ChatPrompt(messages=(), **msgspec.structs.asdict(asked)), **wanted)
    opened = kept_opening(shown.row.usage)
    return reading.by(opened.answer_format, opens_thought=opened.opens_thought)


class _ToolsOfPrompt(msgspec.Struct):
    """ChatPrompt without its messages, which may be megabytes."""

    tools: tuple[dict[str, object], ...] = ()
    tool_choice: Literal["none", "auto", "required"] = "auto"
    allowed_tools: tuple[str, ...] = ()
    parallel_tool_calls: bool | None = None


class _Request(msgspec.Struct):
    prompt: _ToolsOfPrompt


def num_reasoning_tokens(request: GenerationRequest, prefix: str, events: Sequence[LogEvent]) -> int:
    """Of those in `events`. An answer that never opened a thought is not read for it."""
    opened = opening_of(events) or Opened()
    deltas = [event for event in events if isinstance(event, Delta)]
    opening = opened.answer_format.thought_opening
    if not opened.opens_thought and opening not in prefix + "".join(delta.text for delta in deltas):
        return 0
    reading = Reading.of(request.prompt).by(opened.answer_format, opens_thought=opened.opens_thought)
    reader = ChoiceReader(reading)
    reader.feed(prefix)
    for delta in deltas:
        reader.feed(delta.text, len(delta.tokens))
    reader.finish()
    return reader.num_thought_tokens
