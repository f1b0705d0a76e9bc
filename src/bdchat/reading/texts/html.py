"""HTML → blocks, by the rules of HTML5. Nothing is fetched and no script runs; what is hidden is left out."""

import re
from collections.abc import Callable, Iterator
from typing import IO

from selectolax.lexbor import LexborHTMLParser, LexborNode

from bdchat.reading.bounds import Bounds
from bdchat.reading.paging import FlowBlock, flowed
from bdchat.reading.pieces import BlockKind, PageText
from bdchat.reading.texts.decoding import cleaned, decode, read_bytes

_UNSEEN = {
    *("script", "style", "template", "head", "iframe", "object", "embed", "svg", "math", "canvas", "video", "audio"),
    *("map", "datalist", "dialog", "frameset", "noframes"),
}
_INLINE = {
    *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img"),
    *("ins", "kbd", "label", "mark", "q", "rb", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong"),
    *("sub", "sup", "time", "tt", "u", "var", "wbr", "button", "input", "nobr", "option", "select", "textarea"),
}
_MAY_BE_UNSEEN = ",".join([*sorted(_UNSEEN), "[hidden]", "[style]"])
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN_STYLE = re.compile(
    r"(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d]))", re.I
)
_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.I)
_SPACES = re.compile(r"[ \t\n\r\f\xa0]+")
MAX_CELL_CHARACTERS = 1000  # of a table that is one; a page whose columns are cells has longer ones


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    raw = read_bytes(data, bounds)
    declared = _CHARSET.search(raw[:2048])
    text = cleaned(decode(raw, declared[1].decode("ascii") if declared else None))
    yield from flowed(html_blocks(text, bounds), label=html_title(text))


def html_title(text: str) -> str:
    node = LexborHTMLParser(text[:100_000]).css_first("title")
    return _SPACES.sub(" ", node.text()).strip() if node is not None else ""


def html_blocks(text: str, bounds: Bounds) -> Iterator[FlowBlock]:
    """Of a whole page, or of a part of one."""
    body = LexborHTMLParser(text).body
    return iter(()) if body is None else _Walk(bounds).blocks_below(body)


class _Walk:
    """Depth first without recursion: nesting has no end."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._parts: list[str] = []
        self._kind: BlockKind = "paragraph"
        self._level = 0
        self._num_pre = 0

    def blocks_below(self, root: LexborNode) -> Iterator[FlowBlock]:
        stack: list[tuple[LexborNode, bool]] = [(root, False)]
        while stack:
            node, is_left = stack.pop()
            if is_left:
                yield from self._leave(node)
                continue
            if node is not root and (following := node.next) is not None:
                stack.append((following, False))
            if node.is_text_node:
                self._parts.append(node.text_content or "")
            elif node.is_element_node and not self._is_unseen(node):
                if node.tag == "table" and (rows := _rows(node, self._is_unseen)):
                    yield from self._flush()
                    yield FlowBlock("table", "\n".join(rows))
                    continue
                yield from self._enter(node)
                stack.append((node, True))
                if (child := node.child) is not None:
                    stack.append((child, False))
        yield from self._flush()

    def _enter(self, node: LexborNode) -> Iterator[FlowBlock]:
        tag = node.tag or ""
        if tag == "br":
            self._parts.append("\r")  # no text has one: see cleaned()
        elif tag in {"td", "th"}:
            self._parts.append(" ")
        elif tag not in _INLINE:
            yield from self._flush()
            self._num_pre += tag == "pre"
            if tag in _HEADINGS:
                self._kind, self._level = "heading", _HEADINGS[tag]
            elif tag in {"li", "dt", "dd"}:
                self._kind = "list"
            elif tag == "pre":
                self._kind = "code"

    def _leave(self, node: LexborNode) -> Iterator[FlowBlock]:
        tag = node.tag or ""
        if tag not in _INLINE and tag not in {"br", "td", "th"}:
            yield from self._flush()
            self._num_pre -= tag == "pre"

    def _flush(self) -> Iterator[FlowBlock]:
        joined = "".join(self._parts)
        self._parts = []
        if self._num_pre:
            text = joined.replace("\r", "\n").strip("\n")
        else:
            text = "\n".join(_SPACES.sub(" ", line).strip() for line in joined.split("\r")).strip()
        kind, level = self._kind, self._level
        self._kind, self._level = ("code" if self._num_pre else "paragraph"), 0
        if text.strip():
            shown = text.replace("\n", " ") if kind == "heading" else text
            yield FlowBlock(kind, f"- {shown}" if kind == "list" else shown, level)

    def _is_unseen(self, node: LexborNode) -> bool:
        if node.tag in _UNSEEN:
            return True
        attributes = node.attributes
        style = attributes.get("style")
        if "hidden" in attributes or (style and _HIDDEN_STYLE.search(style)):
            self._bounds.note("hidden_text_ignored")
            return True
        return False


def _rows(table: LexborNode, is_unseen: Callable[[LexborNode], bool]) -> list[str]:
    """Empty: it is none, it arranges a page."""
    if table.css_first("table table, table h1, table h2, table h3, table ul, table pre") is not None:
        return []
    rows: list[str] = []
    for row in table.css("tr"):
        if is_unseen(row):
            continue
        cells = [_cell(each, is_unseen) for each in row.iter() if each.tag in {"td", "th"} and not is_unseen(each)]
        if any(len(cell) > MAX_CELL_CHARACTERS for cell in cells):
            return []
        if any(cells):
            rows.append(" | ".join(cells))
    return rows if any(" | " in row for row in rows) else []


def _cell(node: LexborNode, is_unseen: Callable[[LexborNode], bool]) -> str:
    while (unseen := next((each for each in node.css(_MAY_BE_UNSEEN) if is_unseen(each)), None)) is not None:
        unseen.decompose()
    return _SPACES.sub(" ", node.text(separator=" ")).strip()
