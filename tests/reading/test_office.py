"""Office files, spreadsheets and books: what is read of them, and what is left out."""

import datetime

import pytest

from bdchat.reading.bounds import ReadingLimits, Unreadable
from tests.reading.files import LIMITS, read_here, told_blocks
from tests.reading.office_files import (
    W,
    docx_file,
    epub_file,
    ods_cell,
    ods_file,
    pptx_file,
    word_body,
    xls_file,
    xlsx_cells,
    xlsx_file,
)


def test_a_docx_has_headings_lists_and_tables_and_no_page_header() -> None:
    (page,), _ = read_here(docx_file())
    assert told_blocks(page) == [
        ("heading", "환불 규정"),
        ("paragraph", "You may ask for a refund."),
        ("heading", "Exceptions"),
        ("paragraph", "opened goods"),
        ("table", "품목 | 기한\n옷 | 7일"),
    ]
    assert [block.level for block in page.blocks if block.kind == "heading"] == [1, 2]


def test_footnotes_of_a_docx_follow_the_paragraph_that_names_them() -> None:
    notes = (
        f'<w:footnotes {W}><w:footnote w:id="0" w:type="separator"><w:p/></w:footnote>'
        '<w:footnote w:id="7"><w:p><w:r><w:t>Since 2026.</w:t></w:r></w:p></w:footnote></w:footnotes>'
    )
    body = '<w:p><w:r><w:t>Refunds</w:t></w:r><w:r><w:footnoteReference w:id="7"/><w:t> are given.</w:t></w:r></w:p>'
    (page,), _ = read_here(word_body(body, **{"word/footnotes.xml": notes}))
    assert told_blocks(page) == [("paragraph", "Refunds[^1] are given."), ("note", "[^1] Since 2026.")]


def test_what_was_deleted_in_a_docx_is_left_out_and_what_was_inserted_stays() -> None:
    body = (
        "<w:p><w:r><w:t>a</w:t></w:r><w:del><w:r><w:delText>gone</w:delText><w:t>gone</w:t></w:r></w:del>"
        "<w:ins><w:r><w:t>b</w:t><w:tab/><w:t>c</w:t></w:r></w:ins>"
        "<w:r><w:instrText>HYPERLINK x</w:instrText></w:r><w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink></w:p>"
        "<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p><w:r><w:t>gone</w:t></w:r></w:p></w:tc></w:tr>"
        "<w:tr><w:tc><w:p><w:r><w:t>kept</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    (page,), _ = read_here(word_body(body))
    assert told_blocks(page) == [("paragraph", "ab\tclink"), ("table", "kept")]


def test_a_drawn_box_of_a_docx_is_told_once() -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>in a box</w:t></w:r></w:p></w:txbxContent>"
    body = (
        f"<w:p><w:r><AlternateContent><Choice>{box}</Choice><Fallback>{box}</Fallback></AlternateContent></w:r></w:p>"
    )
    assert read_here(word_body(body))[0][0].text == "in a box"


def test_styles_that_are_based_on_each_other_end() -> None:
    styles = (
        f'<w:styles {W}><w:style w:styleId="a"><w:basedOn w:val="b"/></w:style><w:style w:styleId="b">'
        '<w:basedOn w:val="a"/></w:style><w:style w:styleId="c"><w:basedOn w:val="d"/></w:style>'
        '<w:style w:styleId="d"><w:name w:val="heading 3"/></w:style></w:styles>'
    )
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{style}</w:t></w:r></w:p>' for style in "ac"
    )
    (page,), _ = read_here(word_body(body, **{"word/styles.xml": styles}))
    assert [(block.kind, block.level) for block in page.blocks] == [("paragraph", 0), ("heading", 3)]


def test_macros_and_embedded_files_are_counted_and_not_opened() -> None:
    others = {"word/vbaProject.bin": "Sub AutoOpen()", "word/embeddings/oleObject1.bin": "MZ"}
    _, bounds = read_here(word_body("<w:p><w:r><w:t>a</w:t></w:r></w:p>", **others))
    assert bounds.notes == {"macros_ignored": 1, "embedded_files_ignored": 1}


def test_a_slide_is_a_page_with_its_title_list_table_and_notes() -> None:
    pages, bounds = read_here(pptx_file())
    assert bounds.num_expected_pages == 2
    assert [page.label for page in pages] == ["슬라이드 1", "슬라이드 2"]
    assert told_blocks(pages[1]) == [
        ("heading", "슬라이드 2"),
        ("list", "첫째 2\nsecond"),
        ("table", "품목 | 기한\n옷 | 7일"),
        ("note", "Say this slowly."),
    ]


