"""The order in which a page is read: columns of prose one after the other, anything else from top to bottom.

Cells of a table stand in columns too, and are read along their rows: what is told apart by how far lines fill the
column's width.
"""

from collections import Counter
from statistics import median

from bdchat.reading.pdf.stretches import TextStretch

_MIN_LINES = 5  # of a column
_MIN_FILLED = 0.55  # of a column's width, by its median line
_MIN_GUTTER = 6.0  # points
_MIN_COLUMN = 0.15  # of the width
_MAX_CROSSING = 0.2  # of the lines: titles, captions, wide tables
_MAX_DEPTH = 3


def regions(stretches: list[TextStretch], depth: int = 0) -> list[list[TextStretch]]:
    """Parts of a page, in the order of reading."""
    gutter = _gutter(stretches) if depth < _MAX_DEPTH else None
    if gutter is None:
        return [stretches] if stretches else []
    crossing = sorted(
        (each for each in stretches if each.left < gutter < each.right), key=lambda stretch: stretch.middle
    )
    found: list[list[TextStretch]] = []
    rest = [each for each in stretches if not each.left < gutter < each.right]
    start = float("-inf")
    for end in (*_band_ends(crossing, rest), float("inf")):
        band = [each for each in rest if start <= each.middle < end]
        across = [each for each in crossing if start <= each.middle < end]
        first = min((each.top for each in band), default=end)
        found += [across] if across and not band else []
        if band:
            above = [each for each in across if each.middle < first]
            found += [above] if above else []
            for side in (
                [each for each in band if each.right <= gutter],
                [each for each in band if each.left >= gutter],
            ):
                found += regions(side, depth + 1)
            below = [each for each in across if each.middle >= first]
            found += [below] if below else []
        start = end
    return found


def _band_ends(crossing: list[TextStretch], rest: list[TextStretch]) -> list[float]:
    """Where something crosses the gutter below columns, the columns above it end."""
    ends: list[float] = []
    for each in crossing:
        begins = ends[-1] if ends else float("-inf")
        if any(begins <= other.middle < each.middle for other in rest):
            ends.append(each.top)
    return ends


def _gutter(stretches: list[TextStretch]) -> float | None:
    """A place left of which and right of which prose stands: before an edge where many lines begin."""
    if len(stretches) < 2 * _MIN_LINES:
        return None
    left, right = min(each.left for each in stretches), max(each.right for each in stretches)
    edges = Counter(round(each.left) for each in stretches)
    best: tuple[float, float] | None = None  # width of the gutter, place
    for edge, number in edges.items():
        if number < _MIN_LINES - 1 or edge - left < _MIN_COLUMN * (right - left):
            continue
        place = edge - 1.0
        if sum(each.left < place < each.right for each in stretches) > _MAX_CROSSING * len(stretches):
            continue
        before = [each for each in stretches if each.right <= place]
        width = edge - max((each.right for each in before), default=place)
        behind = [each for each in stretches if each.left >= place]
        is_wider = width >= _MIN_GUTTER and (best is None or width > best[0])
        if is_wider and _fills(before, left, place) and _fills(behind, place, right):
            best = width, place
    return best[1] if best else None


def _fills(side: list[TextStretch], start: float, end: float) -> bool:
    return len(side) >= _MIN_LINES and median(each.width for each in side) >= _MIN_FILLED * (end - start)
