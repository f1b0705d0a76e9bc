"""Where sentences end, in Korean, English and scripts with a full stop of their own.

A full stop ends none within a number or a date, behind an abbreviation or an initial, in front of a small letter, or
within quotation marks or brackets.
"""

import re
from collections.abc import Iterator

_END = re.compile(
    r"""[.!?…]+["'”’»)\]」』]*(?=\s|$)"""
    r"""|[。！？｡]+[」』”’)）]*"""
    r"""|(?<=[다요까죠음임함됨])[.?!]+(?=[가-힣])"""  # Korean set without a space: "했다.그러나"
)
# What is cut neither: quotations, brackets, dates ("2026. 3. 5."). Bounded, as a mark may stand alone.
_WHOLE = re.compile(
    r"“[^“”]{1,300}”|‘[^‘’]{1,300}’|「[^「」]{1,300}」|『[^『』]{1,300}』|«[^«»]{1,300}»"
    r'|"[^"\n]{1,300}"|\([^()]{1,200}\)|\[[^\[\]]{1,200}\]|（[^（）]{1,200}）'
    r"|\b\d{4}\.\s{0,2}\d{1,2}\.(?:\s{0,2}\d{1,2}\.)?"
)
# Behind a quotation the sentence goes on: "… 하고 말했다", "…라고 했다".
_GOES_ON = re.compile(r"(?:이?라고|이?라는|이?라며|하고|하며|하면서|고|며)(?=[\s가-힣]|$)|(?:という|と)")
_QUOTE_ENDS = tuple("\"'”’»」』")
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘]{1,16}$")
_ABBREVIATIONS = frozenset(
    (
        *("mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "etc", "e.g", "i.e", "cf", "al", "approx", "ed"),
        *("eds", "rev", "inc", "ltd", "co", "corp", "dept", "est", "u.s", "u.k", "a.m", "p.m", "ph.d"),
        *("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"),
    )
)
_BEFORE_NUMBERS = frozenset(("no", "nos", "fig", "figs", "eq", "sec", "ch", "chap", "vol", "p", "pp", "art"))


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans that hold all of text[start:end] but the white space between them, in order."""
    whole = _WHOLE.finditer(text, start, end)
    held = next(whole, None)
    begin = start
    for match in _END.finditer(text, start, end):
        while held is not None and held.end() < match.end():
            held = next(whole, None)
        if held is not None and held.start() < match.end():
            is_within = match.end() < held.end() or held[0][0].isdecimal()
            if is_within:
                continue
        if _ends_here(text, begin, match, end):
            yield from _trimmed(text, begin, match.end())
            begin = match.end()
    yield from _trimmed(text, begin, end)


def _ends_here(text: str, begin: int, match: re.Match[str], end: int) -> bool:
    following = text[match.end() : min(match.end() + 8, end)].lstrip()
    if match[0].endswith(_QUOTE_ENDS) and _GOES_ON.match(following):
        return False
    if match[0] != ".":
        return not (match[0][0] == "." and following[:1].islower())
    if following[:1].islower():
        return False
    before = _WORD_BEFORE.search(text, max(begin, match.start() - 16), match.start())
    word = before[0] if before is not None else ""
    if word.isdecimal():
        is_label = not text[begin : match.start() - len(word)].strip()  # "1. First"
        return not (is_label or following[:1].isdecimal())
    if following[:1].isdecimal() and word.lower() in _BEFORE_NUMBERS:
        return False
    is_initial = len(word) == 1 and word.isascii() and word.isupper()
    return not (is_initial or word.lower() in _ABBREVIATIONS)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