def test_a_sheet_is_a_page_and_a_long_one_repeats_its_first_row() -> None:
    day = datetime.date(2026, 3, 5)
    rows: list[list[object]] = [["품목", "가격", "날짜"], *([f"물건 {n}", n * 1.5, day] for n in range(1000))]
    pages, _ = read_here(xlsx_file({"재고": rows, "빈 표": [], "Notes": [["only", True, 3.0]]}))
    assert {page.label for page in pages[:-1]} == {"재고"}
    assert len(pages) > 4
    assert all(page.text.startswith("품목 | 가격 | 날짜\n") for page in pages[:-1])
    assert pages[0].text.split("\n")[2] == "물건 1 | 1.5 | 2026-03-05"
    told = [row for page in pages[:-1] for row in page.text.split("\n")[1:]]
    assert len(told) == len(set(told)) == 1000
    assert (pages[-1].label, pages[-1].text) == ("Notes", "only | TRUE | 3")
    assert [page.number for page in pages] == [*range(1, len(pages) + 1)]


def test_old_and_open_spreadsheets_are_read_as_well() -> None:
    row = f"<table:table-row>{ods_cell('품목')}{ods_cell('기한')}</table:table-row>"
    assert read_here(ods_file(f'<table:table table:name="표">{row}</table:table>'))[0][0].text == "품목 | 기한"
    assert read_here(xls_file([["품목", "기한"], ["옷", "7일"]]))[0][0].text == "품목 | 기한\n옷 | 7일"


@pytest.mark.parametrize(
    "content",
    [
        xlsx_cells('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'),
        ods_file(
            '<table:table><table:table-row table:number-rows-repeated="1000000">'
            + ods_cell("x", 'table:number-columns-repeated="16000"')
            + "</table:table-row></table:table>"
        ),
    ],
)
def test_cells_in_far_corners_are_refused_before_room_is_made(content: bytes) -> None:
    with pytest.raises(Unreadable, match="too_much_text"):
        read_here(content)


def test_empty_rows_at_an_open_sheets_end_count_nothing() -> None:
    row = f"<table:table-row>{ods_cell('a')}</table:table-row>"
    cell = '<table:table-cell table:number-columns-repeated="16384"/>'
    empty = f'<table:table-row table:number-rows-repeated="1048000">{cell}</table:table-row>'
    table = f'<table:table table:name="t">{row}{empty}</table:table>'
    pages, _ = read_here(ods_file(table + table.replace('"t"', '"u"')))
    assert [page.text for page in pages] == ["a", "a"]


def test_chapters_of_a_book_come_in_the_order_of_its_spine() -> None:
    chapters = {
        "b": "<h1>둘째 장</h1><p>text <b>bold</b><br/>line</p>",
        "a": "<h2>First</h2><ul><li>one</li></ul><table><tr><th>x</th><td>y</td></tr></table><script>no()</script>",
    }
    pages, _ = read_here(epub_file(chapters, spine=["a", "b", "a", "missing"]))
    assert [page.label for page in pages] == ["First", "둘째 장"]
    assert told_blocks(pages[0]) == [("heading", "First"), ("list", "- one"), ("table", "x | y")]
    assert told_blocks(pages[1]) == [("heading", "둘째 장"), ("paragraph", "text bold\nline")]


def test_a_book_with_locked_chapters_says_so() -> None:
    locked = '<encryption><EncryptedData><CipherReference URI="OEBPS/a.xhtml"/></EncryptedData></encryption>'
    with pytest.raises(Unreadable, match="encrypted"):
        read_here(epub_file({"a": "<p>x</p>"}, others={"META-INF/encryption.xml": locked}))


def test_entities_are_refused() -> None:
    body = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    document = f"{body}<w:document {W}><w:body><w:p><w:r><w:t>a&x;</w:t></w:r></w:p></w:body></w:document>"
    with pytest.raises(Unreadable, match="entities"):
        read_here(word_body("", **{"word/document.xml": document}))


def test_what_is_inflated_is_counted_before_it_is_kept() -> None:
    limits = ReadingLimits(LIMITS.num_pages, 1 << 18, LIMITS.text_bytes)
    with pytest.raises(Unreadable, match="too_large_unpacked"):
        read_here(word_body("<w:p/>" * 50_000), limits=limits)
