"""Bytes of any kind become JSON, wherever the chunks end."""

import json
import random

import pytest

from bdchat.store.transfer.mending import MAX_NUMBER_BYTES, mended


class Pieces:
    """Gives what it has in pieces of a few bytes, as no file does."""

    def __init__(self, data: bytes, rng: random.Random) -> None:
        self._data = data
        self._rng = rng

    def read(self, num_bytes: int, /) -> bytes:
        cut = self._rng.choice([1, 2, 7, 40, 5000])
        piece, self._data = self._data[:cut], self._data[cut:]
        return piece


def mend(data: bytes, seed: int = 0) -> bytes:
    chunks = list(mended(Pieces(data, random.Random(seed))))
    assert all(chunks)  # an empty one would be the end
    return b"".join(chunks)


@pytest.mark.parametrize("seed", range(200))
def test_what_is_json_stays_as_it_is(seed: int) -> None:
    rng = random.Random(seed)
    letters = ["a", "\\", '"', "\n", "한", "🙂", "\ud7ff", "\\ud83d", "u", "0", "9" * 30, "NaN", "-Infinity", "1e", "é"]

    def value(depth: int) -> object:
        kind = rng.randrange(6 if depth < 4 else 4)
        if kind == 4:
            return [value(depth + 1) for _ in range(rng.randrange(5))]
        if kind == 5:
            return {"".join(rng.choices(letters, k=2)): value(depth + 1) for _ in range(rng.randrange(5))}
        text = "".join(rng.choices(letters, k=rng.choice([0, 3, 50])))
        return [text, rng.choice([None, True, False]), rng.randrange(-(10**40), 10**40), rng.uniform(-9, 9)][kind]

    for ascii_only in (True, False):
        data = json.dumps([value(0) for _ in range(8)], ensure_ascii=ascii_only).encode()
        assert mend(data, seed) == data


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'[1,%s,"%s"]' % (b"9" * 10**5, b"9" * 3000), b'[1,null,"%s"]' % (b"9" * 3000)),
        (b"[-%s.5]" % (b"9" * 5000), b"[null]"),
        (b"[0.%s]" % (b"1" * MAX_NUMBER_BYTES), b"[null]"),
        (b"[0.%s]" % (b"1" * (MAX_NUMBER_BYTES - 2)), b"[0.%s]" % (b"1" * (MAX_NUMBER_BYTES - 2))),
        (b'{"a":1e-%s}' % (b"9" * 20), b'{"a":null}'),
        (b'{"1e%s":1E+999999}' % (b"9" * 20), b'{"1e%s":1E+999999}' % (b"9" * 20)),
        (b'[NaN,-Infinity ,"\\"NaN",Infinity]', b'[null,null ,"\\"NaN",null]'),
        (b'["' + b"\\ud83d\\ude42" * 3000 + b'"]', b'["' + b"\\ud83d\\ude42" * 3000 + b'"]'),
        (b'["\\\\\\ud83d \\\\ud83d \\ude42"]', b'["\\\\\\ufffd \\\\ud83d \\ufffd"]'),
    ],
)
def test_numbers_that_nobody_holds_and_half_pairs_are_mended_across_any_chunks(
    data: bytes, expected: bytes, seed: int
) -> None:
    assert mend(data, seed) == expected


@pytest.mark.parametrize("data", [b"\\", b'"\\', b"-", b"[1,", b'"', b"9" * 5000, b'["\\ud83d', b"\\\\\\", b"\xff\xf0"])
def test_what_is_cut_off_anywhere_ends(data: bytes) -> None:
    assert len(mend(data)) <= max(2000, 3 * len(data))
