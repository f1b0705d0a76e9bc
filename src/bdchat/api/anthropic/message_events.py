"""A generation's log → Anthropic's events, and the message as far as it is. Pure."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from bdchat.api.answering.choice_readers import ChoiceReaders
from bdchat.api.anthropic.error_shape import error_type
from bdchat.api.generation.answer_reading import Reading, call_id
from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.usage import UsageCount
from bdchat.api.http.errors import error_reply
from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted, Content, Thought
from bdchat.engine.errors import EngineError
from bdchat.engine.request import Accepted, Delta, Finished

Event = dict[str, Any]
STOP_REASONS = {"length": "max_tokens", "tool_calls": "tool_use"}


class MessageEvents:
    """`skipped_tools`: types of tools that were left out."""

    def __init__(self, message_id: str, model: str, reading: Reading, *, skipped_tools: Sequence[str] = ()) -> None:
        self._message_id = message_id
        self._model = model
        self._readers = ChoiceReaders(reading, 1)
        self._usage = UsageCount()
        self._blocks: list[dict[str, Any]] = []
        self._pieces: list[str] = []  # of the last block
        self._is_open = False
        self._stop_reason: str | None = None
        self._stop_sequence: str | None = None
        self._about = {"bdchat": {"skipped_tools": list(skipped_tools)}} if skipped_tools else {}

    def encode(self, events: Sequence[LogEvent]) -> list[Event]:
        return [told for event in events for told in self._told(event)]

    def failed(self, error: EngineError) -> list[Event]:
        """After the first byte."""
        reply = error_reply(error)
        return [{"type": "error", "error": {"type": error_type(reply.status), "message": reply.message}}]

    def message(self) -> dict[str, Any]:
        return {
            "id": self._message_id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": self._blocks,
            "stop_reason": self._stop_reason,
            "stop_sequence": self._stop_sequence,
            "usage": usage_of(self._usage.to_wire()),
            **self._about,
        }

    def _told(self, event: LogEvent) -> Iterator[Event]:
        if isinstance(event, Delta):
            yield from self._parts(self._readers.read(0, event.text, len(event.tokens)))
        elif isinstance(event, Accepted):
            self._usage.add_accepted(event)
            self._readers.hear(event)
            yield {"type": "message_start", "message": self.message() | {"content": []}}
            yield {"type": "ping"}
        elif isinstance(event, Finished):
            yield from self._ends(event)

    def _parts(self, parts: Iterable[AnswerPart]) -> Iterator[Event]:
        for part in parts:
            if isinstance(part, Content | Thought | CallArguments) and not part.text:
                continue
            yield from self._opened_for(part)
            match part:
                case Content(text=text):
                    yield self._grown(text, {"type": "text_delta", "text": text})
                case Thought(text=text):
                    yield self._grown(text, {"type": "thinking_delta", "thinking": text})
                case CallArguments(text=text):
                    yield self._grown(text, {"type": "input_json_delta", "partial_json": text})

    def _opened_for(self, part: AnswerPart) -> Iterator[Event]:
        kind = self._blocks[-1]["type"] if self._is_open else None
        match part:
            case Content() if kind == "text":
                return
            case Thought() if kind == "thinking":
                return
            case CallArguments():
                return
        yield from self._closed()
        block: dict[str, Any]
        match part:
            case CallStarted(number=number, name=name):
                tool_id = f"toolu_{call_id(self._message_id, 0, number).removeprefix('call_')}"
                block = {"type": "tool_use", "id": tool_id, "name": name, "input": {}}
            case Thought():
                block = {"type": "thinking", "thinking": "", "signature": ""}
            case _:
                block = {"type": "text", "text": ""}
        self._blocks.append(block)
        self._pieces = []
        self._is_open = True
        yield {"type": "content_block_start", "index": len(self._blocks) - 1, "content_block": dict(block)}

    def _grown(self, text: str, delta: dict[str, Any]) -> Event:
        self._pieces.append(text)
        return {"type": "content_block_delta", "index": len(self._blocks) - 1, "delta": delta}

    def _closed(self) -> Iterator[Event]:
        if not self._is_open:
            return
        self._is_open = False
        block, text = self._blocks[-1], "".join(self._pieces)
        index = len(self._blocks) - 1
        match block["type"]:
            case "text":
                block["text"] = text
            case "thinking":
                block |= {"thinking": text, "signature": _signature(text)}
                delta = {"type": "signature_delta", "signature": block["signature"]}
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            case _:
                block["input"] = _object(text)
        yield {"type": "content_block_stop", "index": index}

    def _ends(self, event: Finished) -> Iterator[Event]:
        self._usage.add_finished(event)
        parts, reason = self._readers.finish(0, event.reason.value)
        yield from self._parts(parts)
        yield from self._closed()
        self._stop_sequence = event.stop if reason == "stop" else None
        ended = "end_turn" if self._stop_sequence is None else "stop_sequence"
        self._stop_reason = STOP_REASONS.get(str(reason), ended)
        delta = {"stop_reason": self._stop_reason, "stop_sequence": self._stop_sequence}
        yield {"type": "message_delta", "delta": delta, "usage": usage_of(self._usage.to_wire())}
        yield {"type": "message_stop"}


def usage_of(usage: dict[str, Any]) -> dict[str, Any]:
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    return {
        "input_tokens": usage["prompt_tokens"] - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": usage["completion_tokens"],
    }


def _signature(thought: str) -> str:
    """Clients send it back with the thought; nothing here asks for it."""
    return hashlib.blake2b(thought.encode(), digest_size=16).hexdigest()


def _object(text: str) -> dict[str, Any]:
    """Of a call that was cut there is none."""
    try:
        found = msgspec.json.decode(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
