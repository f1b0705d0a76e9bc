"""Reads calls as Python writes them, f(a="x", b=[1, None]), one or a list; their arguments are told as JSON."""

import json
import re

from bdchat.engine.answers.call_teller import CallTeller
from bdchat.engine.answers.source import CutOff, NotACall, Reading, TextSource

_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_STRING = (
    r'"""(?:[^\\"]++|\\.|"(?!""))*+"""|\'\'\'(?:[^\\\']++|\\.|\'(?!\'\'))*+\'\'\''
    r'|"(?:[^"\\]++|\\.)*+"|\'(?:[^\'\\]++|\\.)*+\''
)
_TOKEN = re.compile(rf"(?P<string>{_STRING})|(?P<word>[-+]?[\w.][\w.+-]*)|(?P<sign>[\[\](){{}},:])|\s+", re.DOTALL)
_WORDS = {"True": "true", "False": "false", "None": "null"}
_SIGNS = {"(": "[", ")": "]"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": "", "0": "\0"}
_MAX_NAME = 64
_MAX_VALUE = 100_000  # characters


def read_python_calls(source: TextSource, teller: CallTeller) -> Reading[None]:
    """Raises NotACall."""
    is_list = bool((yield from source.skip_any(("[",))))
    while True:
        yield from source.skip_space()
        yield from _read_call(source, teller)
        if not is_list:
            return
        yield from source.skip_space()
        if source.is_closed and source.is_empty:
            return
        if (yield from source.expect(",", "]")) == "]":
            return


def _read_call(source: TextSource, teller: CallTeller) -> Reading[None]:
    name = (yield from _read_name(source)).removesuffix(".call")  # Llama's own tools: brave_search.call(…)
    teller.check(name)
    yield from source.expect("(")
    separator = "{"
    while True:
        yield from source.skip_space()
        if (yield from source.skip_any((")",))):
            if separator == "{":
                teller.start(name)
            return teller.arguments("{}" if separator == "{" else "}")
        key = yield from _read_name(source)
        yield from source.skip_space()
        yield from source.expect("=")
        begun = f"{separator}{json.dumps(key, ensure_ascii=False)}: "
        try:
            value = yield from _read_value(source)
        except CutOff:
            if separator == "{":
                raise
            return teller.arguments(
                begun + json.dumps(source.take(source.num_unread).lstrip(), ensure_ascii=False)[:-1]
            )
        yield from source.skip_any((",",))
        if separator == "{":
            teller.start(name)
        teller.arguments(begun + value)
        separator = ", "


def _read_name(source: TextSource) -> Reading[str]:
    while True:
        found = _NAME.match(source.text, source.place)
        if found is not None and (found.end() < len(source.text) or source.is_closed):
            source.place = found.end()
            return found[0]
        if source.is_closed or source.num_unread > _MAX_NAME or (found is None and not source.is_empty):
            raise NotACall
        yield


def _read_value(source: TextSource) -> Reading[str]:
    """Up to the comma or bracket that ends it, which is not passed over. As JSON."""
    place, depth, pieces = source.place, 0, list[str]()
    while True:
        text = source.text
        while (found := _TOKEN.match(text, place)) is not None and found.end() < len(text):
            sign = found["sign"]
            if depth == 0 and sign in (",", ")"):
                source.place = place
                return _checked("".join(pieces))
            depth += (sign in ("(", "[", "{")) - (sign in (")", "]", "}")) if sign else 0
            pieces.append(_as_json(found))
            place = found.end()
        if source.is_closed:
            if found is not None and depth == 0 and found["sign"] == ")":
                source.place = place
                return _checked("".join(pieces))
            raise CutOff
        if (found is None and text[place : place + 1] not in ("", '"', "'")) or place - source.place > _MAX_VALUE:
            raise NotACall
        yield


def _as_json(token: re.Match[str]) -> str:
    string, word, sign = token["string"], token["word"], token["sign"]
    if string is not None:
        quotes = 3 if string[:3] in ('"""', "'''") and len(string) >= 6 else 1
        return json.dumps(_ESCAPE.sub(_unescaped, string[quotes:-quotes]), ensure_ascii=False)
    if word is not None:
        return _WORDS.get(word, word)
    return _SIGNS.get(sign, sign) + (" " if sign in (",", ":") else "") if sign else ""


def _unescaped(found: re.Match[str]) -> str:
    escape = found[1]
    if len(escape) > 1:
        code = int(escape[1:], 16)
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else found[0]
    if escape in _ESCAPED:
        return _ESCAPED[escape]
    return escape if escape in "\\\"'" else found[0]


def _checked(text: str) -> str:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise NotACall from None
    return text
