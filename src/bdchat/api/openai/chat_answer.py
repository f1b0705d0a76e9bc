"""What a chat completion's chunks and its document have in common: their head, and an answer's parts. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bdchat.api.answering.collected_answer import CollectedAnswer
from bdchat.api.generation.answer_reading import call_id
from bdchat.api.openai.annotations import AnswerSources
from bdchat.store.chats.generation_rows import GenerationRow


@dataclass(frozen=True, slots=True)
class ChatHead:
    """What every chunk of an answer repeats."""

    completion_id: str
    created: int
    model: str
    fingerprint: str | None
    num_choices: int
    service_tier: str | None = None

    @classmethod
    def of(cls, shown: GenerationRow, fingerprint: str | None) -> "ChatHead":
        row, tier = shown.row, shown.service_tier
        created = row.created_at_ms // 1000
        return cls(row.generation_id, created, row.model, fingerprint, num_choices=1, service_tier=tier)

    def to_wire(self, kind: str) -> dict[str, Any]:
        head: dict[str, Any] = {
            "id": self.completion_id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }
        if self.service_tier is not None:
            head["service_tier"] = self.service_tier
        return head


class Message(CollectedAnswer):
    """An assistant's message as OpenAI tells it."""

    def __init__(self, completion_id: str, index: int, *, is_legacy_call: bool) -> None:
        super().__init__()
        self._completion_id = completion_id
        self._index = index
        self._is_legacy_call = is_legacy_call

    def parts(self) -> dict[str, Any]:
        """Beside its content, what there is."""
        found: dict[str, Any] = {}
        if self.thought:
            found["reasoning_content"] = self.thought
        if self.calls and self._is_legacy_call:
            called = self.calls[0]
            found["function_call"] = {"name": called.name, "arguments": called.arguments}
        elif self.calls:
            found["tool_calls"] = list(self._tool_calls())
        return found

    def to_wire(self, sources: AnswerSources) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": self.content, "refusal": None}
        return message | {"annotations": sources.annotations(self.content or "")} | self.parts()

    def _tool_calls(self) -> Iterator[dict[str, Any]]:
        for called in self.calls:
            function = {"name": called.name, "arguments": called.arguments}
            made_id = call_id(self._completion_id, self._index, called.number)
            yield {"id": made_id, "type": "function", "function": function}
