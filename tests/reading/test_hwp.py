"""Hancom's two formats: what was written into a file is what is read from it."""

import pytest

from bdchat.reading.bounds import Unreadable
from tests.reading.files import read_here, told_blocks
from tests.reading.hwp_files import Note, Paragraph, Table, archive, hwp_file, hwpx_file, record

PARAGRAPHS = [
    Paragraph(("환불 규정",), level=1),
    Paragraph(("제1조 (목적)",), level=2),
    Paragraph(
        ("이 규정은 물건을 돌려받는 일을 정한다", Note("2026년 3월에 고쳤다."), '. <굵게> & "따옴표"\n둘째 줄\t탭')
    ),
    Paragraph(
        (
            "표 1은 다음과 같다.",
            Table((("품목", "기한"), ("옷", "7일"), ("책 & 음반", "14일")), "표 1 기한"),
            "표 뒤의 말.",
        )
    ),
    Paragraph(("Mixed 한글 text with 漢字, 日本語 and emoji 🙂.", Note("A second note."))),
    Paragraph(("",)),
]
EXPECTED = [
    ("heading", "환불 규정"),
    ("heading", "제1조 (목적)"),
    ("paragraph", '이 규정은 물건을 돌려받는 일을 정한다[^1]. <굵게> & "따옴표"\n둘째 줄\t탭'),
    ("note", "[^1] 2026년 3월에 고쳤다."),
    ("paragraph", "표 1은 다음과 같다."),
    ("paragraph", "표 1 기한"),
    ("table", "품목 | 기한\n옷 | 7일\n책 & 음반 | 14일"),
    ("paragraph", "표 뒤의 말."),
    ("paragraph", "Mixed 한글 text with 漢字, 日本語 and emoji 🙂.[^2]"),
    ("note", "[^2] A second note."),
]


@pytest.mark.parametrize("content", [hwpx_file(PARAGRAPHS), hwp_file(PARAGRAPHS), hwp_file(PARAGRAPHS, flags=0)])
def test_text_tables_and_footnotes_are_what_was_written(content: bytes) -> None:
    (page,), _ = read_here(content)
    assert told_blocks(page) == EXPECTED
    assert [block.level for block in page.blocks if block.kind == "heading"] == [1, 2]


def test_a_long_file_has_all_its_paragraphs_in_order() -> None:
    written = [f"{number}번째 문단은 " + "가나다라마바사 " * 40 for number in range(500)]
    paragraphs = [Paragraph((text,)) for text in written]
    for content in (hwpx_file(paragraphs), hwp_file(paragraphs)):
        pages, _ = read_here(content)
        assert len(pages) > 10
        assert [text for page in pages for _, text in told_blocks(page)] == written


@pytest.mark.parametrize("flags", [0b11, 0b101, 1 | 1 << 4, 1 | 1 << 8])
def test_a_locked_hwp_says_so(flags: int) -> None:
    with pytest.raises(Unreadable, match="encrypted"):
        read_here(hwp_file(PARAGRAPHS, flags=flags))


def test_a_locked_hwpx_says_so() -> None:
    manifest = b'<m:manifest xmlns:m="urn:m"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
    with pytest.raises(Unreadable, match="encrypted"):
        read_here(hwpx_file(PARAGRAPHS, **{"META-INF/manifest.xml": manifest}))


def test_deleted_text_of_tracked_changes_is_left_out_of_an_hwpx() -> None:
    section = (
        b'<hs:sec xmlns:hs="s" xmlns:hp="p"><hp:p><hp:run><hp:t>kept<hp:deleteBegin/>gone<hp:deleteEnd/> too</hp:t>'
        b"</hp:run></hp:p></hs:sec>"
    )
    (page,), _ = read_here(archive({"mimetype": b"application/hwp+zip", "Contents/section0.xml": section}))
    assert page.text == "kept too"


@pytest.mark.parametrize(
    "section",
    [
        record(66, 0, bytes(22))[:-3],  # cut within a record
        record(66, 0, bytes(22)) + b"\xff\xff\xff\xff" + b"\xff" * 4,  # 4 GiB claimed
        b"".join(record(66, level, bytes(22)) for level in range(900)),  # nested
    ],
)
def test_records_that_cannot_be_are_damage(section: bytes) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        read_here(hwp_file([], section=section))


def test_a_circle_of_sectors_is_damage() -> None:
    content = hwp_file([], section=bytes(range(256)) * 40, flags=0, cycle_in="BodyText/Section0")
    with pytest.raises(Unreadable, match="damaged"):
        read_here(content)
