"""Formats that are text: encodings, and what each becomes."""

import json

import pytest

from bdchat.reading.bounds import Unreadable
from bdchat.reading.paging import PAGE_CHARACTERS, FlowBlock, flowed
from bdchat.reading.pieces import FileFinished
from bdchat.reading.texts.decoding import encoding_of
from bdchat.reading.texts.json_text import pages as json_pages
from tests.reading.files import frames_of, pages_told, read_here, told_blocks

KOREAN = "환불은 구입한 날부터 7일 안에 됩니다. 영수증이 있어야 합니다.\n"
JAPANESE = "返品はご購入の日から七日以内にお願いいたします。レシートが必要です。\n"
CHINESE = "退货请在购买之日起七天之内办理，需要出示发票。我们的服务时间是每天上午九点到下午六点。\n"


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        (KOREAN, "utf-8", "utf-8"),
        (KOREAN, "utf-8-sig", "utf-8-sig"),
        (KOREAN, "utf-16", "utf-16"),
        (KOREAN, "utf-16-le", "utf-16-le"),
        (KOREAN, "utf-16-be", "utf-16-be"),
        (KOREAN, "cp949", "cp949"),
        ("똠방각하는 펲시를 샾에서 샀다. 그래서 찦차를 탔다.\n", "cp949", "cp949"),
        (JAPANESE, "euc_jp", "euc_jp"),
        (JAPANESE, "shift_jis", "shift_jis"),
        (CHINESE, "gb18030", "gb18030"),
        ("Das Gerät wird zurückgenommen, naïve café €5.\n", "cp1252", "cp1252"),
    ],
)
def test_an_encoding_is_told_by_the_bytes(text: str, encoding: str, found: str) -> None:
    raw = (text * 5).encode(encoding)
    assert encoding_of(raw) == found
    pages, _ = read_here(raw)
    assert "\n".join(page.text for page in pages) == (text * 5).strip()


def test_a_stray_nul_is_no_picture_and_many_are() -> None:
    pages, _ = read_here(("a\0b " + "word " * 500).encode())
    assert pages[0].text.startswith("ab word")
    with pytest.raises(AssertionError):
        read_here(b"\1\2\3\0" * 200)


def test_a_name_chooses_among_texts_and_never_a_parser_of_binary_data() -> None:
    assert told_blocks(read_here(b"# a", "x.md")[0][0]) == [("heading", "a")]
    assert told_blocks(read_here(b"# a", "x.py")[0][0]) == [("code", "# a")]
    assert told_blocks(read_here(b"# a", "x.pdf")[0][0]) == [("paragraph", "# a")]
    assert told_blocks(read_here(b"<!DOCTYPE html><h1>a", "x.docx")[0][0]) == [("heading", "a")]


def test_markdown_has_headings_tables_lists_and_code() -> None:
    source = (
        "---\ntitle: x\n---\nTop\n===\n\nOne\ntwo <!-- hidden -->\n\n## Under ##\n- a\n- b\n\n"
        "```py\n# no heading\n```\n| 이름 | 값 |\n|:--|--:|\n| 가 | 1 |\n"
    )
    pages, bounds = read_here(source.encode(), "x.md")
    assert told_blocks(pages[0]) == [
        ("code", "title: x"),
        ("heading", "Top"),
        ("paragraph", "One\ntwo"),
        ("heading", "Under"),
        ("list", "- a\n- b"),
        ("code", "# no heading"),
        ("table", "이름 | 값\n가 | 1"),
    ]
    assert [block.level for block in pages[0].blocks if block.kind == "heading"] == [1, 2]
    assert bounds.notes == {"comments_ignored": 1}


def test_a_text_without_pages_is_cut_at_its_borders_and_loses_nothing() -> None:
    blocks = [FlowBlock("heading", "제1장", 2), *[FlowBlock("paragraph", f"{at} " + "가" * 900) for at in range(12)]]
    blocks[6:6] = [FlowBlock("heading", "제2장", 2)]
    pages = list(flowed(blocks))
    assert [page.number for page in pages] == [1, 2, 3]
    assert "\n\n".join(page.text for page in pages) == "\n\n".join(block.text for block in blocks)
    assert pages[1].text.startswith("제2장"), "a heading goes with what follows it"
    sentence = "이것은 문장이다. "
    long = list(flowed([FlowBlock("paragraph", sentence * 2000)]))
    assert "".join(page.text for page in long) == sentence * 2000
    assert all(page.text.endswith(sentence) for page in long)
    assert max(len(page.text) for page in long) <= PAGE_CHARACTERS


def test_rows_of_a_long_table_keep_their_header_on_every_page() -> None:
    rows = "".join(f'{at},"값 {at},000"\n' for at in range(2000))
    pages, _ = read_here(("번호,금액\n" + rows).encode("cp949"), "x.csv")
    assert len(pages) > 2
    assert {page.text.split("\n")[0] for page in pages} == {"번호 | 금액"}
    told = [line for page in pages for line in page.text.split("\n")[1:]]
    assert told == [f"{at} | 값 {at},000" for at in range(2000)]
    assert {kind for page in pages for kind, _ in told_blocks(page)} == {"table"}


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_what_divides_cells_is_found(delimiter: str) -> None:
    pages, _ = read_here(f"a,b{delimiter}c\n1,5{delimiter}2\n".encode(), "x.csv")
    assert pages[0].text == "a,b | c\n1,5 | 2"


