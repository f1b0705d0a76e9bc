"""A page's characters, as PDFium finds them, become stretches: text on one line without a wide gap, with its place."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2
from pypdfium2 import raw

from bdchat.reading.pdf.stretches import STARTS_ITEM, TextStretch

_WIDE_GAP = 1.6  # of the font's size: between cells; justified words stand closer
_WIDE_GAP_OF_ITEM = 6.0  # between a bullet and its text
_SCALE = 1000  # PDFium tells device places as whole numbers
_PRIVATE = range(0xE000, 0xF900)  # a font's own symbols
MAX_OBJECTS = 2000  # of a page, looked at for pictures


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page as it is shown. `num_unmapped`: characters whose font does not tell what they are."""

    width: float
    height: float
    stretches: list[TextStretch]
    num_unmapped: int


@dataclass(frozen=True, slots=True)
class _Turn:
    """From a page's own coordinates to points from the top left corner of what is shown."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    @classmethod
    def of(cls, page: pypdfium2.PdfPage, width: float, height: float) -> "_Turn":
        def shown(x: float, y: float) -> tuple[float, float]:
            left, top = ctypes.c_int(), ctypes.c_int()
            size = round(width * _SCALE), round(height * _SCALE)
            raw.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, left, top)
            return left.value / _SCALE, top.value / _SCALE

        e, f = shown(0, 0)
        (ax, ay), (bx, by) = shown(100, 0), shown(0, 100)
        return cls((ax - e) / 100, (ay - f) / 100, (bx - e) / 100, (by - f) / 100, e, f)

    def box(self, rect: raw.FS_RECTF) -> tuple[float, float, float, float]:
        x = self.a * rect.left + self.c * rect.top + self.e, self.a * rect.right + self.c * rect.bottom + self.e
        y = self.b * rect.left + self.d * rect.top + self.f, self.b * rect.right + self.d * rect.bottom + self.f
        return min(x), min(y), max(x), max(y)


def drawn(page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage) -> Drawn:
    width, height = page.get_size()
    collector = _Collector(text_page, _Turn.of(page, width, height))
    for index in range(text_page.count_chars()):
        collector.take(index)
    collector.end_stretch()
    return Drawn(width, height, collector.found, collector.num_unmapped)


def picture_share(page: pypdfium2.PdfPage) -> float:
    """How much of the page its largest picture covers."""
    width, height = page.get_size()
    return max((_area(each) / max(1.0, width * height) for each in _pictures(page)), default=0.0)


def _pictures(page: pypdfium2.PdfPage) -> Iterator[pypdfium2.PdfObject]:
    for number, each in enumerate(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)):
        if number >= MAX_OBJECTS:
            return
        yield each


def _area(picture: pypdfium2.PdfObject) -> float:
    left, bottom, right, top = picture.get_bounds()
    return float(abs(right - left) * abs(top - bottom))


class _Collector:
    def __init__(self, text_page: pypdfium2.PdfTextPage, turn: _Turn) -> None:
        self.found: list[TextStretch] = []
        self.num_unmapped = 0
        self._text_page = text_page
        self._turn = turn
        self._rect = raw.FS_RECTF()
        self._parts: list[str] = []
        self._box = (0.0, 0.0, 0.0, 0.0)
        self._last = (0.0, 0.0, 0.0, 0.0)  # the box of the last character
        self._size = 0.0
        self._is_bold = False
        self._has_space = False  # before the next character
        self._has_real_space = False
        self._has_hyphen = False
        self._high = 0  # the first half of a surrogate pair

    def take(self, index: int) -> None:
        code = raw.FPDFText_GetUnicode(self._text_page, index)
        if code in {10, 13}:
            self.end_stretch()
        elif code == 2 and raw.FPDFText_IsHyphen(self._text_page, index) == 1:
            self._has_hyphen = True
        elif code <= 32 or code in {0xA0, 0x3000, 0x200B}:
            self._has_space = True
            self._has_real_space |= raw.FPDFText_IsGenerated(self._text_page, index) != 1
        elif raw.FPDFText_HasUnicodeMapError(self._text_page, index) == 1 or code in {0xFFFD, 0xFFFE, 0xFFFF}:
            self.num_unmapped += 1
        elif 0xD800 <= code < 0xDC00:
            self._high = code
        elif code not in _PRIVATE:
            if 0xDC00 <= code < 0xE000:
                code = 0x10000 + ((self._high - 0xD800) << 10) + (code - 0xDC00) if self._high else 0xFFFD
            self._put(index, chr(code))
            self._high = 0

    def _put(self, index: int, character: str) -> None:
        raw.FPDFText_GetLooseCharBox(self._text_page, index, self._rect)
        box = self._turn.box(self._rect)
        if self._parts and (self._has_hyphen or self._is_apart(box)):
            self.end_stretch()
        if not self._parts:
            self._begin(index, box)
        elif self._has_space:
            self._parts.append(" ")
        self._has_space = self._has_real_space = False
        self._parts.append(character)
        mine = self._box
        self._box = min(mine[0], box[0]), min(mine[1], box[1]), max(mine[2], box[2]), max(mine[3], box[3])
        self._last = box

    def _is_apart(self, box: tuple[float, float, float, float]) -> bool:
        """PDFium tells the end of a line; here it is a gap within one, whichever way the line runs."""
        last = self._last
        gap = max(box[0] - last[2], last[0] - box[2])
        rise = abs((box[1] + box[3]) - (last[1] + last[3])) / 2
        if rise > 0.6 * self._size:  # it runs up or down the page
            shift = abs((box[0] + box[2]) - (last[0] + last[2])) / 2
            return shift > 0.6 * self._size or max(box[1] - last[3], last[1] - box[3]) > self._size
        is_item = gap > _WIDE_GAP * self._size and STARTS_ITEM.fullmatch("".join(self._parts)) is not None
        return gap > (_WIDE_GAP_OF_ITEM if is_item else _WIDE_GAP) * self._size

    def _begin(self, index: int, box: tuple[float, float, float, float]) -> None:
        matrix = raw.FS_MATRIX()
        raw.FPDFText_GetMatrix(self._text_page, index, matrix)
        size = raw.FPDFText_GetFontSize(self._text_page, index) * (matrix.c**2 + matrix.d**2) ** 0.5
        self._size = float(size) if size > 0.5 else max(1.0, box[3] - box[1])
        name = ctypes.create_string_buffer(128)
        raw.FPDFText_GetFontInfo(self._text_page, index, name, len(name), None)
        self._is_bold = b"bold" in name.value.lower() or raw.FPDFText_GetFontWeight(self._text_page, index) >= 600
        self._box = self._last = box

    def end_stretch(self) -> None:
        if self._parts:
            text = "".join(self._parts)
            self.found.append(
                TextStretch(
                    text,
                    *self._box,
                    size=self._size,
                    is_bold=self._is_bold,
                    has_end_space=self._has_real_space,
                    has_hyphen=self._has_hyphen,
                )
            )
        self._parts = []
        self._has_space = self._has_real_space = self._has_hyphen = False
        self._high = 0
