"""The table of a normaliser, read as llama.cpp reads it."""

import struct
import unicodedata

import pytest

from bdchat.engine.models.making.charsmap import precompiled


def replaced(table: bytes, text: bytes) -> tuple[str, int] | None:
    """What stands for the longest known beginning of `text`, and how many bytes it has: normalize_prefix in
    llama-vocab.cpp, which throws where a unit lies beyond the end, as this does."""
    (size,) = struct.unpack_from("<I", table)
    units = struct.unpack_from(f"<{size // 4}I", table, 4)
    found, place = None, _base(units[0])
    for count, byte in enumerate(text, 1):
        place ^= byte
        unit = units[place]
        if unit & (1 << 31 | 0xFF) != byte:
            break
        place ^= _base(unit)
        if unit >> 8 & 1:
            begin = 4 + size + (units[place] & ~(1 << 31))
            found = table[begin : table.index(b"\0", begin)].decode(), count
    return found


def _base(unit: int) -> int:
    return (unit >> 10) << ((unit & 1 << 9) >> 6)


def test_every_character_is_replaced_by_its_own_and_no_other() -> None:
    wanted = {
        chr(code): unicodedata.normalize("NFKC", chr(code))
        for code in range(1, 0x30000)
        if not 0xD800 <= code < 0xE000 and unicodedata.normalize("NFKC", chr(code)) != chr(code)
    }
    table = precompiled(wanted)
    for code in range(1, 0x30000, 7):
        if 0xD800 <= code < 0xE000:
            continue
        character = chr(code)
        found = replaced(table, character.encode() + b"z")
        assert found == ((wanted[character], len(character.encode())) if character in wanted else None)
    assert all(replaced(table, source.encode()) == (target, len(source.encode())) for source, target in wanted.items())


def test_the_longest_sequence_counts_and_a_character_may_become_nothing() -> None:
    table = precompiled({"e": "E", "e\u0301": "é", "\x01": ""})
    assert replaced(table, "e\u0301".encode()) == ("é", 3)
    assert replaced(table, b"ex") == ("E", 1)
    assert replaced(table, b"\x01") == ("", 1)
    assert replaced(table, b"x") is None


@pytest.mark.parametrize("pair", [("", "a"), ("a\0", "a"), ("a", "\0")])
def test_what_ends_a_text_in_c_is_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot be replaced"):
        precompiled(dict([pair]))
