"""A file is read by a process of its own: what it tells, and how it ends."""

import errno
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from bdchat.reading.bounds import MAX_PAGE_BYTES, Bounds, ReadingLimits, Unreadable
from bdchat.reading.pieces import FileFinished, FileOpened, PageRead, PageText
from bdchat.reading.process import read
from bdchat.settings.documents import DocumentSettings
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


@pytest.mark.anyio
async def test_a_page_that_takes_longer_than_it_may_ends_its_file() -> None:
    nested = b"<!doctype html>" + b"<div>" * 60_000  # HTML's rules look through all that is open at each
    end = refusal(await frames_of(nested, page_timeout_s=1))
    assert (end.code, end.page) == ("too_slow", 1)


@pytest.mark.anyio
async def test_whoever_stops_listening_ends_the_process(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}
    with (tmp_path / "long").open("w+b") as long:
        long.write(KOREAN.encode() * 20)
        long.flush()
        async with aclosing(read(long.fileno(), "long", DocumentSettings())) as frames:
            async for frame in frames:
                if isinstance(frame, PageRead):
                    break
            assert {child.pid for child in psutil.Process().children()} - before
    assert {child.pid for child in psutil.Process().children()} - before == set()


def test_a_parser_can_open_no_file_and_no_socket_and_start_nothing() -> None:
    script = """
from bdchat.reading.main import _confine
import os, socket
_confine()
for attempt in (lambda: open("/etc/passwd"), socket.socket, os.fork, lambda: os.execv("/bin/true", ["true"])):
    try:
        attempt()
    except OSError as error:
        print(error.errno)
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == [str(number) for number in (errno.EMFILE, errno.EPERM, errno.EPERM, errno.EPERM)]


def test_a_page_is_shown_as_a_whole_and_so_bounded() -> None:
    bounds = Bounds(ReadingLimits(num_pages=9, unpacked_bytes=0, text_bytes=10 * MAX_PAGE_BYTES))
    bounds.page(PageText(1, "가" * (MAX_PAGE_BYTES // 3)))
    with pytest.raises(Unreadable, match="too_much_text: a page of"):
        bounds.page(PageText(2, "가" * (MAX_PAGE_BYTES // 3 + 1)))
