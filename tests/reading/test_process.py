"""A file is read by a process of its own: what it tells, and how it ends."""

from pathlib import Path

import pytest

from bdchat.reading.pieces import FileFinished, FileOpened
from tests.reading.files import frames_of, pages_told, refusal

KOREAN = "환불은 구입한 날부터 7일 안에 됩니다.\n\n" * 1000


@pytest.mark.anyio
async def test_a_text_is_told_page_by_page_and_goes_on_where_it_stopped() -> None:
    frames = await frames_of(KOREAN.encode())
    assert frames[0] == FileOpened("text", "text/plain")
    assert isinstance(frames[-1], FileFinished)
    pages = pages_told(frames)
    assert [page.number for page in pages] == list(range(1, frames[-1].num_pages + 1))
    assert "\n\n".join(page.text for page in pages) == KOREAN.strip()
    again = await frames_of(KOREAN.encode(), first_page=3)
    assert pages_told(again) == pages[2:]


@pytest.mark.anyio
async def test_the_name_of_a_file_is_on_no_command_line_and_may_be_anything() -> None:
    frames = await frames_of(b"one\n\ntwo", "\0\ud800\n../../x.md")
    assert [page.text for page in pages_told(frames)] == ["one\n\ntwo"]


@pytest.mark.anyio
async def test_an_empty_and_an_endless_file_have_their_reasons(tmp_path: Path) -> None:
    assert refusal(await frames_of(b"")).code == "empty"
    with (tmp_path / "sparse").open("w+b") as sparse:
        sparse.truncate(1 << 30)
        assert refusal(await frames_of(sparse)).code == "unknown_format"
    assert refusal(await frames_of(b"a\n\n" * 100_000, text_bytes=1000)).code == "too_much_text"
