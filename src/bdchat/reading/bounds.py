"""What reading one file may cost, and what was counted. Of the reading process; one thread."""

from collections import Counter

import msgspec

from bdchat.reading.pieces import PageText
from bdchat.reading.reasons import REASONS

MAX_DETAIL_CHARACTERS = 200
MAX_PAGE_BYTES = 4 * 1024 * 1024  # of text: a page is shown, and sent, as a whole. A full one of Korean has 6 kB.


class Unreadable(Exception):
    """`code`: of reasons.py. `detail`: English, for whoever looks closer; nothing of the file's text."""

    def __init__(self, code: str, detail: str = "") -> None:
        assert code in REASONS
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail[:MAX_DETAIL_CHARACTERS]


class ReadingLimits(msgspec.Struct, frozen=True):
    """Of one file; the numbers of DocumentSettings, which has their reasons."""

    num_pages: int
    unpacked_bytes: int
    text_bytes: int


class Bounds:
    """`notes`: what was left out of the text, as codes with numbers."""

    def __init__(self, limits: ReadingLimits) -> None:
        self.limits = limits
        self.notes: Counter[str] = Counter()
        self.num_expected_pages: int | None = None
        self._num_unpacked_bytes = 0
        self._num_text_bytes = 0
        self._num_pages = 0

    def expect_pages(self, num_pages: int) -> None:
        """For a format that knows before its first page. Raises Unreadable."""
        self._check_pages(num_pages)
        self.num_expected_pages = num_pages

    def unpacked(self, num_bytes: int) -> None:
        """So many more were unpacked; call it before they are kept. Raises Unreadable."""
        self._num_unpacked_bytes += num_bytes
        if self._num_unpacked_bytes > self.limits.unpacked_bytes:
            raise Unreadable("too_large_unpacked")

    def text(self, num_bytes: int) -> None:
        """So many bytes will be on the page that is being made. `page` counts them; this looks whether there is room
        before they take memory. Raises Unreadable."""
        if self._num_text_bytes + num_bytes > self.limits.text_bytes:
            raise Unreadable("too_much_text")

    def page(self, page: PageText) -> None:
        """It goes out; called by who calls the format. Raises Unreadable."""
        self._num_pages += 1
        self._check_pages(self._num_pages)
        num_bytes = len(page.text.encode("utf-8", "replace"))
        if num_bytes > MAX_PAGE_BYTES:
            raise Unreadable("too_much_text", f"a page of {num_bytes} bytes; at most {MAX_PAGE_BYTES}")
        self._num_text_bytes += num_bytes
        self.text(0)

    def note(self, code: str, number: int = 1) -> None:
        if number:
            self.notes[code] += number

    def _check_pages(self, num_pages: int) -> None:
        if num_pages > self.limits.num_pages:
            raise Unreadable("too_many_pages", f"{num_pages} pages; at most {self.limits.num_pages}")
