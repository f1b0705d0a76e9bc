"""Formats of strings: which of them the compiler holds, which are held by an expression, which exclude one another.

Every other format is an annotation, as JSON Schema has it. Sources: RFC 3986 and 3987 (uri-reference, iri), RFC 6901
(JSON pointers), RFC 6570 (uri-template), ECMA-262 (regex: what of it has no group in a group and no look-around).
"""

# Of these no text has two: a choice between them is exclusive.
APART = frozenset(("date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6", "email"))
HELD = APART | {"hostname", "uri"}
APART_FROM_URI = APART - {"ipv6"}

_URI = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/%s]|%%[0-9A-Fa-f]{2})*"
_FIRST = r"(?:[A-Za-z][A-Za-z0-9+.\-]*:|(?![^/?#]*:))"
_TAIL = r"(?:\?" + _URI % "?" + r")?(?:#" + _URI % "?" + r")?"
_LETTERS = "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef"
_POINTER = r"(?:/(?:[^~/]|~[01])*)*"
_VARIABLE = r"[A-Za-z0-9_](?:[A-Za-z0-9_.])*(?::[1-9][0-9]{0,3}|\*)?"
_CLASS = r"\[\^?(?:a-z|A-Z|0-9|[A-Za-z0-9_ .,:;/@]|\\[dDwWsS\-\]\[^.\\/])+-?\]"
_ATOM = rf"(?:[^\\()\[\]{{}}*+?|^$]|\\[dDwWsSbBnrtfv.*+?^$()\[\]{{}}|/\\\-]|{_CLASS})"
_TIMES = r"(?:[0-9]{1,3},?|0,[0-9]{1,3}|1,[1-9][0-9]{0,2}|2,[2-9]|2,[1-9][0-9]{1,2}|[3-9],[1-9][0-9]{1,2})"


def _choice(atom: str) -> str:
    """Sequences of such atoms, each repeated or not, with "|" between them."""
    sequence = rf"\^?(?:{atom}(?:[*+?]\??|\{{{_TIMES}\}})?)*\$?"
    return rf"{sequence}(?:\|{sequence})*"


_GROUP = rf"\((?:\?:)?{_choice(_ATOM)}\)"

BY_EXPRESSION = {
    "json-pointer": rf"^{_POINTER}$",
    "relative-json-pointer": rf"^(?:0|[1-9][0-9]*)(?:#|{_POINTER})$",
    "uri-reference": rf"^{_FIRST}{_URI % ''}{_TAIL}$",
    "iri": rf"^[A-Za-z][A-Za-z0-9+.\-]*:{_URI % _LETTERS}{(_TAIL).replace('/?', '/?' + _LETTERS)}$",
    "iri-reference": rf"^{_FIRST}{_URI % _LETTERS}{(_TAIL).replace('/?', '/?' + _LETTERS)}$",
    "uri-template": (
        r"^(?:[^\x00-\x20\x7f\"'<>%\\^`{|}]|%[0-9A-Fa-f]{2}|\{[+#./;?&]?" + rf"{_VARIABLE}(?:,{_VARIABLE})*" + r"\})*$"
    ),
    "idn-email": r"^[^\s@]+@[^\s@]+$",
    "regex": rf"^{_choice(f'(?:{_ATOM}|{_GROUP})')}$",
}


def are_apart(formats: tuple[str, ...]) -> bool:
    """Whether two of the formats have no text in common."""
    if len(formats) < 2:
        return False
    num_apart = sum(each in APART for each in formats)
    return num_apart > 1 or ("uri" in formats and any(each in APART_FROM_URI for each in formats))
