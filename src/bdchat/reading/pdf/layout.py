"""Stretches of a drawn page → its text, blocks and boxes: headings, paragraphs, lists, notes, and tables in rows.

Every stretch has its box, and each box its characters. Lines of a paragraph are joined; a word that was divided is
whole again.
"""

from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from bdchat.reading.pdf.columns import regions
from bdchat.reading.pdf.stretches import STARTS_ITEM, TextRow, TextStretch, rows_of
from bdchat.reading.pieces import BlockKind, LineBox, PageText, TextBlock
from bdchat.reading.texts.plain import numbered_heading_level

CELL_GAP = " | "
_SENTENCE_ENDS = (".", "!", "?", "。", "다", "요", "함", "음", ":", ";")
_LEVELS = ((1.6, 1), (1.3, 2), (1.12, 3))  # of a heading, by its size against the body's
_BOLD_LEVEL = 4
_MAX_HEADING_CHARACTERS = 120
_MIN_END_SPACES = 0.15  # of a page's Korean lines: then a line without one ends within a word


def laid_out(stretches: list[TextStretch], body_size: float, page: PageText) -> PageText:
    """`page`: number, label and size of the page that this fills."""
    writer = _Writer(body_size, page.height, joins_words=_divides_words(stretches))
    for region in regions(stretches):
        writer.write_region(rows_of(region))
    return PageText(
        page.number,
        "".join(writer.parts),
        page.label,
        tuple(writer.blocks),
        page.width,
        page.height,
        tuple(writer.boxes),
        is_scanned=page.is_scanned,
    )


def _divides_words(stretches: list[TextStretch]) -> bool:
    """Korean programs that set line breaks within words draw a space where one is between words."""
    widest = max((each.width for each in stretches), default=0.0)
    lines = [each for each in stretches if each.width > 0.5 * widest and any(map(_is_syllable, each.text[-2:]))]
    num_spaces = sum(each.has_end_space for each in lines)
    return num_spaces >= 3 and num_spaces >= _MIN_END_SPACES * len(lines)


def _is_syllable(character: str) -> bool:
    return "가" <= character <= "힣"


def _is_ideograph(character: str) -> bool:
    return "\u3040" <= character <= "\u30ff" or "\u3400" <= character <= "\u9fff"


class _Writer:
    """`joins_words`: a Korean line without a space at its end goes on in the next."""

    def __init__(self, body_size: float, height: float, *, joins_words: bool) -> None:
        self.parts: list[str] = []
        self.blocks: list[TextBlock] = []
        self.boxes: list[LineBox] = []
        self._position = 0
        self._body_size = body_size
        self._height = height
        self._joins_words = joins_words

    def write_region(self, rows: list[TextRow]) -> None:
        at = 0
        lines: list[TextRow] = []
        while at < len(rows):
            end = _end_of_table(rows, at)
            if end > at:
                self._write_lines(lines)
                lines = []
                self._write_table(rows[at:end])
                at = end
            else:
                lines.append(rows[at])
                at += 1
        self._write_lines(lines)

    # --- paragraphs ---------------------------------------------------------------------------------------------------

    def _write_lines(self, rows: list[TextRow]) -> None:
        for paragraph in _paragraphs(rows):
            kind, level = self._kind(paragraph)
            self._begin_block()
            start = self._position
            previous: TextStretch | None = None
            for row in paragraph:
                for stretch in row.stretches:
                    if previous is not None:
                        self._join(previous, stretch, is_beside=stretch is not row.stretches[0])
                    self._put(stretch)
                    previous = stretch
            self.blocks.append(TextBlock(kind, start, self._position, level))

    def _kind(self, rows: list[TextRow]) -> tuple[BlockKind, int]:
        text = " ".join(row.text for row in rows)
        first = rows[0]
        ratio = min(row.size for row in rows) / self._body_size
        if len(text) <= _MAX_HEADING_CHARACTERS:
            if level := next((level for least, level in _LEVELS if ratio >= least), 0):
                return "heading", level
            if len(rows) == 1 and (level := numbered_heading_level(text)):
                return "heading", level
            is_short = len(rows) == 1 and not text.endswith(_SENTENCE_ENDS[:4]) and ratio > 0.95
            if is_short and first.is_bold and any(character.isalpha() for character in text):
                return "heading", _BOLD_LEVEL
        if ratio < 0.87 and first.top > 0.7 * self._height and not first.text[0].isalpha():
            return "note", 0
        return ("list", 0) if STARTS_ITEM.match(first.text) else ("paragraph", 0)

    def _join(self, previous: TextStretch, following: TextStretch, *, is_beside: bool) -> None:
        end, start = previous.text[-1], following.text[0]
        if is_beside:
            self._gap(" ")
        elif previous.has_hyphen or _is_divided(previous.text, start):
            if not previous.has_hyphen:
                self._take_back_hyphen()
        elif (_is_ideograph(end) and _is_ideograph(start)) or (
            self._joins_words and not previous.has_end_space and _is_syllable(end) and _is_syllable(start)
        ):
            return
        else:
            self._gap(" ")

    def _take_back_hyphen(self) -> None:
        self.parts[-1] = self.parts[-1][:-1]
        self._position -= 1
        box = self.boxes[-1]
        self.boxes[-1] = LineBox(box.start, box.end - 1, box.left, box.top, box.right, box.bottom)

    # --- tables -------------------------------------------------------------------------------------------------------

    def _write_table(self, rows: list[TextRow]) -> None:
        self._begin_block()
        start = self._position
        columns = _columns(rows)
        for number, row in enumerate(rows):
            if number:
                self._gap("\n")
            cells: list[list[TextStretch]] = [[] for _ in columns]
            for stretch in row.stretches:
                cells[_column_of(stretch, columns)].append(stretch)
            for at, cell in enumerate(cells):
                if at:
                    self._gap(CELL_GAP)
                for each in cell:
                    if each is not cell[0]:
                        self._gap(" ")
                    self._put(each)
        self.blocks.append(TextBlock("table", start, self._position))

    # --- text ---------------------------------------------------------------------------------------------------------

    def _begin_block(self) -> None:
        if self.parts:
            self._gap("\n\n")

    def _gap(self, text: str) -> None:
        self.parts.append(text)
        self._position += len(text)

    def _put(self, stretch: TextStretch) -> None:
        start = self._position
        self._gap(stretch.text)
        places = (round(place, 2) for place in (stretch.left, stretch.top, stretch.right, stretch.bottom))
        self.boxes.append(LineBox(start, self._position, *places))


