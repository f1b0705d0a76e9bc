"""Logprobs on the wire: finite, and never two tokens with one spelling."""

import math

import pytest

from bdchat.api.openai.logprobs import LegacyLogprobs, chat_logprobs, finite, token_text
from bdchat.engine.request import TokenLogprob, TopLogprob


@pytest.mark.parametrize("value", [-math.inf, math.nan, None, -1e9])
def test_what_json_cannot_say_becomes_the_floor(value: float | None) -> None:
    assert finite(value) == -9999.0


def test_halves_of_a_character_are_told_apart() -> None:
    assert token_text(b"\xec\x95") == "\\xec\\x95"
    assert token_text(b"\xec\x95", prefix="bytes:") != token_text(b"\xec\x96", prefix="bytes:")
    assert token_text("안".encode()) == "안"


def test_chat_entries_keep_order_and_bytes() -> None:
    top = tuple(TopLogprob(token_id=i, token_bytes=bytes([97 + i]), logprob=-float(i)) for i in range(3))
    (entry,) = chat_logprobs([TokenLogprob(token_id=0, token_bytes=b"a", logprob=-0.0, top=top)])
    assert [candidate.token for candidate in entry.top_logprobs] == ["a", "b", "c"]
    assert entry.bytes == [97]


def test_of_two_candidates_spelled_alike_the_likelier_stays() -> None:
    top = (TopLogprob(token_id=1, token_bytes=b"", logprob=-1.0), TopLogprob(token_id=2, token_bytes=b"", logprob=-2.0))
    shape = LegacyLogprobs(0, 2).take([TokenLogprob(token_id=1, token_bytes=b"", logprob=-1.0, top=top)])
    assert shape["top_logprobs"] == [{"": -1.0}]


def test_offsets_count_characters_across_chunks() -> None:
    legacy = LegacyLogprobs(2, 0)
    tokens = [TokenLogprob(token_id=b, token_bytes=bytes([b]), logprob=-1.0) for b in "é!".encode()]
    assert legacy.take(tokens[:1])["text_offset"] == [2]
    assert legacy.take(tokens[1:])["text_offset"] == [2, 3]
