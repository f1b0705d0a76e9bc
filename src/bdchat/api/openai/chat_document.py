"""Events → chat.completion: the whole answer as one document; of a stored one as far as it is. Pure."""

from collections.abc import Sequence
from typing import Any

from bdchat.api.answering.choice_readers import ChoiceReaders
from bdchat.api.answering.logprobs import chat_logprobs
from bdchat.api.generation.answer_reading import Reading
from bdchat.api.generation.events import Ended, Failed, LogEvent, Opened, Reset, Started
from bdchat.api.generation.usage import UsageCount
from bdchat.api.http.long_answer import GAP
from bdchat.api.openai.annotations import AnswerSources
from bdchat.api.openai.chat_answer import ChatHead, Message
from bdchat.engine.request import Accepted, Delta, Finished, TokenLogprob
from bdchat.store.chats.generation_rows import GenerationRow

NO_SOURCES = AnswerSources()


class ChatCollector:
    """Collector."""

    def __init__(
        self,
        head: ChatHead,
        *,
        has_logprobs: bool,
        reading: Reading,
        has_speeds: bool = False,
        sources: AnswerSources = NO_SOURCES,
    ) -> None:
        self._head = head
        self._sources = sources
        self._has_logprobs = has_logprobs
        self._has_speeds = has_speeds
        self._usage = UsageCount()
        self._readers = ChoiceReaders(reading, head.num_choices)
        self._messages = [self._new_message(index) for index in range(head.num_choices)]
        self._logprobs: list[list[TokenLogprob]] = [[] for _ in self._messages]
        self._reasons: dict[int, str | None] = {}
        self.ended: Ended | None = None
        self.failed: Failed | None = None

    def add(self, position: int, events: Sequence[LogEvent]) -> None:
        for event in events:
            if isinstance(event, Delta):
                parts = self._readers.read(event.index, event.text, len(event.tokens))
                self._messages[event.index].add(parts)
                self._logprobs[event.index].extend(event.logprobs)
            elif isinstance(event, Finished):
                self._finish(event.index, event.reason.value)
                self._usage.add_finished(event)
            elif isinstance(event, Accepted):
                self._usage.add_accepted(event)
                self._readers.hear(event)
            elif isinstance(event, Started | Opened):
                self._readers.hear(event)
            elif isinstance(event, Reset):
                self._readers.begin()
                self._messages[0], self._logprobs[0] = self._new_message(0), []
                self._messages[0].add(self._readers.read(0, event.text, 0))
            elif isinstance(event, Ended):
                self._finish(0, event.reason)
                self.ended = event
            elif isinstance(event, Failed):
                self._finish(0, None)
                self.failed = event

    def document(self) -> dict[str, Any]:
        self._usage.num_reasoning_tokens = self._readers.num_thought_tokens
        speeds = {"timings": self._usage.speeds} if self._has_speeds else {}
        return self._document(self._usage.to_wire()) | speeds | {"bdchat": {"timings": self._usage.timings}}

    def stored_document(self, shown: GenerationRow, last_event_id: int, *, has_content_gap: bool) -> dict[str, Any]:
        """`shown` may be older than what was read. Its content is a gap with `has_content_gap`, its prefix when it is
        long; the content's comes first."""
        row, ended, failed = shown.row, self.ended, self.failed
        ours = {
            "state": ended.state if ended else failed.state if failed else row.state,
            "session_id": row.session_id,
            "message_id": row.message_id,
            "prefix": GAP if shown.prefix is None else shown.prefix,
            "num_dropped_messages": shown.num_dropped_messages,
            "last_event_id": last_event_id,
            "timings": ended.timings if ended else {},
        }
        document = self._document(ended.usage if ended else None)
        if has_content_gap:
            document["choices"][0]["message"]["content"] = GAP
        document |= {"metadata": shown.metadata, "bdchat": ours}
        return document if failed is None else document | {"error": failed.error}

    def _finish(self, index: int, reason: str | None) -> None:
        parts, self._reasons[index] = self._readers.finish(index, reason)
        self._messages[index].add(parts)

    def _new_message(self, index: int) -> Message:
        is_legacy_call = self._readers.reading.is_legacy_call
        return Message(self._head.completion_id, index, is_legacy_call=is_legacy_call)

    def _document(self, usage: dict[str, Any] | None) -> dict[str, Any]:
        choices = [self._choice(index) for index in range(self._head.num_choices)]
        body = self._head.to_wire("chat.completion") | {"choices": choices, "usage": usage}
        return body | self._sources.to_wire()

    def _choice(self, index: int) -> dict[str, Any]:
        logprobs = None
        if self._has_logprobs or self._logprobs[index]:
            logprobs = {"content": chat_logprobs(self._logprobs[index]), "refusal": None}
        return {
            "index": index,
            "message": self._messages[index].to_wire(self._sources),
            "logprobs": logprobs,
            "finish_reason": self._reasons.get(index),
        }
