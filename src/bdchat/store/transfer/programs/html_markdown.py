"""HTML of an answer → Markdown: what Google's activity has instead of the text that was written. Pure.

Only what answers consist of: paragraphs, headings, lists, code, tables, quotes, links, emphasis. Other tags go, their
text stays; what a page runs or draws (script, style) goes with its text.
"""

import re
from html.parser import HTMLParser

from bdchat.store.transfer.programs.parts import as_note, fenced

_BLOCKS = {"p", "div", "section", "article", "ul", "ol", "table", "blockquote", "tr", "details", "summary"}
_MARKS = {"b": "**", "strong": "**", "i": "*", "em": "*", "del": "~~", "s": "~~", "code": "`"}
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_UNSEEN = {"script", "style", "head", "template"}
# For what has no end, Python looks to the end of the text, each time anew. Quotes must be even, too.
_NO_TAG = re.compile(r"""<(?!/?[a-zA-Z](?:[^<>"']|"[^<>"]*+"|'[^<>']*+')*+>)""")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_MANY_LINES = re.compile(r"\n{3,}")
_LINE_ENDS = re.compile(r"[ \t]+\n")


def as_markdown(html: str) -> str:
    reader = _Reader()
    reader.feed(_NO_TAG.sub("&lt;", html))
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._lists: list[int | None] = []  # the next number; None: bullets
        self._links: list[str] = []
        self._code: list[str] | None = None  # inside <pre>
        self._language = ""
        self._num_unseen = 0
        self._num_quotes = 0
        self._num_cells = 0
        self._is_first_row = False  # a line of dashes follows it

    def text(self) -> str:
        if self._code is not None:
            self._end_code()
        text = _LINE_ENDS.sub("\n", "".join(self._parts))
        return _MANY_LINES.sub("\n\n", text).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in _UNSEEN:
            self._num_unseen += 1
        elif tag == "pre":
            self._code = []
        elif self._code is not None:
            self._language = self._language or _language(values.get("class", ""))
        elif tag in _MARKS:
            self._parts.append(_MARKS[tag])
        elif tag in _HEADINGS:
            self._block(f"{_HEADINGS[tag]} ")
        elif tag in {"br", "hr", "a", "img", "td", "th", "li"}:
            self._open_inner(tag, values)
        elif tag in _BLOCKS:
            self._open_block(tag)

    def _open_inner(self, tag: str, values: dict[str, str]) -> None:
        if tag == "br":
            self._parts.append("\n" + "> " * self._num_quotes)
        elif tag == "hr":
            self._parts.append("\n\n---\n\n")
        elif tag == "a":
            self._links.append(values.get("href", ""))
            self._parts.append("[" if self._links[-1] else "")
        elif tag == "img":
            self._parts.append(as_note("image", values.get("alt", "")))
        elif tag == "li":
            self._item()
        else:
            self._parts.append("| " if not self._num_cells else " | ")
            self._num_cells += 1

    def _open_block(self, tag: str) -> None:
        if tag in {"ul", "ol"}:
            if not self._lists:
                self._block("")
            self._lists.append(1 if tag == "ol" else None)
        elif tag == "tr":
            self._block(None)
        elif tag in {"blockquote", "table"}:
            self._num_quotes += tag == "blockquote"
            self._is_first_row = tag == "table"
            self._block("")
        elif not (self._lists and tag in {"p", "div"}):
            self._block("")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._num_unseen = max(0, self._num_unseen - 1)
        elif tag == "pre":
            self._end_code()
        elif self._code is not None:
            return
        elif tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
            self._parts.append("" if self._lists else "\n\n")
        elif tag == "tr" and self._num_cells:
            self._end_row()
        elif tag == "a" and self._links:
            address = self._links.pop()
            self._parts.append(f"]({address})" if address else "")
        elif tag == "blockquote":
            self._num_quotes = max(0, self._num_quotes - 1)
            self._parts.append("\n\n")
        elif tag in _HEADINGS or (tag in _BLOCKS and not self._lists and tag != "tr"):
            self._parts.append("\n\n")
        elif tag in _MARKS:
            self._parts.append(_MARKS[tag])

    def handle_data(self, data: str) -> None:
        if self._num_unseen:
            return
        if self._code is not None:
            self._code.append(data)
            return
        text = _SPACE.sub(" ", data)
        if text == " " and (not self._parts or self._parts[-1].endswith(("\n", " "))):
            return
        self._parts.append(text)

    def _block(self, opening: str | None) -> None:
        """None: on the next line, not a paragraph of its own."""
        quote = "> " * self._num_quotes
        if quote and self._parts and self._parts[-1] == quote:
            return
        if any(self._parts):
            self._parts.append("\n" if opening is None else "\n\n")
        self._parts.append(quote + (opening or ""))

    def _item(self) -> None:
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        indent = "   " * max(0, len(self._lists) - 1)
        self._parts.append(f"\n{indent}{'-' if number is None else f'{number}.'} ")

    def _end_row(self) -> None:
        self._parts.append(" |")
        if self._is_first_row:
            self._parts.append("\n" + "| --- " * self._num_cells + "|")
            self._is_first_row = False
        self._num_cells = 0

    def _end_code(self) -> None:
        code = "".join(self._code or ()).strip("\n")
        self._code = None
        self._parts.append(f"\n\n{fenced(code, self._language)}\n\n")
        self._language = ""


def _language(classes: str) -> str:
    return next((each.partition("-")[2] for each in classes.split() if each.startswith("language-")), "")
