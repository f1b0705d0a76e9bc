"""Under which headings a place in a file stands. One object goes through all pages of a file, in their order."""

import re

MAX_TITLE = 80  # characters of a heading: what is longer is a paragraph in large letters
NUM_LEVELS = 6
_SPACES = re.compile(r"\s+")


class HeadingPath:
    def __init__(self) -> None:
        self._titles: list[tuple[int, str]] = []  # levels rise

    def enter(self, level: int, title: str) -> None:
        """A heading of `level` (1 to 6) ends all of its level and below."""
        level = min(max(level, 1), NUM_LEVELS)
        title = _SPACES.sub(" ", title[: 4 * MAX_TITLE]).strip()
        if not title:
            return
        if len(title) > MAX_TITLE:
            title = title[: MAX_TITLE - 1].rstrip() + "…"
        self._titles = [(above, said) for above, said in self._titles if above < level]
        self._titles.append((level, title))

    @property
    def text(self) -> str:
        """ "Chapter > Section"; empty before the first heading."""
        return " > ".join(title for _, title in self._titles)
