"""Reads the calls that stand behind an opening, by the shape of their family. Pure; generators over a TextSource.

A call is told when its name is one of the declared tools and its arguments have begun; until then everything read can
still turn out to be text, and NotACall takes it back.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from bdchat.engine.answers.call_teller import CallTeller
from bdchat.engine.answers.families import Family
from bdchat.engine.answers.json_scanner import read_json
from bdchat.engine.answers.python_calls import read_python_calls
from bdchat.engine.answers.source import CutOff, NotACall, Reading, TextSource
from bdchat.engine.answers.xml_calls import read_xml_call

_NAME_KEYS = frozenset(("name", "tool_name"))
_ARGUMENT_KEYS = frozenset(("arguments", "parameters"))
_MAX_HEADER = 200  # characters


def read_calls(source: TextSource, family: Family, teller: CallTeller, opening: str) -> Reading[None]:
    """From behind an opening ("": none) to the end of its calls, closings included. Raises NotACall."""
    if family.header is not None:
        yield from _read_header(source, family, teller)
    else:
        yield from source.skip_space()
        first = yield from source.peek()
        if family.shape == "xml" and first != "{":
            yield from read_xml_call(source, teller, is_within=opening == "<function=")
        elif first == "{" or (first == "[" and (yield from _is_list_of_objects(source))):
            yield from _read_objects(source, teller, is_bare=not opening)
        else:
            yield from read_python_calls(source, teller)
    while True:
        yield from source.skip_space()
        if not (yield from source.skip_any(family.closings)):
            break
    if source.is_cut_within(family.closings):
        source.take(source.num_unread)
    source.forget()


def _read_header(source: TextSource, family: Family, teller: CallTeller) -> Reading[None]:
    assert family.header is not None
    while (found := family.header.match(source.text, source.place)) is None:
        if source.is_closed or source.num_unread > _MAX_HEADER:
            raise NotACall
        yield
    teller.check(found["name"])
    source.place = found.end()
    teller.start(found["name"])
    with suppress(CutOff):  # all there is of the arguments was told
        yield from read_json(source, teller.arguments)


def _is_list_of_objects(source: TextSource) -> Reading[bool]:
    place = source.place
    source.take(1)
    yield from source.skip_space()
    is_one = (yield from source.peek()) == "{"
    source.place = place
    return is_one


def _read_objects(source: TextSource, teller: CallTeller, *, is_bare: bool) -> Reading[None]:
    """One object, or a list of them."""
    if (yield from source.peek()) != "[":
        return (yield from _read_object(source, teller, needs_arguments=is_bare))
    source.take(1)
    while True:
        yield from _read_object(source, teller, needs_arguments=is_bare)
        yield from source.skip_space()
        if source.is_closed and source.is_empty:
            return
        if (yield from source.expect(",", "]")) == "]":
            return


def _read_object(source: TextSource, teller: CallTeller, *, needs_arguments: bool) -> Reading[None]:
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
        source.take(source.num_unread)  # the call was told; what ends it is no text
    if teller.num_calls == num_calls:
        teller.check(name)
        if needs_arguments and not waiting:
            raise NotACall
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
