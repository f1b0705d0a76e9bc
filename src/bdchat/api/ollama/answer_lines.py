"""A generation's log → Ollama's lines, and the whole answer as one object. Pure.

Calls are told whole, one line each. One that max_tokens cut is not told: a client would run it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from bdchat.api.answering.choice_readers import ChoiceReaders
from bdchat.api.answering.collected_answer import CollectedAnswer, CollectedCall
from bdchat.api.answering.logprobs import chat_logprobs
from bdchat.api.generation.answer_reading import Reading, call_id
from bdchat.api.generation.events import LogEvent
from bdchat.api.generation.usage import UsageCount
from bdchat.api.http.errors import error_reply
from bdchat.engine.answers.parts import AnswerPart, CallArguments, Content, Thought
from bdchat.engine.errors import EngineError
from bdchat.engine.request import Accepted, Delta, Finished, TokenLogprob

Line = dict[str, Any]
NS_PER_MS = 1_000_000
NOT_DONE: Mapping[str, Any] = {"done": False}
_encoder = msgspec.json.Encoder()


def written(line: Line) -> bytes:
    return _encoder.encode(line) + b"\n"


def timestamp(seconds: float | None = None) -> str:
    """RFC 3339, UTC; now, if nothing else is said."""
    at = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return at.isoformat().replace("+00:00", "Z")


class AnswerLines:
    """`way`: "chat" tells messages, "generate" texts."""

    def __init__(self, answer_id: str, model: str, reading: Reading, *, way: Literal["chat", "generate"]) -> None:
        self._answer_id = answer_id
        self._model = model
        self._way = way
        self._readers = ChoiceReaders(reading, 1)
        self._answer = CollectedAnswer()
        self._usage = UsageCount()
        self._num_told_calls = 0
        self._calls: list[dict[str, Any]] = []
        self._logprobs: list[Any] = []
        self._num_told_logprobs = 0
        self._end: Mapping[str, Any] = NOT_DONE

    def encode(self, events: Sequence[LogEvent]) -> list[Line]:
        return [line for event in events for line in self._told(event)]

    def failed(self, error: EngineError) -> list[Line]:
        return [{"error": error_reply(error).message}]

    def whole(self) -> Line:
        """The answer that is not streamed."""
        said = self._said(self._answer.content or "", thinking=self._answer.thought, calls=self._calls)
        more = {"logprobs": self._logprobs} if self._logprobs else {}
        return {**self._head(), **said, **more, **self._end}

    def _told(self, event: LogEvent) -> Iterator[Line]:
        if isinstance(event, Delta):
            parts = self._readers.read(0, event.text, len(event.tokens))
            yield from self._parts(parts, event.logprobs)
        elif isinstance(event, Accepted):
            self._usage.add_accepted(event)
            self._readers.hear(event)
        elif isinstance(event, Finished):
            self._usage.add_finished(event)
            parts, reason = self._readers.finish(0, event.reason.value)
            yield from self._parts(parts)
            yield from self._whole_calls(self._answer.calls[self._num_told_calls :])
            ended = {"done": True, "done_reason": "length" if reason == "length" else "stop"}
            self._end = ended | self._costs(event)
            yield self._line(self._said(""), self._end)

    def _parts(self, parts: Iterable[AnswerPart], logprobs: Sequence[TokenLogprob] = ()) -> Iterator[Line]:
        self._logprobs += [msgspec.to_builtins(each) for each in chat_logprobs(logprobs)]
        for part in parts:
            if not isinstance(part, CallArguments):
                yield from self._whole_calls(self._answer.calls[self._num_told_calls :])
            self._answer.add([part])
            match part:
                case Content(text=text) if text:
                    yield self._line(self._said(text))
                case Thought(text=text) if text:
                    yield self._line(self._said("", thinking=text))

    def _whole_calls(self, calls: Sequence[CollectedCall]) -> Iterator[Line]:
        """Those that have not been told: nothing is added to them any more."""
        for call in calls:
            self._num_told_calls += 1
            try:
                arguments = msgspec.json.decode(call.arguments or "{}")
            except ValueError:
                continue
            function = {"index": call.number, "name": call.name, "arguments": arguments}
            told = {"id": call_id(self._answer_id, 0, call.number), "function": function}
            self._calls.append(told)
            yield self._line(self._said("", calls=[told]))

    def _line(self, said: dict[str, Any], end: Mapping[str, Any] = NOT_DONE) -> Line:
        """With the scores of all tokens since the line before, also of those that no text shows."""
        scores = self._logprobs[self._num_told_logprobs :]
        self._num_told_logprobs = len(self._logprobs)
        return {**self._head(), **said, **({"logprobs": scores} if scores else {}), **end}

    def _head(self) -> dict[str, Any]:
        return {"model": self._model, "created_at": timestamp()}

    def _said(self, text: str, *, thinking: str = "", calls: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
        thought = {"thinking": thinking} if thinking else {}
        if self._way == "generate":
            return {"response": text, **thought}
        message = {"role": "assistant", "content": text, **thought}
        return {"message": message | {"tool_calls": list(calls)} if calls else message}

    def _costs(self, event: Finished) -> dict[str, int]:
        timings, usage = event.timings, self._usage.to_wire()
        spent_ms = timings.queue_ms + timings.prefill_ms + timings.decode_ms + timings.swapped_ms
        return {
            "total_duration": round(spent_ms * NS_PER_MS),
            "load_duration": 0,  # models stay loaded
            "prompt_eval_count": usage["prompt_tokens"],
            "prompt_eval_duration": round(timings.prefill_ms * NS_PER_MS),
            "eval_count": usage["completion_tokens"],
            "eval_duration": round(timings.decode_ms * NS_PER_MS),
        }
