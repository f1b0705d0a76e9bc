import codecs
import random

import pytest

from bdchat.engine.text.detokenizer import Detokenizer

TEXTS = (
    "Hello, world. The end.",
    "안녕하세요, 세계! 오늘은 날씨가 좋네요.",
    "가족 👨‍👩‍👧‍👦 이모지 🏳️‍🌈 그리고 e\u0301 결합 문자",
    "<stop> near <sto <stop",
    "aaaaabaaaabaaab",
    "\x00\ufeff 한\u1112\u1161\u11ab 𝔘𝔫𝔦",
)


def run(pieces: list[bytes], stops: tuple[str, ...] = (), num_chars_sent: int = 0) -> tuple[str, str | None]:
    detokenizer = Detokenizer(stops, num_chars_sent=num_chars_sent)
    text = ""
    for piece in pieces:
        chunk = detokenizer.push(piece)
        text += chunk.text
        if chunk.stop is not None:
            return text + detokenizer.finish(), chunk.stop
    return text + detokenizer.finish(), None


def naive(data: bytes, stops: tuple[str, ...]) -> tuple[str, str | None]:
    """Decodes everything first, then reads character by character."""
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(data)
    for end in range(1, len(text) + 1):
        matched = [stop for stop in stops if text[:end].endswith(stop)]
        if matched:
            longest = max(matched, key=len)
            return text[: end - len(longest)], longest
    return text, None


def cut(data: bytes, rng: random.Random) -> list[bytes]:
    at = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(len(data) + 1)))
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]


@pytest.mark.parametrize("text", TEXTS)
def test_any_cut_of_the_bytes_gives_the_same_text(text: str) -> None:
    data = text.encode()
    for at in range(len(data) + 1):
        assert run([data[:at], data[at:]]) == (text, None)
    assert run([bytes([b]) for b in data]) == (text, None)


@pytest.mark.parametrize("seed", range(300))
def test_agrees_with_the_naive_model(seed: int) -> None:
    rng = random.Random(seed)
    data = rng.choice(TEXTS).encode() + rng.choice(TEXTS).encode()
    if seed % 3 == 0:
        data = bytes(rng.choice(data + b"\xff\xe2\x80") for _ in range(80))
    text = data.decode("utf-8", "replace")
    stops = []
    for _ in range(rng.randrange(5)):
        start = rng.randrange(len(text))
        stops.append(text[start : start + rng.randrange(1, 6)])
    stops.append(rng.choice(("aab", "<stop>", "없는 말", "\ufffd\ufffd")))
    expected = naive(data, tuple(stops))
    for _ in range(5):
        assert run(cut(data, rng), tuple(stops)) == expected


@pytest.mark.parametrize("seed", range(100))
def test_replaying_tokens_emits_only_what_was_not_sent(seed: int) -> None:
    rng = random.Random(seed)
    pieces = cut(rng.choice(TEXTS).encode() * 2, rng)
    stops = rng.choice(((), ("좋네요.",), ("aab",), ("<stop>", "없다")))
    detokenizer = Detokenizer(stops)
    sent = ""
    for piece in pieces[: rng.randrange(len(pieces) + 1)]:
        chunk = detokenizer.push(piece)
        sent += chunk.text
        if chunk.stop is not None:
            break
    assert len(sent) == detokenizer.num_chars_emitted
    rest, stop = run(pieces, stops, num_chars_sent=len(sent))
    assert (sent + rest, stop) == run(pieces, stops)


def test_a_character_cut_by_the_end_is_dropped_not_replaced() -> None:
    assert run(["안녕".encode()[:-1]]) == ("안", None)
    assert run([b"x", "👍".encode()[:3]]) == ("x", None)


def test_certainly_invalid_bytes_become_replacement_characters() -> None:
    assert run([b"a\xff", b"b", b"\xe2", b"("]) == ("a\ufffdb\ufffd(", None)


def test_half_matches_are_released_at_the_end() -> None:
    detokenizer = Detokenizer(["</answer>"])
    assert detokenizer.push(b"42</answ").text == "42"
    assert detokenizer.num_chars_held == 6
    assert detokenizer.finish() == "</answ"


def test_half_matches_are_released_as_soon_as_they_fail() -> None:
    detokenizer = Detokenizer(["END OF"])
    assert detokenizer.push(b"the END").text == "the "
    assert detokenizer.push(b" is").text == "END is"


def test_the_first_completed_stop_string_wins() -> None:
    """Whatever the tokens: "abc" arriving at once must end like a, b, c."""
    assert run([b"xabc"], ("abc", "b")) == ("xa", "b")
    assert run([b"x", b"a", b"b", b"c"], ("abc", "b")) == ("xa", "b")
    assert run([b"xabc"], ("c", "abc")) == ("x", "abc")


def test_nothing_after_a_stop_string_leaves() -> None:
    assert run([b"one\nUser", b": two"], ("\nUser:",)) == ("one", "\nUser:")


def test_work_per_push_is_bounded_by_the_stop_strings() -> None:
    """16 stops of 256 equal characters, the worst overlap: the held text never exceeds the longest stop."""
    stops = tuple("a" * 255 + chr(ord("b") + i) for i in range(16))
    detokenizer = Detokenizer(stops)
    for _ in range(2000):
        detokenizer.push(b"a")
        assert detokenizer.num_chars_held <= 255
    assert detokenizer.num_chars_emitted == 2000 - 255


def test_only_the_first_space_is_dropped_for_sentencepiece() -> None:
    detokenizer = Detokenizer(drop_leading_space=True)
    assert [detokenizer.push(piece).text for piece in (b"", b" ", b" two", b" words")] == ["", "", " two", " words"]
    assert Detokenizer(drop_leading_space=True).push(b"plain").text == "plain"
