"""An answer's raw text → its parts, piece by piece as the text comes. Any thread; one reader per choice. Pure.

Laws: however the text is cut, the parts are the same; an answer without marks is its text, every character of it; text
that only looks like a call is content, its mark included; what is held back because it may become a mark is released at
the end. White space between thoughts, content and calls belongs to none of them.
"""

import itertools
import re
from collections.abc import Mapping, Sequence

from bdchat.engine.answers.call_teller import CallTeller
from bdchat.engine.answers.calls import read_calls
from bdchat.engine.answers.families import FAMILIES, FENCE, GENERIC, behind, may_be_in_fence, openings_of
from bdchat.engine.answers.harmony import read_harmony
from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted, Content, Thought
from bdchat.engine.answers.source import NotACall, Reading, TextSource, num_held
from bdchat.engine.model_info import AnswerFormat


class AnswerReader:
    """`opens_thought`: the prompt ends within a thought, which the answer goes on with. `tools`: OpenAI's function
    tools; only these are called. `reads_calls` False: what looks like a call is content (tool choice "none")."""

    def __init__(
        self,
        answer_format: AnswerFormat,
        *,
        opens_thought: bool = False,
        tools: Sequence[Mapping[str, object]] = (),
        reads_calls: bool = True,
    ) -> None:
        self._format = answer_format
        self._family = FAMILIES.get(answer_format.family, GENERIC)  # a stored answer may be of one that is no more
        self._opens_thought = opens_thought
        has_calls = reads_calls and bool(tools)
        self._source = TextSource()
        self._parts: list[AnswerPart] = []
        self._teller = CallTeller(self._source, tools if has_calls else (), self._tell)
        self._openings = openings_of(self._family) if has_calls else ()
        self._is_bare = has_calls and (self._family.is_bare or bool(self._family.prompt_ends_with))
        self._is_in_fence = False
        self._is_plain = False
        self._marks = [self._find_marks(is_in_fence=is_in_fence) for is_in_fence in (False, True)]
        self._reading = self._read()

    def feed(self, text: str) -> list[AnswerPart]:
        self._source.feed(text)
        return self._go_on()

    def finish(self) -> list[AnswerPart]:
        """The answer is over: what was held back."""
        self._source.close()
        return self._go_on()

    @property
    def num_calls(self) -> int:
        """Those that were told so far."""
        return self._teller.num_calls

    @property
    def is_plain(self) -> bool:
        """Whether all that comes is content, as it comes."""
        return self._is_plain

    def _go_on(self) -> list[AnswerPart]:
        next(self._reading, None)
        parts, self._parts = self._parts, []
        return [_joined(list(group)) for _, group in itertools.groupby(parts, _kind)] if len(parts) > 1 else parts

    def _tell(self, part: AnswerPart) -> None:
        self._parts.append(part)

    def _read(self) -> Reading[None]:
        if self._family.shape == "harmony":
            return (yield from read_harmony(self._source, self._teller, self._tell))
        if self._opens_thought:
            yield from self._read_thought()
        yield from self._read_beginning()
        yield from self._read_content()

    def _read_beginning(self) -> Reading[None]:
        """Thoughts, and calls that need no opening. White space that nothing of the kind follows is content."""
        source, opening = self._source, self._format.thought_opening
        begun = self._family.prompt_ends_with  # by the prompt: what goes on with it is no content either
        wrappers = tuple(mark.removeprefix(begun) for mark in self._family.wrappers)
        while True:
            place = source.place
            yield from source.skip_space()
            if (yield from source.skip_any((opening,))):
                yield from self._read_thought()
            elif (yield from source.skip_any(wrappers)):
                source.forget()
            elif not (self._is_bare and (yield from self._read_call(source.place, begun))):
                source.place = place
                return

    def _read_thought(self) -> Reading[None]:
        """To its closing, and the white space behind it."""
        source, opening, closing = self._source, self._format.thought_opening, self._format.thought_closing
        yield from source.skip_space()
        yield from source.skip_any((opening,))  # which the prompt had opened already
        yield from source.skip_space()
        while True:
            source.forget()
            end = source.text.find(closing, source.place)
            if end >= 0:
                self._tell_text(Thought, source.take(end - source.place).rstrip())
                source.take(len(closing))
                return (yield from source.skip_space())
            if source.is_closed:
                return self._tell_text(Thought, source.take(source.num_unread).rstrip())
            self._tell_text(Thought, source.take(_num_sure(source, (closing,))))
            yield

    def _read_content(self) -> Reading[None]:
        source, self._is_plain = self._source, not self._marks[False][0]
        while True:
            source.forget()
            marks, pattern = self._marks[self._is_in_fence]
            found = pattern.search(source.text, source.place) if marks else None
            num_held_back = num_held(source.tail, marks) if not source.is_closed else 0
            if found is None or len(source.text) - num_held_back <= found.start():  # a fence may become a longer mark
                num_sure = source.num_unread if source.is_closed or not marks else _num_sure(source, marks)
                if source.is_closed and self._teller.num_calls and source.is_cut_within(self._openings):
                    return  # another call was to follow
                self._tell_text(Content, source.take(num_sure))
                if source.is_closed:
                    return
                yield
            elif found[0] in self._family.wrappers:
                self._tell_text(Content, source.take(found.start() - source.place))
                source.take(len(found[0]))
                if self._is_bare:
                    yield from self._read_call(source.place, self._family.prompt_ends_with)
            elif found[0] == FENCE:
                self._is_in_fence = not self._is_in_fence
                self._tell_text(Content, source.take(found.end() - source.place))
            else:
                yield from self._read_opened_call(found.start() - source.place, found[0])

    def _find_marks(self, *, is_in_fence: bool) -> tuple[tuple[str, ...], re.Pattern[str]]:
        """What is looked for in content: within a fence of code, examples of calls are text."""
        marks = (*self._openings, *self._family.wrappers)
        if is_in_fence:
            marks = tuple(mark for mark in marks if may_be_in_fence(mark))
        fence = (FENCE,) if self._openings else ()
        marks = (*sorted(marks, key=len, reverse=True), *fence)
        return marks, re.compile("|".join(map(re.escape, marks)))

    def _read_opened_call(self, num_before: int, opening: str) -> Reading[None]:
        source = self._source
        before = source.take(num_before)
        self._tell_text(Content, before.rstrip())
        place = source.place
        source.take(len(opening))
        if not (yield from self._read_call(place, opening)):
            self._tell_text(Content, before[len(before.rstrip()) :] + source.take(len(opening)))

    def _read_call(self, place: int, opening: str) -> Reading[bool]:
        """False when there is none, and everything from `place` on is still to be read."""
        num_calls = self._teller.num_calls
        try:
            yield from read_calls(self._source, behind(opening, self._family), self._teller, opening)
        except NotACall:
            if self._teller.num_calls == num_calls:
                self._source.place = place
                return False
            self._source.go_back()  # to behind what was told of it: text
        return True

    def _tell_text(self, kind: type[Content] | type[Thought], text: str) -> None:
        if text:
            self._tell(kind(text))


def _num_sure(source: TextSource, marks: Sequence[str]) -> int:
    """How much of what is there is no beginning of a mark, and no white space before one."""
    end = len(source.text) - num_held(source.tail, marks)
    while end > source.place and source.text[end - 1].isspace():
        end -= 1
    return end - source.place


def _kind(part: AnswerPart) -> tuple[type[AnswerPart], int | None]:
    """Neighbours of one kind are one part."""
    return type(part), part.number if isinstance(part, CallStarted | CallArguments) else None


def _joined(parts: Sequence[AnswerPart]) -> AnswerPart:
    first = parts[0]
    if len(parts) == 1 or isinstance(first, CallStarted):
        return first
    return first._replace(text="".join(part.text for part in parts if not isinstance(part, CallStarted)))
