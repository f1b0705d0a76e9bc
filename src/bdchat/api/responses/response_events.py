"""A generation's log → the events of the Responses wire, numbered from 0, and the response as far as it is. Pure.

The numbers depend on the log alone, never on how it was cut into batches: whoever reads it again, from any number on,
finds the same event under the same number. Takes a bare answer's events (Accepted, Delta, Finished) and a stored one's
(Started, Opened, Delta, Ended, Failed); never Reset.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bdchat.api.answering.choice_readers import ChoiceReaders, wire_reason
from bdchat.api.generation.answer_reading import Reading, call_id
from bdchat.api.generation.events import Ended, Failed, LogEvent, Opened, Started
from bdchat.api.generation.usage import UsageCount
from bdchat.api.http.errors import error_reply
from bdchat.api.responses.output_items import (
    CallItem,
    CustomCallItem,
    MessageItem,
    OutputItem,
    ReasoningItem,
    SummaryItem,
)
from bdchat.api.responses.response_head import ResponseHead
from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted, Content, Thought
from bdchat.engine.errors import EngineError
from bdchat.engine.request import Accepted, Delta, Finished, FinishReason, TokenLogprob

Event = dict[str, Any]
ERROR_CODES = frozenset({"rate_limit_exceeded"})  # those of ours that are OpenAI's too


class ResponseEvents:
    """`custom_tools`: names of functions whose calls are told as custom tools' calls."""

    def __init__(
        self,
        head: ResponseHead,
        reading: Reading,
        *,
        is_queued: bool = False,
        custom_tools: Iterable[str] = (),
    ) -> None:
        self._head = head
        self._is_queued = is_queued
        self._custom_tools = frozenset(custom_tools)
        has_summary = bool(head.echo.get("reasoning", {}).get("summary"))
        self._thought_item: type[OutputItem] = SummaryItem if has_summary else ReasoningItem
        self._readers = ChoiceReaders(reading, 1)
        self._usage = UsageCount()
        self._unsaid_logprobs: tuple[TokenLogprob, ...] = ()  # of tokens whose text is held back
        self._items: list[OutputItem] = []  # the last one may be open
        self._has_begun = self._is_working = False
        self._num_events = 0
        self._last: dict[str, Any] | None = None  # the response, once it has ended
        self._status = "queued" if is_queued else "in_progress"
        self.last_failure: Failed | None = None

    def encode(self, events: Sequence[LogEvent]) -> list[Event]:
        return [self._numbered(told) for event in events for told in self._told(event)]

    def failed(self, error: EngineError) -> list[Event]:
        """For who has read no end."""
        reply = error_reply(error)
        return [self._numbered(told) for told in self._fails(reply.error.code, reply.error.message)]

    def response(self) -> dict[str, Any]:
        """As far as it is."""
        if self._last is not None:
            return self._last
        return self._head.to_wire(status=self._status, output=[item.to_wire() for item in self._items])

    @property
    def has_ended(self) -> bool:
        return self._last is not None

    def _numbered(self, event: Event) -> Event:
        event["sequence_number"] = self._num_events
        self._num_events += 1
        return event

    def _told(self, event: LogEvent) -> Iterator[Event]:
        if isinstance(event, Delta):
            yield from self._begins()
            yield from self._parts(self._readers.read(0, event.text, len(event.tokens)), event)
        elif isinstance(event, Started):
            self._readers.hear(event)
            yield from self._begins(is_waiting=self._is_queued)
        elif isinstance(event, Opened | Accepted):
            self._readers.hear(event)
            if isinstance(event, Accepted):
                self._usage.add_accepted(event)
            yield from self._begins()
        elif isinstance(event, Finished):
            self._usage.add_finished(event)
            yield from self._ends(event.reason.value, None, self._usage.timings)
        elif isinstance(event, Ended):
            yield from self._ends(event.reason, event.usage, event.timings)
        elif isinstance(event, Failed):
            self.last_failure = event
            yield from self._fails(event.error.get("code"), str(event.error.get("message", "")))

    # --- its parts ----------------------------------------------------------------------------------------------------

    def _begins(self, *, is_waiting: bool = False) -> Iterator[Event]:
        """What is asked for in the background is queued until its model says something."""
        if not self._has_begun:
            self._has_begun = True
            yield self._lifecycle("created")
            if self._is_queued:
                yield self._lifecycle("queued")
        if not self._is_working and not is_waiting:
            self._is_working = True
            self._status = "in_progress"
            yield self._lifecycle("in_progress")

    def _lifecycle(self, name: str) -> Event:
        return {"type": f"response.{name}", "response": self.response()}

    def _parts(self, parts: Iterable[AnswerPart], said_by: Delta | None = None) -> Iterator[Event]:
        if said_by is not None:
            self._unsaid_logprobs += said_by.logprobs
        for part in parts:
            if isinstance(part, Content | Thought) and not part.text:
                continue
            yield from self._opened_for(part)
            item = self._items[-1]
            if isinstance(part, Content):
                yield from item.grow(part.text, self._unsaid_logprobs)
            elif isinstance(part, Thought | CallArguments):
                yield from item.grow(part.text)
            self._unsaid_logprobs = ()

    def _opened_for(self, part: AnswerPart) -> Iterator[Event]:
        """Closes what is open where the part belongs to another item, and opens that."""
        item = self._items[-1] if self._items else None
        match part:
            case Content() if isinstance(item, MessageItem) and item.is_open:
                return
            case Thought() if isinstance(item, self._thought_item) and item.is_open:
                return
            case CallArguments():
                return
        yield from self._closed("completed")
        yield from self._open(part)

    def _open(self, part: AnswerPart) -> Iterator[Event]:
        response_id, index = self._head.response_id, len(self._items)
        match part:
            case CallStarted(number=number, name=name):
                kind = CustomCallItem if name in self._custom_tools else CallItem
                self._items.append(kind(response_id, index, call_id(response_id, 0, number), name))
            case Thought():
                self._items.append(self._thought_item(response_id, index))
            case _:
                self._items.append(MessageItem(response_id, index))
        yield from self._items[-1].open()

    def _closed(self, status: str) -> Iterator[Event]:
        if self._items and self._items[-1].is_open:
            yield from self._items[-1].close(status)

    # --- its end ------------------------------------------------------------------------------------------------------

    def _ends(self, reason: str | None, usage: dict[str, Any] | None, timings: dict[str, float]) -> Iterator[Event]:
        yield from self._begins()
        is_stopped = reason == FinishReason.CANCELLED.value
        parts, _ = self._readers.finish(0, reason)
        yield from self._parts(parts)
        is_whole = not is_stopped and wire_reason(reason) != FinishReason.LENGTH.value
        if not self._items:
            yield from self._open(Content(""))  # an answer without a word is a message too
        yield from self._closed("completed" if is_whole else "incomplete")
        self._usage.num_reasoning_tokens = self._readers.num_thought_tokens
        counted = usage_of(self._usage.to_wire() if usage is None else usage)
        details = None if is_whole or is_stopped else {"reason": "max_output_tokens"}
        took_s = sum(timings.get(name, 0.0) for name in ("queue_ms", "prefill_ms", "decode_ms", "swapped_ms")) / 1000
        self._last = self._head.to_wire(
            status="completed" if is_whole else "cancelled" if is_stopped else "incomplete",
            output=[item.to_wire() for item in self._items],
            usage=counted,
            incomplete_details=details,
            completed_at=self._head.created_at + round(took_s) if is_whole else None,
        )
        if timings:
            self._last["bdchat"] = {**self._last.get("bdchat", {}), "timings": timings}
        yield self._lifecycle("completed" if is_whole else "incomplete")

    def _fails(self, code: Any, message: str) -> Iterator[Event]:
        yield from self._begins()
        yield from self._closed("incomplete")
        error = {"code": code if code in ERROR_CODES else "server_error", "message": message}
        output = [item.to_wire() for item in self._items]
        self._last = self._head.to_wire(status="failed", output=output, error=error)
        yield self._lifecycle("failed")


def usage_of(usage: dict[str, Any]) -> dict[str, Any]:
    """OpenAI's counts of a chat completion under the names of a response."""
    cached = usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    reasoning = usage.get("completion_tokens_details", {}).get("reasoning_tokens", 0)
    return {
        "input_tokens": usage.get("prompt_tokens", 0),
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": usage.get("completion_tokens", 0),
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": usage.get("total_tokens", 0),
    }
