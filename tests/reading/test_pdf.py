"""PDFs, written by hand: what is told of them, and where it stands."""

import pytest

from bdchat.reading.bounds import ReadingLimits, Unreadable
from bdchat.reading.pieces import FileFinished, LineBox, PageText
from tests.reading.files import frames_of, pages_told, read_here, refusal, told_blocks
from tests.reading.pdf_files import Line, Sheet, pdf

PROSE = "The quick brown fox jumps over the lazy dog"


def read_pdf(*sheets: Sheet) -> list[PageText]:
    return read_here(pdf(*sheets))[0]


def box_of(page: PageText, text: str) -> LineBox:
    start = page.text.index(text)
    return next(box for box in page.boxes if box.start <= start and start + len(text) <= box.end)


def test_headings_paragraphs_and_divided_words() -> None:
    (page,) = read_pdf(
        Sheet(
            [
                Line("제1장 총칙", 72, 72, 18),
                Line("Return policy", 72, 96, 10, "B"),
                Line("Goods that a customer has bought here may be re-", 72, 120, font="L"),
                Line("turned within seven days, counted from the day of", 72, 132, font="L"),
                Line("the purchase of a piece of work that is well-", 72, 144, font="L"),
                Line("known purchase.", 72, 156, font="L"),
                Line("① 첫째", 72, 190),
                Line("② 둘째", 72, 204),
            ]
        )
    )
    assert told_blocks(page) == [
        ("heading", "제1장 총칙"),
        ("heading", "Return policy"),
        (
            "paragraph",
            "Goods that a customer has bought here may be returned within seven days, counted from the day of the"
            " purchase of a piece of work that is wellknown purchase.",
        ),
        ("list", "① 첫째"),
        ("list", "② 둘째"),
    ]
    assert [block.level for block in page.blocks[:2]] == [1, 4]


def test_korean_lines_that_end_within_a_word_are_joined_where_the_program_draws_its_spaces() -> None:
    lines = [
        "환불은 구입한 날부터 칠 일 안에 ",
        "하셔야 하고 영수증을 가져오셔야 합",
        "니다. 다른 물건으로 바꾸실 때에는 ",
        "그 물건이 매장에 있어야만 합니다. ",
    ]
    drawn = [Line(text, 72, 100 + 16 * at) for at, text in enumerate(lines)]
    (page,) = read_pdf(Sheet(drawn))
    assert page.text == "".join(lines).strip()
    without = [Line(line.text.strip(), line.x, line.y) for line in drawn]
    (page,) = read_pdf(Sheet(without))
    assert page.text == " ".join(line.strip() for line in lines), "nothing tells: a space is put"


def test_a_table_is_told_in_rows_and_an_empty_cell_stays_one() -> None:
    rows = [("이름", "수량", "금액"), ("사과", "3", "1,000"), ("참외", "", "2,500")]
    lines = [
        Line(cell, x, 200 + 16 * at) for at, row in enumerate(rows) for x, cell in zip((72, 200, 320), row, strict=True)
    ]
    (page,) = read_pdf(Sheet([Line("아래는 값의 표이다.", 72, 160), *lines]))
    assert told_blocks(page)[1] == ("table", "이름 | 수량 | 금액\n사과 | 3 | 1,000\n참외 |  | 2,500")
    box = box_of(page, "2,500")
    assert (box.left, page.text[box.start : box.end]) == (320, "2,500")


def test_columns_of_prose_are_read_one_after_the_other() -> None:
    lines = [Line("A title across the page, which is read before both of its columns", 60, 60, 10, "L")]
    lines += [
        Line(f"{side}{at} {PROSE}", x, 100 + 12 * at, 10, "L") for at in range(8) for side, x in (("l", 60), ("r", 320))
    ]
    (page,) = read_pdf(Sheet(lines))
    order = [page.text.index(f"{side}{at} ") for side in "lr" for at in range(8)]
    assert order == sorted(order)
    assert page.text.startswith("A title")


