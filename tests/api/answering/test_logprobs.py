"""Logprobs on the wire: finite, and never two tokens with one spelling."""

import math

import pytest

from bdchat.api.answering.logprobs import LegacyLogprobs, chat_logprobs, finite, token_text
from bdchat.engine.request import TokenLogprob, TopLogprob


def scored(
    token_id: int, token_bytes: bytes = b"", top: tuple[TopLogprob, ...] = (), control_text: str = ""
) -> TokenLogprob:
    return TokenLogprob(token_id=token_id, token_bytes=token_bytes, logprob=-1.0, top=top, control_text=control_text)


def candidate(token_id: int, token_bytes: bytes, logprob: float, control_text: str = "") -> TopLogprob:
    return TopLogprob(token_id=token_id, token_bytes=token_bytes, logprob=logprob, control_text=control_text)


@pytest.mark.parametrize("value", [-math.inf, math.nan, None, -1e9])
def test_what_json_cannot_say_becomes_the_floor(value: float | None) -> None:
    assert finite(value) == -9999.0


def test_halves_of_a_character_are_told_apart() -> None:
    assert token_text(scored(1, b"\xec\x95")) == "\\xec\\x95"
    assert token_text(scored(1, b"\xec\x95"), prefix="bytes:") != token_text(scored(2, b"\xec\x96"), prefix="bytes:")
    assert token_text(scored(1, "안".encode())) == "안"


def test_control_tokens_have_their_written_form_and_a_nameless_one_its_id() -> None:
    assert token_text(scored(2, control_text="<|im_end|>")) == "<|im_end|>"
    assert token_text(scored(9)) == "token_id:9"
    top = (candidate(2, b"", -1.0, "<|im_end|>"), candidate(3, b"", -2.0, "<|im_start|>"))
    (entry,) = chat_logprobs([scored(2, top=top, control_text="<|im_end|>")])
    assert (entry.token, bytes(entry.bytes).decode()) == ("<|im_end|>", "<|im_end|>")
    assert [each.token for each in entry.top_logprobs] == ["<|im_end|>", "<|im_start|>"]


def test_chat_entries_keep_order_and_bytes() -> None:
    top = tuple(candidate(i, bytes([97 + i]), -float(i)) for i in range(3))
    (entry,) = chat_logprobs([scored(0, b"a", top)])
    assert [each.token for each in entry.top_logprobs] == ["a", "b", "c"]
    assert entry.bytes == [97]


def test_two_tokens_never_share_a_key_and_the_token_itself_has_its_own() -> None:
    """SentencePiece has "a" as a piece and as a byte."""
    top = (candidate(5, b"a", -0.5), candidate(7, b"b", -0.9), candidate(6, b"a", -1.0), candidate(8, b"b", -2.0))
    shape = LegacyLogprobs("").take([scored(6, b"a", top)])
    assert shape["top_logprobs"] == [{"token_id:5": -0.5, "b": -0.9, "a": -1.0, "token_id:8": -2.0}]


def test_the_token_itself_is_among_its_candidates_when_none_was_asked_for() -> None:
    assert LegacyLogprobs("").take([scored(6, b"a")])["top_logprobs"] == [{"a": -1.0}]


def test_offsets_count_characters_across_chunks() -> None:
    legacy = LegacyLogprobs("ab")
    tokens = [scored(b, bytes([b])) for b in "é!".encode()]
    assert legacy.take(tokens[:1])["text_offset"] == [2]
    assert legacy.take(tokens[1:])["text_offset"] == [2, 3]


def test_control_tokens_have_a_place_in_a_prompt_and_none_in_an_answer() -> None:
    prompt = [scored(1, control_text="<s>"), scored(2, b"a"), scored(1, control_text="<s>"), scored(3, b"b")]
    answer = [scored(4, b"c"), scored(1, control_text="<s>"), scored(5, b"d"), scored(2, control_text="</s>")]
    legacy = LegacyLogprobs("<s>a<s>b")
    assert legacy.take_prompt(prompt)["text_offset"] == [0, 3, 4, 7]
    assert legacy.take(answer)["text_offset"] == [8, 9, 9, 10]


def test_what_the_prompts_text_leaves_out_has_no_width() -> None:
    """A BOS that was added, and SentencePiece's space before the first word."""
    prompt = [scored(1, control_text="<s>"), scored(2, b" hi"), scored(3, b" you")]
    assert LegacyLogprobs("hi you").take_prompt(prompt)["text_offset"] == [0, 0, 2]
    cut = [scored(2, b"a"), scored(3, "안".encode()[:2])]  # a prompt of tokens may end within a character
    legacy = LegacyLogprobs("a\N{REPLACEMENT CHARACTER}")
    assert legacy.take_prompt(cut)["text_offset"] == [0, 1]
    assert legacy.take([scored(4, b"b")])["text_offset"] == [2]
