"""Writes the files that citations are tested on: a PDF, a text in Markdown and a workbook, twenty pages each.

python -m tests.e2e.cited_files FOLDER

Every page has sentences that no other has, in English and Korean by turns; the page's tests know where they stand.
"""

import sys
from pathlib import Path

from tests.reading.office_files import xlsx_file
from tests.reading.pdf_files import Line, Sheet, pdf

NUM_PAGES = 20
SENTENCES_PER_PAGE = 6
LINE_POINTS = 90  # from one sentence of the PDF to the next
FILLER = "Nothing else is agreed in this place. "
WORDS = ("apple", "bridge", "candle", "dragon", "engine", "forest", "garden", "hammer", "island", "jacket")
KOREAN_WORDS = ("사과", "다리", "촛불", "바다", "엔진", "숲길", "정원", "망치", "외투", "거울")


def sentence(file: str, page: int, place: int) -> str:
    """`place`: from 0. Its code, such as pdf-3-2, stands nowhere else."""
    number = page * 7 + place
    if page % 2:
        return f"The {WORDS[number % 10]} of {file}-{page}-{place} costs {page * 1000 + place} won."
    return f"{file}-{page}-{place}의 {KOREAN_WORDS[number % 10]} 값은 {page * 1000 + place}원입니다."


def written(folder: Path) -> None:
    pages = range(1, NUM_PAGES + 1)
    places = range(SENTENCES_PER_PAGE)
    sheets = [
        Sheet([Line(sentence("pdf", page, place), y=90 + place * LINE_POINTS, size=16) for place in places])
        for page in pages
    ]
    (folder / "계약서.pdf").write_bytes(pdf(*sheets))

    def table(page: int) -> list[list[object]]:
        return [["항목"], *(list[object]([sentence("sheet", page, place)]) for place in places)]

    rows = {f"{page}월": table(page) for page in pages}
    (folder / "prices.xlsx").write_bytes(xlsx_file(rows))
    # A page of a text is cut at a heading, when it has some thousand characters.
    parts = [
        f"# Part {page}\n\n" + "\n\n".join(FILLER * 24 + sentence("notes", page, place) for place in places)
        for page in pages
    ]
    (folder / "notes.md").write_text("\n\n".join(parts), "utf-8")


if __name__ == "__main__":
    written(Path(sys.argv[1]))