def test_code_keeps_its_lines_and_pages_are_named_by_them() -> None:
    source = "\n".join(f"def f{at}():\n    return {at}\n" for at in range(400))
    pages, _ = read_here(source.encode(), "x.py")
    assert "\n\n".join(page.text for page in pages) == source.rstrip()
    assert [page.text.startswith("def ") for page in pages] == [True] * len(pages)
    assert pages[1].label.startswith(f"L{pages[0].text.count(chr(10)) + 3}–")


def test_json_shows_its_letters_and_keeps_its_numbers() -> None:
    made = '{"name":"\\ud658\\ubd88 \\ud83d\\ude00 \\u0022 \\\\u0041","n":1.10,"l":[' + ",".join(["12345"] * 100) + "]}"
    pages, _ = read_here(made.encode(), "x.json")
    assert '"name": "환불 😀 \\u0022 \\\\u0041"' in pages[0].text
    assert '"n": 1.10' in pages[0].text
    assert json.loads("\n".join(page.text for page in pages)) == json.loads(made)
    deep, _ = read_here(b"[" * 100_000, "x.json")
    assert sum(len(page.text) for page in deep) == 100_000


def test_a_notebook_is_its_cells() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# 제목\n", "글"]},
        {"cell_type": "code", "source": "x = 1", "outputs": []},
    ]
    pages, _ = read_here(json.dumps({"nbformat": 4, "cells": cells}).encode(), "x.ipynb")
    assert told_blocks(pages[0]) == [("heading", "제목"), ("paragraph", "글"), ("code", "x = 1")]
    assert json_pages.__module__.endswith("json_text")


HTML = """<!doctype html><html><head><meta charset="euc-kr"><title>환불 규정</title><script>alert(1)</script></head>
<body><nav>처음</nav><h1>환불  <b>규정</b></h1><p>구입한 날부터<br>7일 &lt;script&gt;</p><!-- 숨은 글 -->
<div style="color:red; display: none">흰 글</div><p hidden>또</p><ul><li>하나<li>둘</ul><pre>a
  b</pre><table><tr><th>이름<th>값<tr><td>가<td>1</table><iframe src="http://x/">안</iframe><img src="http://x/"></body>"""


def test_html_is_what_is_seen_and_nothing_of_it_is_fetched() -> None:
    pages, bounds = read_here(HTML.encode("cp949"))
    assert pages[0].label == "환불 규정"
    assert told_blocks(pages[0]) == [
        ("paragraph", "처음"),
        ("heading", "환불 규정"),
        ("paragraph", "구입한 날부터\n7일 <script>"),
        ("list", "- 하나"),
        ("list", "- 둘"),
        ("code", "a\n  b"),
        ("table", "이름 | 값\n가 | 1"),
    ]
    assert bounds.notes == {"hidden_text_ignored": 2}


def test_html_may_be_nested_deeper_than_python_calls() -> None:
    pages, _ = read_here(b"<!doctype html>" + b"<div>" * 5000 + b"deep")
    assert pages[0].text == "deep"


LETTER = (
    b"From: =?euc-kr?B?sei068Dn?= <a@example.org>\r\nTo: b@example.org\r\nSubject: =?utf-8?B?7ZmY67aIIOyalOyyrQ==?=\r\n"
    b"Date: Mon, 30 Nov 2026 10:00:00 +0900\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n"
    b"--y\r\nContent-Type: text/plain; charset=ks_c_5601-1987\r\n"
    b"\r\n"
    + "첫 줄\r\n둘째 줄\r\n\r\n다음".encode("cp949")
    + b"\r\n--y\r\nContent-Type: text/html\r\n\r\n<p>other</p>\r\n--y--\r\n"
    b'--x\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="a.pdf"\r\n\r\n'
    b"%PDF-\r\n--x--\r\n"
)


def test_a_letter_has_its_headers_its_text_and_the_names_of_what_is_attached() -> None:
    pages, bounds = read_here(LETTER)
    assert told_blocks(pages[0]) == [
        ("heading", "환불 요청"),
        ("paragraph", "From: 김대재 <a@example.org>\nTo: b@example.org\nDate: Mon, 30 Nov 2026 10:00:00 +0900"),
        ("paragraph", "첫 줄\n둘째 줄"),
        ("paragraph", "다음"),
        ("note", "[a.pdf]"),
    ]
    assert bounds.notes == {"attachments_ignored": 1}


def test_letters_within_letters_come_to_an_end() -> None:
    start = b"From: a\nTo: b\nSubject: c\n"
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (at, at) for at in range(3000))
    with pytest.raises(Unreadable, match="damaged"):
        read_here(start + parts)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content", "name"),
    [
        (LETTER, "a.eml"),
        (HTML.encode("cp949"), "a.html"),
        (b"a,b\n1,2", "a.csv"),
        (b'{"a": 1}', "a.json"),
        (b"x = 1", "a.py"),
    ],
)
async def test_the_confined_process_reads_each_as_the_server_would(content: bytes, name: str) -> None:
    frames = await frames_of(content, name)
    assert isinstance(frames[-1], FileFinished)
    assert pages_told(frames) == read_here(content, name)[0]
