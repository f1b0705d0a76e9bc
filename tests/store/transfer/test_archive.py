"""ZIPs that are not what they say: each byte belongs to one file, and a bad file is not the others' fault."""

import io
import json
import struct
import zipfile
import zlib

import pytest

from bdchat.store.transfer.reading import FoundChat, Problem
from bdchat.store.transfer.reasons import because
from tests.store.transferable import conversation, node, problems, read, zipped

CHAT = json.dumps([conversation(node("u", None, "user", "hi"))]).encode()


def crafted(files: list[tuple[str, bytes, int]], body: bytes) -> bytes:
    """A ZIP whose list names for each file where in `body` it begins, and with what header bytes it is there."""
    listed = b"".join(_listed(name, header, at) for name, header, at in files)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(files), len(files), len(listed), len(body), 0)
    return body + listed + end


def header_of(name: str, packed: bytes, num_bytes: int, crc: int, *, flags: int = 0) -> bytes:
    fields = (b"PK\x03\x04", 20, flags, 8, 0, 0, crc, len(packed), num_bytes, len(name), 0)
    return struct.pack("<4sHHHHHIIIHH", *fields) + name.encode()


def _listed(name: str, header: bytes, at: int) -> bytes:
    same = header[4:30]  # version to length of extra
    return b"PK\x01\x02" + header[4:6] + same + struct.pack("<HHHII", 0, 0, 0, 0, at) + name.encode()


def packed(content: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(content) + deflate.flush()


def test_files_that_lie_on_each_other_are_refused() -> None:
    """The same compressed bytes under 1,000 names, or each file's bytes holding the next's header (Fifield 2019)."""
    kernel = packed(CHAT)
    crc = zlib.crc32(CHAT)
    header = header_of("0.json", kernel, len(CHAT), crc)
    body = header + kernel
    assert isinstance(read(crafted([("0.json", header, 0)], body))[0], FoundChat)  # the craft is right
    same = crafted([("0.json", header, 0)] * 1000, body)
    assert [str(each.reason) for each in problems(same)] == ["Files in the ZIP lie over each other."]

    quote = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF)  # a stored block that holds the second header
    quoting = quote + header + kernel
    first = header_of("a.json", quoting, len(header) + len(CHAT), zlib.crc32(header + CHAT))
    files = [("a.json", first, 0), ("0.json", header, len(first) + len(quote))]
    assert problems(crafted(files, first + quoting)) == [Problem(because("zip_overlaps"), "")]
    assert problems(crafted([("0.json", header, 0)], body[:-3])) == [Problem(because("zip_overlaps"), "")]


@pytest.mark.parametrize(
    ("at", "change"), [(6, b"\x01\x00"), (8, b"\x00\x00"), (18, b"\x07"), (22, b"\x07"), (30, b"x")]
)
def test_a_file_that_says_something_else_of_itself_than_the_list_is_damaged(at: int, change: bytes) -> None:
    data = bytearray(zipped({"a.json": CHAT}))
    data[at : at + len(change)] = change
    assert [each.reason for each in problems(bytes(data))] == [because("zip_damaged")]


def test_sizes_that_come_behind_the_content_are_read() -> None:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

        def seek(self, offset: int, whence: int = 0, /) -> int:
            raise OSError

    target = Unseekable()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", CHAT)
        archive.writestr("b.json", CHAT)
    assert [type(each) for each in read(target.getvalue())] == [FoundChat, FoundChat]


def test_sizes_in_the_form_for_giants_are_read_where_they_are_small() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive, archive.open("a.json", "w", force_zip64=True) as content:
        content.write(CHAT)
    assert isinstance(read(target.getvalue())[0], FoundChat)


def test_a_file_that_is_damaged_encrypted_or_packed_oddly_does_not_take_the_others_with_it() -> None:
    data = bytearray(zipped({"a.json": CHAT, "b.json": CHAT, "c.json": CHAT, "d.json": CHAT}))
    entries = [at for at in range(len(data)) if data[at : at + 4] == b"PK\x01\x02"]
    places = [struct.unpack("<I", data[at + 42 : at + 46])[0] for at in entries]
    data[places[0] + 40] ^= 0xFF  # in what is packed
    data[places[1] + 6] |= 1
    data[entries[1] + 8] |= 1
    data[places[2] + 8] = data[entries[2] + 10] = 14
    found = read(bytes(data))
    assert found[:3] == [
        Problem(because("zip_damaged"), "a.json"),
        Problem(because("zip_encrypted"), "b.json"),
        Problem(because("zip_unknown_packing"), "c.json"),
    ]
    assert isinstance(found[3], FoundChat)


def test_two_files_of_one_name_are_both_read() -> None:
    data = zipped({"a.json": CHAT, "b.json": CHAT}).replace(b"b.json", b"a.json")
    assert [type(each) for each in read(data)] == [FoundChat, FoundChat]


def test_a_zip_in_a_zip_is_not_unpacked() -> None:
    assert problems(zipped({"a.zip": zipped({"a.json": CHAT})})) == [Problem(because("zip_without_json"), "")]
    (problem,) = problems(zipped({"a.json": zipped({"a.json": CHAT})}))
    assert problem.reason.code == "no_json"
