"""The part of an answer's text that is not read yet. Its readers are generators: they yield where more text is needed.

So a reader is written as if the whole answer were there, and reads the same whatever the pieces are in which it comes.
"""

import re
from collections.abc import Generator, Iterable
from typing import TypeVar

Result = TypeVar("Result")
_MAX_FORGOTTEN = 16_384  # characters that are still kept: to drop them one by one would copy the rest as often
_MAX_MARK = 64
_SPACE = re.compile(r"\s+")
Reading = Generator[None, None, Result]  # yields to wait for more text, returns what was read


class NotACall(Exception):
    """The text looked like a call and is none."""


class CutOff(NotACall):
    """The answer ends before it is one."""


class TextSource:
    """Owned by one reader."""

    def __init__(self) -> None:
        self._text = ""
        self.place = 0  # of the next character
        self.kept_from = 0  # how far may be gone back
        self.is_closed = False  # nothing follows what is here

    def feed(self, text: str) -> None:
        self._text += text

    def close(self) -> None:
        self.is_closed = True

    def forget(self) -> None:
        """What was read cannot be gone back to."""
        self.kept_from = self.place
        if self.place > _MAX_FORGOTTEN:
            self._text = self._text[self.place :]
            self.place = self.kept_from = 0

    def go_back(self) -> None:
        """To where it was told to forget."""
        self.place = self.kept_from

    @property
    def text(self) -> str:
        """What is here of the answer; what is not read yet begins at `place`."""
        return self._text

    @property
    def tail(self) -> str:
        """The last characters that are not read yet, as many as any mark has."""
        return self._text[max(self.place, len(self._text) - _MAX_MARK) :]

    @property
    def rest(self) -> str:
        return self._text[self.place :]

    @property
    def num_unread(self) -> int:
        return len(self._text) - self.place

    @property
    def is_empty(self) -> bool:
        return self.place >= len(self._text)

    def take(self, num_chars: int) -> str:
        taken = self._text[self.place : self.place + num_chars]
        self.place += num_chars
        return taken

    def peek(self) -> Reading[str]:
        """The next character, "" at the end of the answer."""
        while self.is_empty:
            if self.is_closed:
                return ""
            yield
        return self._text[self.place]

    def skip_space(self) -> Reading[None]:
        while (yield from self.peek()).isspace():
            found = _SPACE.match(self._text, self.place)
            assert found is not None, "the next character is white space"
            self.place = found.end()

    def skip_any(self, marks: Iterable[str]) -> Reading[str]:
        """Passes over the longest of the marks that stands here; "" when none does."""
        longest_first = sorted((mark for mark in marks if mark), key=len, reverse=True)
        while True:
            for mark in longest_first:
                if self._text.startswith(mark, self.place):
                    self.place += len(mark)
                    return mark
                if not self.is_closed and mark.startswith(self._text[self.place : self.place + len(mark)]):
                    break  # it may become this one
            else:
                return ""
            yield

    def expect(self, *marks: str) -> Reading[str]:
        """Raises NotACall when none of them stands here."""
        found = yield from self.skip_any(marks)
        if not found:
            raise CutOff if self.is_cut_within(marks) else NotACall
        return found

    def is_cut_within(self, marks: Iterable[str]) -> bool:
        """Whether the answer ends with the beginning of a mark, or before it."""
        return self.is_closed and any(mark.startswith(self._text[self.place :][:_MAX_MARK]) for mark in marks)


def num_held(text: str, marks: Iterable[str]) -> int:
    """How many characters at the end of a text may be the beginning of a mark."""
    held = 0
    for mark in marks:
        for length in range(min(len(mark) - 1, len(text)), held, -1):
            if text.endswith(mark[:length]):
                held = length
                break
    return held
