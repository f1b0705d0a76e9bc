"""What a wire shows of an answer's raw text: content, thoughts and calls, choice by choice. Pure.

The log has the raw text; whoever encodes it for a wire reads it with one ChoiceReader a choice, for as long as there
may be something to read.
"""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted, Content, Thought
from bdchat.engine.answers.reader import AnswerReader
from bdchat.engine.model_info import AnswerFormat
from bdchat.engine.request import ChatPrompt, FinishReason, Prompt


@dataclass(frozen=True, slots=True)
class Reading:
    """How an answer's text is read: by what its model writes, what it was shown, and what the caller wants of it."""

    answer_format: AnswerFormat = field(default_factory=AnswerFormat)
    opens_thought: bool = False  # the text begins inside one
    tools: tuple[dict[str, object], ...] = ()  # that may be called
    may_call_several: bool = True
    splits_thoughts: bool = True  # False: they stay in content, between their marks
    shows_thoughts: bool = True
    is_call_forced: bool = False
    is_legacy_call: bool = False  # OpenAI's function_call instead of tool_calls

    @classmethod
    def of(cls, prompt: Prompt, **wanted: Any) -> "Reading":
        if not isinstance(prompt, ChatPrompt):
            return cls(**wanted)
        is_forced = bool(prompt.tools) and prompt.tool_choice == "required"
        several = prompt.parallel_tool_calls is not False
        return cls(tools=prompt.callable_tools, may_call_several=several, is_call_forced=is_forced, **wanted)

    def by(self, answer_format: AnswerFormat, *, opens_thought: bool) -> "Reading":
        return replace(self, answer_format=answer_format, opens_thought=opens_thought)

    @property
    def is_raw(self) -> bool:
        """Nothing is read: the text is the content."""
        return not self.splits_thoughts and not self.tools


class ChoiceReader:
    """One choice's raw text → the parts that the caller wants, and how many of its tokens are thoughts.

    A token counts to the part in which its text ends up; what is held back, a mark as a rule, to the thought beside
    it."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        tools, opens = reading.tools, reading.opens_thought
        self._reader = AnswerReader(reading.answer_format, opens_thought=opens, tools=tools, reads_calls=bool(tools))
        self._is_in_thought = opens  # the last part that was told is one
        self._is_shown_open = False  # the mark before a thought within content is written
        self._num_pending = 0  # tokens whose text is in no part yet
        self.num_thought_tokens = 0
        self.num_calls = 0

    @property
    def is_plain(self) -> bool:
        """Whether all that comes is content, as it comes."""
        return self._reader.is_plain and not self._is_shown_open

    def feed(self, text: str, num_tokens: int = 0) -> list[AnswerPart]:
        parts = self._reader.feed(text)
        self._count(parts, num_tokens)
        return self._shown(parts)

    def finish(self) -> list[AnswerPart]:
        """What was held back. The beginning of a forced call that was cut is no content."""
        parts = self._reader.finish()
        if self._reading.is_call_forced:
            parts = [part for part in parts if not isinstance(part, Content)]
        self._count(parts or ([Thought("")] if self._is_in_thought else []), 0)
        return self._shown(parts)

    def reason(self, reason: str | None) -> str | None:
        """The finish_reason of a choice that ended so."""
        if reason == FinishReason.STOP.value and self.num_calls:
            return "function_call" if self._reading.is_legacy_call else "tool_calls"
        return reason

    def _count(self, parts: list[AnswerPart], num_tokens: int) -> None:
        """Of tokens that say both at once it counts the share of their characters."""
        if not parts:
            self._num_pending += num_tokens
            return
        said = sum(len(part.text) for part in parts if isinstance(part, Thought))
        others = sum(len(part.text) for part in parts if isinstance(part, Content | CallArguments))
        if self._is_in_thought or isinstance(parts[0], Thought):
            self.num_thought_tokens += self._num_pending
        self.num_thought_tokens += round(num_tokens * said / (said + others)) if said else 0
        self._num_pending = 0
        self._is_in_thought = isinstance(parts[-1], Thought)

    def _shown(self, parts: list[AnswerPart]) -> list[AnswerPart]:
        shown: list[AnswerPart] = []
        for part in parts:
            match part:
                case Thought():
                    shown += self._shown_thought(part)
                case CallStarted(number=number) | CallArguments(number=number):
                    self.num_calls = max(self.num_calls, number + 1)
                    if number == 0 or self._reading.may_call_several:
                        shown += [*self._closed(), part]
                case Content():
                    shown += [*self._closed(), part]
        return shown

    def _shown_thought(self, part: Thought) -> list[AnswerPart]:
        if not self._reading.shows_thoughts:
            return []
        if self._reading.splits_thoughts:
            return [part]
        opening = "" if self._is_shown_open else self._reading.answer_format.thought_opening
        self._is_shown_open = True
        return [Content(opening + part.text)]

    def _closed(self) -> list[AnswerPart]:
        """The mark behind a thought within content."""
        if not self._is_shown_open:
            return []
        self._is_shown_open = False
        return [Content(f"{self._reading.answer_format.thought_closing}\n\n")]


def call_id(completion_id: str, choice: int, number: int) -> str:
    """The same whenever and by whomever the answer is read."""
    return f"call_{hashlib.blake2b(f'{completion_id}/{choice}/{number}'.encode(), digest_size=12).hexdigest()}"
