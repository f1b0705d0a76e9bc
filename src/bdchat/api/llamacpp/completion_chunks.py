"""Events → llama.cpp's completion document, or its stream, which ends with `stop: true` and no [DONE]. Pure."""

from collections.abc import Sequence
from typing import Any

from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.speeds import speeds_of, timings_of
from bdchat.api.generation.streaming import frame
from bdchat.engine.request import Accepted, Delta, Finished, FinishReason

NO_SLOT = -1


class NativeChunks:
    """StreamEncoder. `response_fields`: what the last frame has; () = all."""

    def __init__(self, model: str, response_fields: Sequence[str] | None) -> None:
        self._model = model
        self._response_fields = response_fields
        self._num_prompt_tokens = 0
        self._num_tokens = 0

    def encode(self, position: int, events: Sequence[LogEvent]) -> bytes:
        return b"".join(self._frame(event) for event in events)

    def close(self) -> bytes:
        return b""

    def _frame(self, event: LogEvent) -> bytes:
        if isinstance(event, Accepted):
            self._num_prompt_tokens = len(event.prompt_tokens)
        elif isinstance(event, Delta):
            self._num_tokens += len(event.tokens)
            return frame(self._chunk(event.text)) if event.text else b""
        elif isinstance(event, Finished):
            return frame(chosen(whole(self._model, "", event), self._response_fields))
        return b""

    def _chunk(self, text: str) -> dict[str, Any]:
        return {
            "index": 0,
            "content": text,
            "tokens": [],
            "stop": False,
            "id_slot": NO_SLOT,
            "tokens_predicted": self._num_tokens,
            "tokens_evaluated": self._num_prompt_tokens,
        }


class NativeCollector:
    """Collector: the whole answer as one document."""

    def __init__(self, model: str, response_fields: Sequence[str] | None) -> None:
        self._model = model
        self._response_fields = response_fields
        self._texts: list[str] = []
        self._finished: Finished | None = None

    def add(self, position: int, events: Sequence[LogEvent]) -> None:
        for event in events:
            if isinstance(event, Delta):
                self._texts.append(event.text)
            elif isinstance(event, Finished):
                self._finished = event

    def document(self) -> dict[str, Any]:
        assert self._finished is not None
        return chosen(whole(self._model, "".join(self._texts), self._finished), self._response_fields)


def whole(model: str, text: str, finished: Finished) -> dict[str, Any]:
    usage, stop = finished.usage, finished.stop
    by_length = finished.reason is FinishReason.LENGTH
    return {
        "index": 0,
        "content": text,
        "tokens": [],
        "stop": True,
        "id_slot": NO_SLOT,
        "model": model,
        "tokens_predicted": usage.num_completion_tokens,
        "tokens_evaluated": usage.num_prompt_tokens,
        "tokens_cached": usage.num_prompt_tokens + usage.num_completion_tokens,
        "truncated": False,
        "stop_type": "limit" if by_length else "eos" if stop is None else "word",
        "stopping_word": stop or "",
        "timings": speeds_of(finished),
        "bdchat": {"timings": timings_of(finished)},
    }


def chosen(document: dict[str, Any], response_fields: Sequence[str] | None) -> dict[str, Any]:
    """The named fields; "timings/prompt_ms" is one within another, and stands under its last word."""
    if not response_fields:
        return document
    found: dict[str, Any] = {}
    for path in response_fields:
        value: Any = document
        for name in path.split("/"):
            value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            found[path.rpartition("/")[2]] = value
    return found
