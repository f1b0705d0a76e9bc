"""CSV and its kin: a table, whose first row is its header."""

import csv
from collections.abc import Iterator
from typing import IO

from bdchat.reading.bounds import Bounds, Unreadable
from bdchat.reading.paging import FlowBlock, flowed
from bdchat.reading.pieces import PageText
from bdchat.reading.texts.decoding import read_text

_DELIMITERS = "\t;|,"  # a comma last: it stands in numbers too
_NUM_LINES_LOOKED_AT = 20
_MAX_CELL_CHARACTERS = 1 << 20


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    text = read_text(data, bounds)
    csv.field_size_limit(_MAX_CELL_CHARACTERS)
    rows = csv.reader(text.split("\n"), delimiter=delimiter_of(text))
    try:
        lines = [" | ".join(" ".join(cell.split()) for cell in row) for row in rows if any(map(str.strip, row))]
    except csv.Error as error:
        raise Unreadable("damaged", f"line {rows.line_num}: {error}") from error
    if lines:
        yield from flowed([FlowBlock("table", "\n".join(lines))])


def delimiter_of(text: str) -> str:
    """What stands equally often in most lines, at least once."""
    lines = [line for line in text[:100_000].split("\n") if line.strip()][:_NUM_LINES_LOOKED_AT]
    counts = {each: [line.count(each) for line in lines] for each in _DELIMITERS}
    best, evenness = ",", 0.0
    for each, numbers in counts.items():
        usual = max(set(numbers), key=numbers.count, default=0)
        if usual and numbers.count(usual) / len(numbers) > evenness:
            best, evenness = each, numbers.count(usual) / len(numbers)
    return best
