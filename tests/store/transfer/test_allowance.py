"""What reading a file may cost: in proportion to it, whatever is in it."""

import io
import json
from collections.abc import Iterator

import pytest

from bdchat.settings import MIB
from bdchat.store.transfer.allowance import (
    BARREN_BASE_BYTES,
    BARREN_RATIO,
    CPU_SCALE_BYTES,
    ENTRY_BYTES,
    Allowance,
    Exhausted,
    Stopped,
)
from bdchat.store.transfer.reading import FoundChat, Problem, read_chats
from bdchat.store.transfer.reasons import because
from tests.store.transferable import conversation, node, read, zipped

CHAT = conversation(node("u", None, "user", "hi"))


class Clock:
    """A second passes with each look."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1
        return self.now_s


def read_with(allowance: Allowance, data: bytes) -> Iterator[FoundChat | Problem]:
    with allowance.working():
        yield from read_chats(io.BytesIO(data), allowance)


def test_time_is_given_in_proportion_to_the_file_and_counted_over_all_threads() -> None:
    clock = Clock()
    allowance = Allowance(2 * CPU_SCALE_BYTES, max_bytes=1, cpu_s=10, clock=clock)
    for _ in range(2):
        with allowance.working():
            allowance.check()
            clock.now_s += 10
        clock.now_s += 1000  # of another thread, or while nothing is read
    with allowance.working():
        clock.now_s += 10
        with pytest.raises(Exhausted) as caught:
            allowance.check()
    assert caught.value.reason == because("too_much_work", num_s=30)


def test_an_import_without_time_says_so_after_what_came() -> None:
    data = json.dumps([CHAT] * 3).encode() + b" " * 10**6
    first, *_, last = read_with(Allowance(len(data), max_bytes=10**9, cpu_s=8, clock=Clock()), data)
    assert isinstance(first, FoundChat)
    assert last == Problem(because("too_much_work", num_s=10), "")


def test_what_nobody_wants_any_more_is_not_read_on() -> None:
    """A file without chats was read to its end, whoever had gone: minutes, at the server's end too."""
    data = b"[" + b"{}," * 10**6 + json.dumps(CHAT).encode() + b"]"
    allowance = Allowance(len(data), max_bytes=10**9, cpu_s=10**6)
    allowance.stop()
    assert list(read_with(allowance, data)) == []
    with pytest.raises(Stopped):
        allowance.check()


def test_what_is_unpacked_without_chats_is_counted_over_all_files() -> None:
    """Each file might unpack to a MiB whatever it took, 20,000 times: a ZIP of 4.3 MB was half an hour's work."""
    noise = b"[" + b" " * (MIB - 2) + b"]"
    num_files = BARREN_BASE_BYTES // MIB + 4
    good = json.dumps([CHAT]).encode()
    data = zipped({"0.json": good} | {f"{n}.json": noise for n in range(1, num_files)} | {"z.json": good})
    found = read(data)
    assert isinstance(found[0], FoundChat)
    assert [each for each in found[1:] if isinstance(each, FoundChat)] == []
    assert found[-1] == Problem(because("zip_barren", num_mib=(BARREN_BASE_BYTES + 16 * len(data)) // MIB), "")
    assert len(found) <= num_files


def test_chats_make_good_what_they_take() -> None:
    allowance = Allowance(0, max_bytes=10**9, cpu_s=1)
    for _ in range(10):
        allowance.unpack(BARREN_BASE_BYTES)
        allowance.found_chat(BARREN_BASE_BYTES // 3 + 1)
    allowance.unpack(BARREN_BASE_BYTES)
    with pytest.raises(Exhausted):
        allowance.unpack(1)


def test_many_small_entries_are_as_dear_as_they_are_slow() -> None:
    noise = b"[" + b"{}," * 349_000 + b"{}]"  # a MiB, in a ZIP a kilobyte
    *_, last = read(zipped({f"{n}.json": noise for n in range(4)}))
    assert isinstance(last, Problem)
    assert last.reason.code == "zip_barren"


def test_what_was_not_packed_may_hold_entries_of_any_kind() -> None:
    least = len(b"1,")
    assert BARREN_RATIO * least >= ENTRY_BYTES
