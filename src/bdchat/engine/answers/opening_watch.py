"""Watches an answer's raw text for the opening of a call, so that from there on a grammar can hold it. Pure.

The same places count as in reader.py: no opening counts within a thought, and within a fence of code only such as are
control tokens.
"""

import re
from typing import NamedTuple

from bdchat.engine.answers.families import FAMILIES, FENCE, may_be_in_fence
from bdchat.engine.answers.source import num_held
from bdchat.engine.model_info import AnswerFormat


class Opening(NamedTuple):
    mark: str
    begun: str  # what the model wrote behind it in the same piece of text


class OpeningWatch:
    """One per choice. It is over with the first opening."""

    def __init__(self, answer_format: AnswerFormat, *, opens_thought: bool = False) -> None:
        self._format = answer_format
        family = FAMILIES[answer_format.family]
        self._triggers = family.triggers
        self._has_tags = family.shape != "harmony"  # its thoughts are in a channel of their own
        self._is_in_thought = opens_thought and self._has_tags
        self._is_at_start = True
        self._is_in_fence = False
        self._text = ""  # not looked at yet

    def feed(self, text: str) -> Opening | None:
        """The opening that this piece completes."""
        self._text += text
        while self._text:
            marks = self._marks()
            found = re.search("|".join(map(re.escape, marks)), self._text)
            num_sure = len(self._text) - num_held(self._text, marks)
            if found is None or num_sure <= found.start():
                self._pass(self._text[:num_sure])
                return None
            self._pass(self._text[: found.start()])
            mark, self._text = found[0], self._text[found.end() - found.start() :]
            if mark in self._triggers and not self._is_in_thought:
                return Opening(mark, self._text)
            self._turn(mark)
        return None

    def _marks(self) -> list[str]:
        if self._is_in_thought:
            return [self._format.thought_closing]
        marks = [mark for mark in self._triggers if not self._is_in_fence or may_be_in_fence(mark)]
        if self._is_at_start and self._has_tags:
            marks.append(self._format.thought_opening)
        return [*sorted(marks, key=len, reverse=True), FENCE]

    def _pass(self, text: str) -> None:
        self._is_at_start = self._is_at_start and (self._is_in_thought or not text.strip())
        self._text = self._text[len(text) :]

    def _turn(self, mark: str) -> None:
        if mark == FENCE and not self._is_in_thought:
            self._is_in_fence, self._is_at_start = not self._is_in_fence, False
        else:
            self._is_in_thought = mark == self._format.thought_opening
