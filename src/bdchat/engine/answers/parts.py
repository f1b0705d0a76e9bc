"""What an answer consists of, piece by piece as it is read. Values only.

The log of an answer, its row in the store and a resumption hold its raw text, marks of thoughts and calls included; the
parts are a pure function of that text (reader.py), so nothing has to be kept twice.
"""

from typing import NamedTuple


class Content(NamedTuple):
    text: str


class Thought(NamedTuple):
    text: str


class CallStarted(NamedTuple):
    """Calls are numbered from 0 in the order in which they begin; each is told once, with its whole name."""

    number: int
    name: str


class CallArguments(NamedTuple):
    """The next piece of a call's arguments: all pieces joined are one JSON object as text."""

    number: int
    text: str


AnswerPart = Content | Thought | CallStarted | CallArguments
