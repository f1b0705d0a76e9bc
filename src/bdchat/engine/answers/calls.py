"""Reads the calls that stand behind an opening, by the shape of their family. Pure; generators over a TextSource.

A call is told when its name is one of the declared tools and its arguments have begun; until then everything read can
still turn out to be text, and NotACall takes it back.
"""

import json
from collections.abc import Callable, Container
from functools import partial

from bdchat.engine.answers.families import Family
from bdchat.engine.answers.json_scanner import read_json
from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted
from bdchat.engine.answers.source import CutOff, NotACall, Reading, TextSource

_NAME_KEYS = frozenset(("name", "tool_name"))
_ARGUMENT_KEYS = frozenset(("arguments", "parameters"))


class CallTeller:
    """Numbers the calls of one answer and tells their parts. What is told cannot be gone back to."""

    def __init__(self, source: TextSource, tool_names: Container[str], tell: Callable[[AnswerPart], None]) -> None:
        self._source = source
        self._tool_names = tool_names
        self._tell = tell
        self.num_calls = 0

    def check(self, name: str) -> None:
        """Raises NotACall for a tool that nobody declared."""
        if name not in self._tool_names:
            raise NotACall

    def start(self, name: str) -> None:
        self._source.forget()
        self._tell(CallStarted(self.num_calls, name))
        self.num_calls += 1

    def arguments(self, text: str) -> None:
        self._source.forget()
        self._tell(CallArguments(self.num_calls - 1, text))


def read_calls(source: TextSource, family: Family, teller: CallTeller) -> Reading[None]:
    """From behind an opening to the end of its calls, closings included. Raises NotACall."""
    yield from _read_objects(source, teller)
    while True:
        yield from source.skip_space()
        if not (yield from source.skip_any(family.closings)):
            break
    if source.is_cut_within(family.closings):
        source.take(len(source.rest))
    source.forget()


def _read_objects(source: TextSource, teller: CallTeller) -> Reading[None]:
    """One object, or a list of them."""
    yield from source.skip_space()
    if (yield from source.peek()) != "[":
        return (yield from _read_object(source, teller))
    source.take(1)
    while True:
        yield from _read_object(source, teller)
        yield from source.skip_space()
        if source.is_closed and source.is_empty:
            return
        if (yield from source.expect(",", "]")) == "]":
            return


def _read_object(source: TextSource, teller: CallTeller) -> Reading[None]:
    """The keys in any order: arguments that come before the name wait for it."""
    yield from source.skip_space()
    yield from source.expect("{")
    name, waiting, num_calls = "", list[str](), teller.num_calls
    try:
        while True:
            key = yield from _read_key(source)
            if key in _NAME_KEYS and not name:
                name = yield from _read_string(source)
                teller.check(name)
            elif key in _ARGUMENT_KEYS and teller.num_calls == num_calls and not waiting:
                if name:
                    yield from _read_arguments(source, partial(teller.start, name), teller.arguments)
                else:
                    yield from _read_arguments(source, lambda: None, waiting.append)
            else:
                yield from read_json(source, lambda _: None)
            yield from source.skip_space()
            if (yield from source.expect(",", "}")) == "}":
                break
    except CutOff:
        if teller.num_calls == num_calls:
            raise
        source.take(len(source.rest))  # the call was told; what ends it is no text
    if teller.num_calls == num_calls:
        teller.check(name)
        teller.start(name)
        teller.arguments("".join(waiting) or "{}")


def _read_key(source: TextSource) -> Reading[str]:
    yield from source.skip_space()
    key = yield from _read_string(source)
    yield from source.skip_space()
    yield from source.expect(":")
    yield from source.skip_space()
    return key


def _read_arguments(source: TextSource, start: Callable[[], None], tell: Callable[[str], None]) -> Reading[None]:
    """An object as it comes; also one that is written as a string, and null for none."""
    first = yield from source.peek()
    if first == "{":
        place = source.place
        source.take(1)
        yield from source.skip_space()
        if (yield from source.peek()) not in ('"', "}"):
            raise NotACall
        source.place = place
        start()
        return (yield from read_json(source, tell))
    pieces: list[str] = []
    yield from read_json(source, pieces.append)
    value = json.loads("".join(pieces))
    if value is None:
        text = "{}"
    elif isinstance(value, str) and isinstance(_parsed(value), dict):
        text = value
    else:
        raise NotACall
    start()
    tell(text)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_string(source: TextSource) -> Reading[str]:
    yield from source.expect('"')
    source.place -= 1
    pieces: list[str] = []
    yield from read_json(source, pieces.append)
    return str(json.loads("".join(pieces)))