@pytest.mark.parametrize(
    ("rotate", "size", "place"),
    [
        (0, (595, 842), (97, 92, 117, 102)),
        (90, (842, 595), (842 - 102, 97, 842 - 92, 117)),
        (180, (595, 842), (595 - 117, 842 - 102, 595 - 97, 842 - 92)),
        (270, (842, 595), (92, 595 - 117, 102, 595 - 97)),
    ],
)
def test_a_box_is_where_the_characters_are_drawn_however_the_page_is_turned(
    rotate: int, size: tuple[int, int], place: tuple[float, ...]
) -> None:
    """The font's letters are 1000 units wide, 800 up and 200 down; the page's box does not begin at 0."""
    sheet = Sheet([Line("환불", 97, 100)], rotate=rotate, box=(20, 30, 615, 872))
    (page,) = read_pdf(sheet)
    assert (page.width, page.height) == size
    (box,) = page.boxes
    assert (box.start, box.end, page.text) == (0, 2, "환불")
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(place, abs=0.6)


def test_every_box_has_its_characters_in_order() -> None:
    sheet = Sheet([Line(f"{at}번째 줄에는 글이 있다. {PROSE}", 72, 80 + 14 * at) for at in range(40)])
    (page,) = read_pdf(sheet)
    assert [page.text[box.start : box.end] for box in page.boxes] == [line.text for line in sheet.lines]
    assert all(before.end <= after.start for before, after in zip(page.boxes, page.boxes[1:], strict=False))


def test_lines_that_repeat_in_the_margin_are_left_out_and_those_on_the_page_are_not() -> None:
    sheets = [
        Sheet(
            [
                Line("Annual report", 72, 30),
                Line("Name and price", 72, 200),
                Line(f"Own words of {at}", 72, 230),
                Line(f"- {number} -", 290, 820),
            ]
        )
        for number, at in enumerate("abcdef", 1)
    ]
    pages, bounds = read_here(pdf(*sheets))
    assert [page.text.split("\n\n") for page in pages] == [["Name and price", f"Own words of {at}"] for at in "abcdef"]
    assert bounds.notes["repeated_lines_left_out"] == 12
    assert "Annual report" in read_pdf(*sheets[:2])[0].text, "two pages are too few to tell"


def test_pictures_of_pages_are_named_and_a_font_that_tells_nothing_too() -> None:
    pages, bounds = read_here(
        pdf(Sheet([Line("환불 규정입니다. " * 4)]), Sheet(has_image=True), Sheet(), has_to_unicode=False)
    )
    assert [page.text for page in pages] == ["", "", ""]
    assert [page.is_scanned for page in pages] == [False, True, False]
    assert bounds.notes == {"pages_without_characters": 1}


def test_what_could_run_or_be_unpacked_is_counted_and_left_alone() -> None:
    catalog = (
        "/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> /Names << /JavaScript << /Names [(a) << /S /JavaScript"
        " /JS (app.alert\\(2\\)) >>] >> /EmbeddedFiles << /Names [(b.exe) << /Type /Filespec /F (b.exe) >>] >> >>"
        " /AcroForm << /Fields [] >>"
    )
    pages, bounds = read_here(pdf(Sheet([Line("환불")]), catalog=catalog))
    assert [page.text for page in pages] == ["환불"]
    assert bounds.notes == {"scripts_ignored": 1, "embedded_files_ignored": 1, "forms_ignored": 1}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (pdf(Sheet(), trailer=f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'ab' * 32}> /U <{'cd' * 32}> >>"
             f" /ID [<{'00' * 16}> <{'00' * 16}>]"), "encrypted"),
        (b"%PDF-1.7\n" + b"\xff" * 300, "damaged"),
        (pdf(*[Sheet()] * 1001), "too_many_pages"),
    ],
)  # fmt: skip
def test_a_pdf_that_is_not_read_has_its_reason(content: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_here(content)
    assert caught.value.code == code


def test_a_page_of_more_text_than_may_be_is_refused_before_it_is_kept() -> None:
    limits = ReadingLimits(num_pages=9, unpacked_bytes=1 << 20, text_bytes=100)
    with pytest.raises(Unreadable, match="too_much_text"):
        read_here(pdf(Sheet([Line("가" * 101)])), limits=limits)


@pytest.mark.anyio
async def test_the_confined_process_reads_a_pdf_and_refuses_one_of_pictures() -> None:
    frames = await frames_of(pdf(Sheet([Line("환불 규정")]), Sheet(has_image=True)), "renamed.txt")
    assert [page.text for page in pages_told(frames)] == ["환불 규정", ""]
    assert frames[-1] == FileFinished(2, {"pages_scanned": 1})
    assert refusal(await frames_of(pdf(Sheet(has_image=True)))).code == "no_text"
