"""Token logprobs in OpenAI's two shapes. Pure.

A token that is not whole UTF-8 is written as escaped bytes, as OpenAI does: two halves of a character must not look
alike. A control token is written as templates write it; the one that ends an answer is listed, and is in no text. No
logprob is ever infinite or NaN on the wire: JSON has neither.
"""

import codecs
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from bdchat.engine.request import TokenLogprob, TopLogprob

FLOOR = -9999.0  # OpenAI's own stand-in for "impossible"


class ChatTopLogprob(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    bytes: list[int]


class ChatLogprob(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[ChatTopLogprob]


def finite(logprob: float | None) -> float:
    if logprob is None or not math.isfinite(logprob):
        return FLOOR
    return max(FLOOR, logprob)


def written_bytes(token: TokenLogprob | TopLogprob) -> bytes:
    return token.token_bytes or token.control_text.encode()


def token_text(token: TokenLogprob | TopLogprob, *, prefix: str = "") -> str:
    written = written_bytes(token)
    try:
        return written.decode() or token_name(token)
    except UnicodeDecodeError:
        return prefix + "".join(f"\\x{byte:02x}" for byte in written)


def token_name(token: TokenLogprob | TopLogprob) -> str:
    """For one that has no text, or none of its own."""
    return f"token_id:{token.token_id}"


def chat_logprobs(tokens: Iterable[TokenLogprob]) -> list[ChatLogprob]:
    return [
        ChatLogprob(
            token=token_text(token),
            logprob=finite(token.logprob),
            bytes=list(written_bytes(token)),
            top_logprobs=[
                ChatTopLogprob(token_text(top), finite(top.logprob), list(written_bytes(top))) for top in token.top
            ],
        )
        for token in tokens
    ]


class LegacyLogprobs:
    """tokens, token_logprobs, top_logprobs, text_offset of one choice, over one or several calls (a stream's chunks).

    `text_offset` counts characters from the beginning of the prompt, with echo or without: where the token begins in
    prompt and answer. Control tokens in an answer have no place of their own there."""

    def __init__(self, prompt_text: str) -> None:
        self._prompt_text = prompt_text
        self._offset = len(prompt_text)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take_prompt(self, tokens: Sequence[TokenLogprob]) -> dict[str, list[Any]]:
        """What the prompt's text leaves out stands at its beginning: a BOS that was added, SentencePiece's space."""
        pieces = [written_bytes(token) for token in tokens]
        num_left_out = len(b"".join(pieces).decode(errors="replace")) - len(self._prompt_text)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        ends = itertools.accumulate((len(decoder.decode(piece)) for piece in pieces), initial=-num_left_out)
        return _shape(tokens, [max(0, end) for end, _ in zip(ends, pieces, strict=False)])

    def take(self, tokens: Sequence[TokenLogprob]) -> dict[str, list[Any]]:
        offsets: list[int] = []
        for token in tokens:
            offsets.append(self._offset)
            self._offset += len(self._decoder.decode(token.token_bytes))
        return _shape(tokens, offsets)


def _shape(tokens: Sequence[TokenLogprob], offsets: list[int]) -> dict[str, list[Any]]:
    return {
        "tokens": [token_text(token, prefix="bytes:") for token in tokens],
        "token_logprobs": [None if token.logprob is None else finite(token.logprob) for token in tokens],
        "top_logprobs": [_top(token) for token in tokens],
        "text_offset": offsets,
    }


def _top(token: TokenLogprob) -> dict[str, float] | None:
    """The likeliest tokens and the token itself, which alone bears its text: another that is spelled alike goes by its
    id."""
    if token.logprob is None:
        return None
    own = token_text(token, prefix="bytes:")
    top: dict[str, float] = {}
    for candidate in token.top:
        text = own if candidate.token_id == token.token_id else token_text(candidate, prefix="bytes:")
        is_taken = text in top or (text == own and candidate.token_id != token.token_id)
        top[token_name(candidate) if is_taken else text] = finite(candidate.logprob)
    top.setdefault(own, finite(token.logprob))
    return top
