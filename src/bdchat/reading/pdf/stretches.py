"""What a drawn page is made of. Points from the top left corner of the page as it is shown."""

import re
from dataclasses import dataclass

# What an item of a list begins with, in Korean and English documents.
STARTS_ITEM = re.compile(
    r"(?:[-–•·○●□■◦▪▶◆◇☞※*]|[①-⑳㉠-㉻ⓐ-ⓩ]|\(?(?:\d{1,3}|[가-하]|[a-z])[.)]|\((?:\d{1,3}|[가-하]|[a-z])\))"
)


@dataclass(frozen=True, slots=True)
class TextStretch:
    """Text on one line without a wide gap. `has_end_space`: a space is drawn behind it; `has_hyphen`: one is drawn at
    its end and is not in `text`."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    is_bold: bool = False
    has_end_space: bool = False
    has_hyphen: bool = False

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def width(self) -> float:
        return self.right - self.left


@dataclass(frozen=True, slots=True)
class TextRow:
    """What stands beside each other, from the left."""

    stretches: tuple[TextStretch, ...]

    @property
    def left(self) -> float:
        return self.stretches[0].left

    @property
    def right(self) -> float:
        return max(each.right for each in self.stretches)

    @property
    def top(self) -> float:
        return min(each.top for each in self.stretches)

    @property
    def bottom(self) -> float:
        return max(each.bottom for each in self.stretches)

    @property
    def size(self) -> float:
        return max(self.stretches, key=lambda each: len(each.text)).size

    @property
    def text(self) -> str:
        return " ".join(each.text for each in self.stretches)

    @property
    def is_bold(self) -> bool:
        return all(each.is_bold for each in self.stretches)


def rows_of(stretches: list[TextStretch]) -> list[TextRow]:
    """From the top. Two stand in one row if the middle of the lower one is within the other."""
    rows: list[list[TextStretch]] = []
    for each in sorted(stretches, key=lambda stretch: (stretch.middle, stretch.left)):
        if rows and rows[-1][0].top < each.middle < rows[-1][0].bottom and not _cover(rows[-1], each):
            rows[-1].append(each)
        else:
            rows.append([each])
    return [TextRow(tuple(sorted(row, key=lambda stretch: stretch.left))) for row in rows]


def _cover(row: list[TextStretch], other: TextStretch) -> bool:
    """Something of the row stands above or below it: lines that are set closely."""
    return any(min(each.right, other.right) - max(each.left, other.left) > 0.5 * other.size for each in row) and (
        abs(row[0].middle - other.middle) > 0.3 * other.size
    )
