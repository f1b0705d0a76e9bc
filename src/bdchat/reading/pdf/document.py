"""PDF → pages. Nothing in the file runs: PDFium is built without its JavaScript engine; forms and files inside are
counted and left alone.

Some pages are looked at before the first is told: for the size of the body's letters, and for lines that stand at the
same place in the margin of most pages, which are left out.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import IO

import pypdfium2
from pypdfium2 import raw

from bdchat.reading.bounds import Bounds, Unreadable
from bdchat.reading.pdf.characters import Drawn, drawn, picture_share
from bdchat.reading.pdf.layout import laid_out
from bdchat.reading.pdf.stretches import TextStretch
from bdchat.reading.pieces import PageText

NUM_SAMPLES = 12
_MARGIN = 0.08  # of a page's height: only there a line may be left out
_REPEATED = 0.4  # of the samples: headers alternate between left and right pages
_MIN_REPEATED = 3
_LONGEST = 200_000.0  # points of a page's side, which the format ends at 14,400
_SCANNED_SHARE = 0.5  # of the page under a picture
_FEW_CHARACTERS = 30
_NUMBER = re.compile(r"\d+")


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    with _opened(data) as document:
        num_pages = len(document)
        bounds.expect_pages(num_pages)
        _note_what_is_inert(document, bounds)
        reader = _PdfReader(document, bounds)
        reader.look_ahead()
        num_damaged = 0
        for number in range(1, num_pages + 1):
            page = reader.page(number)
            num_damaged += page is None
            if num_damaged == num_pages:
                raise Unreadable("damaged", "no page of it can be read")
            yield page or PageText(number, "")
        bounds.note("pages_damaged", num_damaged)


def _opened(data: IO[bytes]) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}:
            raise Unreadable("encrypted") from error
        raise Unreadable("damaged", "its list of pages cannot be found") from error


def _note_what_is_inert(document: pypdfium2.PdfDocument, bounds: Bounds) -> None:
    bounds.note("scripts_ignored", max(0, raw.FPDFDoc_GetJavaScriptActionCount(document)))
    bounds.note("embedded_files_ignored", max(0, document.count_attachments()))
    bounds.note("forms_ignored", int(document.get_formtype() != raw.FORMTYPE_NONE))


class _PdfReader:
    def __init__(self, document: pypdfium2.PdfDocument, bounds: Bounds) -> None:
        self._document = document
        self._bounds = bounds
        self._body_size = 10.0
        self._repeated = set[tuple[int, str]]()

    def look_ahead(self) -> None:
        num_pages = len(self._document)
        chosen = sorted({round(at * (num_pages - 1) / (NUM_SAMPLES - 1)) for at in range(NUM_SAMPLES)})
        sizes = Counter[float]()
        lines = Counter[tuple[int, str]]()
        num_samples = 0
        for index in chosen:
            if (sample := self._drawn(index)) is not None:
                num_samples += 1
                for stretch in sample[0].stretches:
                    sizes[round(stretch.size * 2) / 2] += len(stretch.text)
                lines.update({_key(each) for each in sample[0].stretches if _is_in_margin(each, sample[0].height)})
        if sizes:
            self._body_size = max(1.0, max(sizes, key=sizes.__getitem__))
        least = max(_MIN_REPEATED, _REPEATED * num_samples)
        self._repeated = {line for line, number in lines.items() if number >= least}

    def page(self, number: int) -> PageText | None:
        """None: it is damaged."""
        found = self._drawn(number - 1)
        if found is None:
            return None
        shown, covered = found
        kept = [each for each in shown.stretches if not self._is_repeated(each, shown.height)]
        self._bounds.note("repeated_lines_left_out", len(shown.stretches) - len(kept))
        num_characters = sum(len(each.text) for each in kept)
        if shown.num_unmapped > num_characters:  # the rest would be riddles
            self._bounds.note("pages_without_characters")
            kept, num_characters = [], 0
        is_scanned = num_characters < _FEW_CHARACTERS and covered >= _SCANNED_SHARE
        empty = PageText(number, "", width=shown.width, height=shown.height, is_scanned=is_scanned)
        return laid_out(kept, self._body_size, empty)

    def _drawn(self, index: int) -> tuple[Drawn, float] | None:
        """With the share of it that a picture covers, if it has hardly a character."""
        try:
            page = self._document[index]
            text_page = page.get_textpage()
        except pypdfium2.PdfiumError:
            return None
        if not all(0 < length <= _LONGEST for length in page.get_size()):
            return None
        self._bounds.text(text_page.count_chars())
        shown = drawn(page, text_page)
        is_bare = sum(len(each.text) for each in shown.stretches) < 4 * _FEW_CHARACTERS
        covered = picture_share(page) if is_bare else 0.0
        text_page.close()
        page.close()
        return shown, covered

    def _is_repeated(self, stretch: TextStretch, height: float) -> bool:
        if not (self._repeated and _is_in_margin(stretch, height)):
            return False
        place, text = _key(stretch)
        return any((place + step, text) in self._repeated for step in (-1, 0, 1))


def _is_in_margin(stretch: TextStretch, height: float) -> bool:
    return stretch.bottom < _MARGIN * height or stretch.top > (1 - _MARGIN) * height


def _key(stretch: TextStretch) -> tuple[int, str]:
    """Its place in steps of 3 points, and its text without the page's number."""
    return round(stretch.middle / 3), _NUMBER.sub("#", stretch.text)
