"""Events as rows of GenerationEvent, and back. Pure.

A row's kind is its event's tag; deltas that follow each other share one row of kind "deltas", named by the last of
them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from bdchat.api.generation.events import Ended, Failed, LogEvent, Opened, Reset, Started
from bdchat.engine.request import Delta, TokenLogprob
from bdchat.store.tables import GenerationEvent


def to_data(event: LogEvent) -> tuple[str, dict[str, Any]]:
    """(kind, data), as it is stored and as the bus carries it: JSON's types only."""
    if isinstance(event, Delta):
        data: dict[str, Any] = {"index": event.index, "text": event.text, "tokens": event.tokens}
        if event.logprobs:
            data["logprobs"] = msgspec.to_builtins(event.logprobs)
        return "delta", data
    data = msgspec.to_builtins(event)
    return data.pop("type"), data


def from_data(generation_id: str, kind: str, data: dict[str, Any]) -> LogEvent:
    """Fields that the kind does not have are passed over."""
    if kind == "delta":
        return Delta(
            request_id=generation_id,
            index=data.get("index", 0),
            text=data["text"],
            tokens=tuple(data.get("tokens", ())),
            logprobs=msgspec.convert(data.get("logprobs", ()), tuple[TokenLogprob, ...]),
        )
    event: LogEvent = msgspec.convert({**data, "type": kind}, Started | Opened | Ended | Failed | Reset)
    return event


def pack(generation_id: str, events: Sequence[LogEvent], *, first_seq: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    deltas: list[dict[str, Any]] = []
    seq = first_seq

    def close_deltas() -> None:
        if deltas:
            data = {"first": seq - len(deltas), "deltas": [*deltas]}
            rows.append({"generation_id": generation_id, "seq": seq - 1, "kind": "deltas", "data": data})
            deltas.clear()

    for seq, event in enumerate(events, start=first_seq):  # close_deltas reads it
        kind, data = to_data(event)
        if kind == "delta":
            deltas.append(data)
            continue
        close_deltas()
        rows.append({"generation_id": generation_id, "seq": seq, "kind": kind, "data": data})
    seq = first_seq + len(events)
    close_deltas()
    return rows


def unpack(rows: Iterable[GenerationEvent], *, after_seq: int = 0) -> list[LogEvent]:
    """Rows in order, without those events that come before. Those of a commit that was made twice may hold some
    events twice."""
    events: list[LogEvent] = []
    last_seq = after_seq
    for row in rows:
        first, found = row.seq, [(row.kind, row.data)]
        if row.kind == "deltas":
            first, found = row.data["first"], [("delta", data) for data in row.data["deltas"]]
        news = found[max(0, last_seq + 1 - first) :]
        events += [from_data(row.generation_id, kind, data) for kind, data in news]
        last_seq = max(last_seq, row.seq)
    return events
