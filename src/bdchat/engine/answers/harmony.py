"""Reads gpt-oss's way of writing: an answer is messages, each in a channel. Pure; generators over a TextSource.

`<|start|>assistant<|channel|>analysis<|message|>…<|end|>`: analysis is thought, final and commentary are content, and
commentary addressed to a function is a call. What stands outside of messages is content.
"""

import re
from collections.abc import Callable
from functools import partial

from bdchat.engine.answers.call_teller import CallTeller
from bdchat.engine.answers.json_scanner import read_json
from bdchat.engine.answers.parts import AnswerPart, Content, Thought
from bdchat.engine.answers.source import CutOff, NotACall, Reading, TextSource, num_held

_BEGINNINGS = ("<|channel|>", "<|start|>")
_ENDS = ("<|end|>", *_BEGINNINGS)
_END = re.compile("|".join(map(re.escape, _ENDS)))
_HEADER = re.compile(
    r"(?:<\|start\|>assistant)?(?P<to>[^<]*)<\|channel\|>(?P<channel>\w+)(?P<then>[^<]*(?:<\|constrain\|>[^<]*)?)"
    r"<\|message\|>"
)
_RECIPIENT = re.compile(r"to=(\S+)")
_MAX_HEADER = 300  # characters
_MAX_MARK = 16


def read_harmony(source: TextSource, teller: CallTeller, tell: Callable[[AnswerPart], None]) -> Reading[None]:
    told: set[type[Content] | type[Thought]] = set()  # of which there were messages: a blank line parts them
    while True:
        source.forget()
        header = yield from _read_header(source)
        kind: type[Content] | type[Thought] = Content
        text = ""
        if header is None:
            if source.is_closed and (source.is_empty or _is_cut_header(source.text[source.place :][: _MAX_HEADER + 1])):
                if "to=" in source.rest:  # half a call
                    tell(Content(source.rest))
                return
            text = source.take(1)
        elif recipient := _RECIPIENT.search(header["to"] + header["then"]):
            if (yield from _read_call(source, teller, recipient[1])):
                continue
            text = header[0]
        elif header["channel"] == "analysis":
            kind = Thought
        if kind in told and header is not None:
            text = f"\n\n{text}"
        told.add(kind)
        yield from _read_text(source, text, partial(_tell, tell, kind))


def _tell(tell: Callable[[AnswerPart], None], kind: type[Content] | type[Thought], text: str) -> None:
    tell(kind(text))


def _read_text(source: TextSource, text: str, tell: Callable[[str], None]) -> Reading[None]:
    """Tells the text, and what follows up to the message's end."""
    while True:
        if text:
            tell(text)
        source.forget()
        if found := _END.search(source.text, source.place):
            if found.start() > source.place:
                tell(source.take(found.start() - source.place))
            yield from source.skip_any(("<|end|>",))
            return (yield from source.skip_space())
        num_held_back = 0 if source.is_closed else num_held(source.tail, _ENDS)
        text = source.take(source.num_unread - num_held_back)
        if source.is_closed:
            return tell(text) if text else None
        if not text:
            yield


def _read_header(source: TextSource) -> Reading[re.Match[str] | None]:
    while True:
        found = _HEADER.match(source.text, source.place)
        if found is not None:
            source.place = found.end()
            return found
        head = source.text[source.place : source.place + _MAX_MARK]
        begins = any(head.startswith(mark) or mark.startswith(head) for mark in (*_BEGINNINGS, "to=", " to="))
        if source.is_closed or not begins or source.num_unread > _MAX_HEADER:
            return None
        yield


def _is_cut_header(rest: str) -> bool:
    """The answer ran out before it said anything in this channel."""
    return rest.lstrip().startswith((*_BEGINNINGS, "to=")) and "<|message|>" not in rest and len(rest) <= _MAX_HEADER


def _read_call(source: TextSource, teller: CallTeller, recipient: str) -> Reading[bool]:
    """False when it is none, and nothing behind its header is read."""
    place, num_calls = source.place, teller.num_calls
    name = recipient.removeprefix("functions.")
    try:
        teller.check(name)
        yield from source.skip_space()
        brace = source.place
        yield from source.expect("{")
        source.place = brace
        teller.start(name)
        yield from read_json(source, teller.arguments)
    except CutOff:
        if teller.num_calls == num_calls:
            source.place = place
            return False
        return True
    except NotACall:
        if teller.num_calls > num_calls:
            source.go_back()
            return True
        source.place = place
        return False
    yield from source.skip_space()
    yield from source.skip_any(("<|end|>",))
    yield from source.skip_space()
    return True
