"""Private-use marks in the texts of ChatGPT and LibreChat, and what is shown in their places. Pure.

U+E200 kind U+E202 argument … U+E201 points to a page, names a thing or asks for a picture; U+E203 and U+E204 stand
around what is cited; LibreChat also writes U+E202 alone before a name such as turn0search3. Earlier ChatGPT wrote
【12†source】. What the file knows nothing of is taken out and counted: as characters these mean nothing to a reader.
"""

import json
import re
from collections.abc import Iterator, Mapping

MARK = re.compile("\ue200([^\ue200-\ue202]*)(?:\ue202([^\ue200\ue201]*))?\ue201")
DAGGER = re.compile(r"【\d{1,6}(?::\d{1,6})?†[^【】]{0,200}】")
_ANY = re.compile(f"( ?)(?:({MARK.pattern})|({DAGGER.pattern})|\ue202((?:turn\\d+[a-z_]+\\d+)?))")
_REFERENCE = re.compile(r"turn\d+[a-z_]+\d+")
_CUT = re.compile(" ?\ue200[^\ue200\ue201]{0,200}\\Z")  # an answer that broke off inside a mark
_CHARACTERS = "".join(map(chr, range(0xE200, 0xE210)))  # those that were seen end with U+E206
_REST = re.compile(f"[{_CHARACTERS}]")
_DIRECTIVE = re.compile(r"^:::[a-z_]{1,40}\{[^}\n]{0,1000}\}[ \t]*\n?", re.MULTILINE)
_DIRECTIVE_END = re.compile(r"^:::[ \t]*(?:\n|\Z)", re.MULTILINE)
_OAICITE = re.compile(r" ?:contentReference\[oaicite:\d{1,6}\]\{index=\d{1,6}\}")
_ESCAPED = re.compile(r"\\ue20([0-6])")
_NO_SOURCES: Mapping[str, str] = {}


def matched_marks(text: str) -> Iterator[str]:
    """The marks in a text that is said to be one."""
    for pattern in (MARK, DAGGER):
        yield from (found[0] for found in pattern.finditer(text))


def without_directives(text: str) -> tuple[str, int]:
    """ChatGPT's ":::writing{…}" and ":::" around a draft, and ":contentReference[oaicite:0]{index=0}", of which the
    number is returned: what they point to is not in the text."""
    text, num_drafts = _DIRECTIVE.subn("", text)
    if num_drafts:
        text = _DIRECTIVE_END.sub("", text)
    return _OAICITE.subn("", text)


def unescaped(text: str) -> str:
    """LibreChat's texts may hold the marks as six letters, \\ue202."""
    return _ESCAPED.sub(lambda found: chr(0xE200 + int(found[1])), text) if "\\ue20" in text else text


def resolved(
    text: str, shown: Mapping[str, str] = _NO_SOURCES, sources: Mapping[str, str] = _NO_SOURCES
) -> tuple[str, int]:
    """The text with `shown` (mark → what stands for it) and `sources` ("turn0search3" → a link) in the marks' places,
    and how many there were of which nothing is known."""
    num_unknown = 0

    def instead(found: re.Match[str]) -> str:
        nonlocal num_unknown
        whole, kind, arguments, reference = found[2] or found[5], found[3], found[4], found[6]
        if whole in shown:
            said = shown[whole]
        elif found[2]:
            said = _said(kind, (arguments or "").split("\ue202"), sources)
            num_unknown += not said
        elif whole:
            said = ""
            num_unknown += 1
        else:
            said = sources.get(reference, "")
            num_unknown += bool(reference) and not said
            return (found[1] or " ") + said if said else ""
        return found[1] + said if said else ""

    if "\ue200" in text or "\ue202" in text or "†" in text:
        text = _ANY.sub(instead, text)
        text, num_cut = _CUT.subn("", text)
        num_unknown += num_cut
    if any(character in text for character in _CHARACTERS):  # a search for each is far faster than for their class
        text = _REST.sub("", text)
    return text, num_unknown


def _said(kind: str, arguments: list[str], sources: Mapping[str, str]) -> str:
    if kind == "url" and len(arguments) > 1:
        return f"[{arguments[0]}]({arguments[1]})"
    texts: list[str] = []
    for argument in arguments:
        references = _REFERENCE.findall(argument)
        if references and not _REFERENCE.sub("", argument).strip(" ,"):
            texts += [sources[each] for each in references if each in sources]
        elif argument[:1] in {"[", "{"}:
            texts += _names(argument)
        elif kind in {"url", "navlist", "link_title", "entity", "product_entity"}:
            texts.append(argument)
    return ", ".join(text for text in texts if text.strip())


def _names(argument: str) -> list[str]:
    """Of ["people", "Ann Example", 0] the second is shown, of {"query": ["a", "b"]} those."""
    try:
        value = json.loads(argument)
    except (ValueError, RecursionError):
        return []
    if isinstance(value, list):
        texts = [each for each in value if isinstance(each, str)]
        named = texts[1] if len(texts) > 1 else texts[0] if texts else ""
        return [] if _REFERENCE.fullmatch(named) else [named]
    if isinstance(value, dict):
        asked = value.get("query")
        about = [each for each in asked if isinstance(each, str)] if isinstance(asked, list) else []
        return [f"[image: {', '.join(about)[:300]}]"] if about else []
    return []
