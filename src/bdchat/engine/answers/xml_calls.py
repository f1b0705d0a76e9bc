"""Reads a call that is written in tags: <function=f><parameter=a>…</parameter></function>, its arguments told as JSON.

Or as <function=f>{"a": …}</function>. A value is text between a line break after its opening tag and one before its
closing tag. Whether it is a string is said by the tool's schema; where that says nothing, what is JSON is JSON, and the
rest is a string.
"""

import json

from bdchat.engine.answers.call_teller import CallTeller
from bdchat.engine.answers.json_scanner import read_json
from bdchat.engine.answers.source import CutOff, NotACall, Reading, TextSource, num_held

_CLOSING = "</parameter>"
_NEXT = ("<parameter=", "</function>")
_MAX_NAME = 200


def read_xml_call(source: TextSource, teller: CallTeller, *, is_within: bool) -> Reading[None]:
    """`is_within`: `<function=` was read already. Raises NotACall."""
    if not is_within:
        yield from source.expect("<function=")
    name = yield from _read_name(source)
    teller.check(name)
    yield from source.skip_space()
    if (yield from source.peek()) == "{":
        return (yield from _read_object(source, teller, name))
    found = yield from source.expect(*_NEXT)
    teller.start(name)
    separator = "{"
    try:
        while found == "<parameter=":
            key = yield from _read_name(source)
            teller.arguments(f"{separator}{json.dumps(key, ensure_ascii=False)}: ")
            separator = ", "
            if teller.is_text(name, key):
                yield from _read_text(source, teller)
            else:
                yield from _read_value(source, teller)
            yield from source.skip_space()
            found = yield from source.expect(*_NEXT)
    except CutOff:
        source.take(source.num_unread)  # the call was told; what ends it is no text
        return
    teller.arguments("{}" if separator == "{" else "}")


def _read_object(source: TextSource, teller: CallTeller, name: str) -> Reading[None]:
    teller.start(name)
    try:
        yield from read_json(source, teller.arguments)
        yield from source.skip_space()
        yield from source.expect("</function>")
    except CutOff:
        source.take(source.num_unread)


def _read_name(source: TextSource) -> Reading[str]:
    while (end := source.text.find(">", source.place, source.place + _MAX_NAME)) < 0:
        if source.num_unread > _MAX_NAME:
            raise NotACall
        if source.is_closed:
            raise CutOff
        yield
    name = source.take(end - source.place)
    source.take(1)
    return name.strip()


def _read_text(source: TextSource, teller: CallTeller) -> Reading[None]:
    """A string, told piece by piece."""
    yield from source.skip_any(("\n",))
    teller.arguments('"')
    while True:
        before, found, _ = source.rest.partition(_CLOSING)
        if found:
            source.take(len(before) + len(_CLOSING))
            return teller.arguments(_escaped(before.removesuffix("\n")) + '"')
        num_sure = len(before) if source.is_closed else len(before) - num_held(before, ("\n" + _CLOSING, _CLOSING))
        if num_sure:
            teller.arguments(_escaped(source.take(num_sure)))
        if source.is_closed:
            raise CutOff
        yield


def _read_value(source: TextSource, teller: CallTeller) -> Reading[None]:
    """A value of another type, told when it is whole."""
    looked_to = source.place
    while (end := source.text.find(_CLOSING, looked_to)) < 0:
        if source.is_closed:
            teller.arguments(_escaped(source.take(source.num_unread).strip()))
            raise CutOff
        looked_to = max(source.place, len(source.text) - len(_CLOSING))
        yield
    text = source.take(end - source.place).strip()
    source.take(len(_CLOSING))
    teller.arguments(text if _is_json(text) else json.dumps(text, ensure_ascii=False))


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return False
    return True


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
