"""The table of model families: how each writes calls and thoughts into an answer's text. Pure; a row per family.

A family is a way of writing, not a maker: it is found from the chat template, which shows earlier calls as the model is
to write new ones. What the rows say of the text in which a call stands is read by reader.py and forced by
tool_grammar.py.
"""

from dataclasses import dataclass
from typing import Literal

Shape = Literal["objects"]


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    shape: Shape  # how a call stands behind its opening: what calls.py reads
    openings: tuple[str, ...]  # each begins a call
    closings: tuple[str, ...] = ()  # passed over behind a call
    is_bare: bool = False  # an answer may begin with a call that has no opening


GENERIC = Family("generic", "objects", ("<tool_call>",), ("</tool_call>",))

_ROWS = (
    GENERIC,
    Family("hermes", "objects", ("<tool_call>",), ("</tool_call>",)),
)
FAMILIES = {family.name: family for family in _ROWS}
