"""Follows one JSON value through a text that comes in pieces: where it ends, and whether it is JSON at all. Pure.

One liberty is taken: control characters within a string, which JSON wants escaped and models sometimes are not careful
about, are escaped here.
"""

import re
from collections.abc import Callable

from bdchat.engine.answers.source import CutOff, NotACall, Reading, TextSource

_MAX_DEPTH = 200
_STRING_RUN = re.compile(r'[^"\\]+')
_SCALAR_RUN = re.compile(r"[-+.\w]+")
_SCALAR = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null", re.ASCII)
_SPACE = " \t\n\r"
_CONTROL = re.compile(r"[\x00-\x1f]")
_ESCAPES = frozenset('"\\/bfnrtu')
_HEX = frozenset("0123456789abcdefABCDEF")


class JsonScanner:
    """What comes next is the state: "value", "key", "colon", "comma", or within a "string" or a "scalar"."""

    def __init__(self) -> None:
        self._closings: list[str] = []  # of the objects and lists that are open
        self._state = "value"
        self._may_close = False  # an object or list has just been opened
        self._is_key = False
        self._escape = ""  # the part of an escape that is read
        self._scalar = ""
        self.is_complete = False

    def read(self, source: TextSource, pieces: list[str]) -> None:
        """Takes what is there of the value. Raises NotACall where it is not JSON; what was before it is taken."""
        text = source.text
        while source.place < len(text) and not self.is_complete:
            if self._state == "string":
                source.place = self._read_string(text, source.place, pieces)
            elif self._state == "scalar":
                source.place = self._read_scalar(text, source.place, pieces)
            else:
                source.place += self._read_structure(text[source.place], pieces)

    def end(self, pieces: list[str]) -> None:
        """The text is over. Raises NotACall when the value is not."""
        pieces.append(self._escape)
        if self._state == "scalar" and not self._closings:
            self._end_scalar()
        if not self.is_complete:
            raise CutOff

    def _read_string(self, text: str, place: int, pieces: list[str]) -> int:
        char = text[place]
        if self._escape:
            is_first, is_unicode = len(self._escape) == 1, self._escape[1:2] == "u"
            if char not in (_ESCAPES if is_first else _HEX):
                pieces.append(self._escape)
                raise NotACall
            self._escape += char
            if len(self._escape) == 6 or not (is_unicode or char == "u"):
                pieces.append(self._escape)
                self._escape = ""
            return place + 1
        if char == "\\":
            self._escape = char
            return place + 1
        if char == '"':
            pieces.append(char)
            self._state = "colon" if self._is_key else "comma"
            if not self._is_key:
                self._end_value()
            return place + 1
        run = _STRING_RUN.match(text, place)
        assert run is not None, "the character is neither a quote nor a backslash"
        pieces.append(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", run[0]))
        return run.end()

    def _read_scalar(self, text: str, place: int, pieces: list[str]) -> int:
        run = _SCALAR_RUN.match(text, place)
        if run is None:
            self._end_scalar()
            return place
        self._scalar += run[0]
        if len(self._scalar) > 400:
            raise NotACall
        pieces.append(run[0])
        return run.end()

    def _read_structure(self, char: str, pieces: list[str]) -> int:
        """How many characters of it are passed over: a scalar's first is read again as its own."""
        if char in _SPACE:
            pieces.append(char)
            return 1
        may_close, self._may_close = self._may_close, False
        if self._closings and char == self._closings[-1] and (may_close or self._state == "comma"):
            self._closings.pop()
            self._end_value()
        elif self._state == "comma" and char == ",":
            self._state = "key" if self._closings[-1] == "}" else "value"
        elif self._state == "colon" and char == ":":
            self._state = "value"
        elif self._state == "key" and char == '"':
            self._state, self._is_key = "string", True
        elif self._state == "value" and char == '"':
            self._state, self._is_key = "string", False
        elif self._state == "value" and char in "{[" and len(self._closings) < _MAX_DEPTH:
            self._closings.append("}" if char == "{" else "]")
            self._state, self._may_close = "key" if char == "{" else "value", True
        elif self._state == "value" and (char == "-" or char.isalnum()):
            self._state, self._scalar = "scalar", ""
            return 0
        else:
            raise NotACall
        pieces.append(char)
        return 1

    def _end_scalar(self) -> None:
        if not _SCALAR.fullmatch(self._scalar):
            raise NotACall
        self._end_value()

    def _end_value(self) -> None:
        self._state = "comma"
        self.is_complete = not self._closings


def read_json(source: TextSource, tell: Callable[[str], None]) -> Reading[None]:
    """Passes over one value and tells its text piece by piece. Raises NotACall, also when the answer ends within it."""
    scanner = JsonScanner()
    while True:
        pieces: list[str] = []
        try:
            scanner.read(source, pieces)
            if source.is_closed and not scanner.is_complete:
                scanner.end(pieces)
        finally:
            if text := "".join(pieces):
                tell(text)
        if scanner.is_complete:
            return
        yield
