"""Numbered events of a stored answer → chat.completion.chunk frames with `id:` lines, or → one chat.completion. Pure.

What OpenAI's shapes have no place for:
1. A frame's `id:` is the event's number, to go on from with Last-Event-ID.
2. The first chunk's "bdchat" says what the answer belongs to, what it goes on from, and what its prompt leaves out.
3. {"object": "chat.completion.reset", "choices": [], "text": …}: what was read so far is to be replaced by `text`.
4. A stopped answer's finish_reason is "stop"; "bdchat".state tells it from a complete one.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from bdchat.api.durable.event_cursor import NumberedEvent
from bdchat.api.generation.streaming import frame, json_text
from bdchat.api.http.errors import ErrorEvent, seconds_left
from bdchat.api.http.long_answer import GAP
from bdchat.api.openai.chat_chunks import ChatHead
from bdchat.api.openai.logprobs import chat_logprobs
from bdchat.engine.request import FinishReason, TokenLogprob
from bdchat.store.chats.completion_rows import CompletionRow
from bdchat.store.tables import Generation

CHUNK = "chat.completion.chunk"
WIRE_REASONS = {FinishReason.CANCELLED.value: FinishReason.STOP.value}
_encoder = msgspec.json.Encoder()


def head_of(row: Generation, fingerprint: str | None) -> ChatHead:
    return ChatHead(
        completion_id=row.generation_id,
        created=row.created_at_ms // 1000,
        model=row.model,
        fingerprint=fingerprint,
        num_choices=1,
    )


class StoredChunks:
    """One per stream. A chunk of text is prepared pieces around it: there is one per token."""

    def __init__(self, head: ChatHead, *, includes_usage: bool) -> None:
        self._head = head
        self._includes_usage = includes_usage
        start = b"data: " + _encoder.encode(head.to_wire(CHUNK))[:-1]
        self._text_start = start + b',"choices":[{"index":0,"delta":{"content":'
        self._end = b'],"usage":null}' if includes_usage else b"]}"
        self._text_end = b'},"logprobs":null,"finish_reason":null}' + self._end

    def encode(self, events: Sequence[NumberedEvent]) -> bytes:
        pieces: list[bytes] = []
        for number, kind, data in events:
            if kind == "delta" and "logprobs" not in data:
                pieces += (self._text_start, json_text(data["text"]), self._text_end)
            else:
                pieces.append(self._frame(kind, data))
            pieces.append(b"\nid: %d\n\n" % number)
            if kind == "finished" and self._includes_usage:
                pieces.append(self._usage(data))
        return b"".join(pieces)

    def _frame(self, kind: str, data: dict[str, Any]) -> bytes:
        """Without the blank line."""
        if kind == "started":
            about = {name: data.get(name) for name in ("session_id", "message_id", "prefix", "num_dropped_messages")}
            delta = {"role": "assistant", "content": "", "refusal": None}
            return self._chunk(delta, None, None, {"bdchat": about})
        if kind == "delta":
            logprobs = {"content": chat_logprobs(_logprobs(data)), "refusal": None}
            return self._chunk({"content": data["text"]}, logprobs, None)
        if kind == "reset":
            reset = self._head.to_wire("chat.completion.reset") | {"choices": [], "text": data["text"]}
            return frame(reset).removesuffix(b"\n\n")
        if kind == "failed":
            return frame(ErrorEvent(data["error"], seconds_left(data))).removesuffix(b"\n\n")
        return self._chunk({}, None, wire_reason(data["reason"]), {"bdchat": {"state": data["state"]}})

    def _chunk(
        self, delta: dict[str, Any], logprobs: Any, reason: str | None, more: dict[str, Any] | None = None
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        usage = {"usage": None} if self._includes_usage else {}
        chunk = self._head.to_wire(CHUNK) | {"choices": [choice]} | usage | (more or {})
        return frame(chunk).removesuffix(b"\n\n")

    def _usage(self, data: dict[str, Any]) -> bytes:
        last = self._head.to_wire(CHUNK) | {"choices": [], "usage": data["usage"]}
        return frame(last | {"bdchat": {"timings": data["timings"]}})


class StoredCollector:
    """One per answer that is read whole."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._logprobs: list[TokenLogprob] = []
        self.failure: dict[str, Any] | None = None  # of a "failed" event
        self.last_event_id = 0
        self.finished: dict[str, Any] | None = None

    def add(self, events: Sequence[NumberedEvent]) -> None:
        for number, kind, data in events:
            self.last_event_id = number
            if kind == "delta":
                self._texts.append(data["text"])
                self._logprobs += _logprobs(data)
            elif kind == "reset":
                self._texts = [data["text"]]
                self._logprobs = []
            elif kind == "failed":
                self.failure = data
            elif kind == "finished":
                self.finished = data

    @property
    def text(self) -> str:
        return "".join(self._texts)

    @property
    def logprobs(self) -> dict[str, Any] | None:
        return {"content": chat_logprobs(self._logprobs), "refusal": None} if self._logprobs else None


def completion(shown: CompletionRow, head: ChatHead, read: StoredCollector, *, content: Any) -> dict[str, Any]:
    """`shown` may be older than what was read. Its prefix is a gap when it is long, after the content's."""
    row = shown.row
    finished = read.finished or {}
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, "refusal": None, "annotations": []},
        "logprobs": read.logprobs,
        "finish_reason": wire_reason(finished.get("reason")),
    }
    ours = {
        "state": finished.get("state") or (read.failure or {}).get("state") or row.state,
        "session_id": row.session_id,
        "message_id": row.message_id,
        "prefix": GAP if shown.prefix is None else shown.prefix,
        "num_dropped_messages": shown.num_dropped_messages,
        "last_event_id": read.last_event_id,
        "timings": finished.get("timings", {}),
    }
    document = head.to_wire("chat.completion") | {"choices": [choice], "usage": finished.get("usage")}
    document |= {"metadata": shown.metadata, "bdchat": ours}
    return document if read.failure is None else document | {"error": read.failure["error"]}


def wire_reason(reason: str | None) -> str | None:
    return WIRE_REASONS.get(reason, reason) if reason is not None else None


def _logprobs(data: dict[str, Any]) -> list[TokenLogprob]:
    return msgspec.convert(data.get("logprobs", []), list[TokenLogprob])