def _is_divided(text: str, following: str) -> bool:
    return len(text) > 2 and text[-1] == "-" and text[-2].isalpha() and text[-2].islower() and following.islower()


def _paragraphs(rows: list[TextRow]) -> Iterator[list[TextRow]]:
    if not rows:
        return
    gaps = [below.top - above.bottom for above, below in pairwise(rows) if below.top - above.bottom < 1.2 * above.size]
    usual_gap = median(gaps) if gaps else 0.0
    left, right = min(row.left for row in rows), max(row.right for row in rows)
    waiting = [rows[0]]
    for row in rows[1:]:
        if _begins_paragraph(row, waiting, usual_gap, left, right):
            yield waiting
            waiting = []
        waiting.append(row)
    yield waiting


def _begins_paragraph(row: TextRow, above: list[TextRow], usual_gap: float, left: float, right: float) -> bool:
    last = above[-1]
    size = last.size
    if last.stretches[-1].has_hyphen and row.top - last.bottom < size:
        return False
    if row.top - last.bottom > usual_gap + 0.45 * size or abs(row.size - size) > 0.08 * size:
        return True
    if row.is_bold != last.is_bold and len(above) == 1 and last.right < right - 0.1 * (right - left):
        return True
    if STARTS_ITEM.match(row.text) or numbered_heading_level(row.text) or numbered_heading_level(last.text):
        return True
    room = right - last.right
    if room > 0.3 * (right - left) or (room > 2 * size and last.text.endswith(_SENTENCE_ENDS)):
        return True
    is_hanging = len(above) == 1 and STARTS_ITEM.match(last.text)
    return 0.8 * size < row.left - last.left < 5 * size and not is_hanging


def _end_of_table(rows: list[TextRow], start: int) -> int:
    """`start`: none begins there. Two rows or more, each with a cell that stands below one of the row above; a row of
    one cell may stand between such rows."""
    end = start
    while end < len(rows) and (end == start or _continues(rows[end - 1], rows[end])):
        if len(rows[end].stretches) < 2:
            is_between = end > start and end + 1 < len(rows) and len(rows[end + 1].stretches) > 1
            if not (is_between and _continues(rows[end], rows[end + 1])):
                break
        end += 1
    return end if sum(len(row.stretches) > 1 for row in rows[start:end]) >= 2 else start


def _continues(above: TextRow, below: TextRow) -> bool:
    is_near = below.top - above.bottom < 2.5 * max(above.size, below.size)
    return is_near and any(_overlap(one, other) > 0 for one in above.stretches for other in below.stretches)


def _overlap(one: TextStretch, other: TextStretch) -> float:
    return min(one.right, other.right) - max(one.left, other.left)


def _columns(rows: list[TextRow]) -> list[tuple[float, float]]:
    """Where cells stand, of the rows that have most of them; what spans several does not widen a column."""
    most = max(len(row.stretches) for row in rows)
    columns = [(each.left, each.right) for each in next(row for row in rows if len(row.stretches) == most).stretches]
    for row in rows:
        for stretch in row.stretches:
            hit = [at for at, (left, right) in enumerate(columns) if stretch.left < right and left < stretch.right]
            if len(hit) == 1:
                left, right = columns[hit[0]]
                columns[hit[0]] = min(left, stretch.left), max(right, stretch.right)
    return columns


def _column_of(stretch: TextStretch, columns: list[tuple[float, float]]) -> int:
    """The first that it stands in, else the nearest."""
    for at, (left, right) in enumerate(columns):
        if stretch.left < right and left < stretch.right:
            return at
    return min(
        range(len(columns)),
        key=lambda at: min(abs(stretch.left - columns[at][1]), abs(columns[at][0] - stretch.right)),
    )
