"""Token logprobs in OpenAI's two shapes. Pure.

A token that is not whole UTF-8 is written as escaped bytes, as OpenAI does: two halves of a character must not look
alike. No logprob is ever infinite or NaN on the wire: JSON has neither.
"""

import codecs
import math
from collections.abc import Iterable
from typing import Any

import msgspec

from bdchat.engine.request import TokenLogprob

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


def token_text(token_bytes: bytes, *, prefix: str = "") -> str:
    try:
        return token_bytes.decode()
    except UnicodeDecodeError:
        return prefix + "".join(f"\\x{byte:02x}" for byte in token_bytes)


def chat_logprobs(tokens: Iterable[TokenLogprob]) -> list[ChatLogprob]:
    return [
        ChatLogprob(
            token=token_text(token.token_bytes),
            logprob=finite(token.logprob),
            bytes=list(token.token_bytes),
            top_logprobs=[
                ChatTopLogprob(token_text(top.token_bytes), finite(top.logprob), list(top.token_bytes))
                for top in token.top
            ],
        )
        for token in tokens
    ]


class LegacyLogprobs:
    """tokens, token_logprobs, top_logprobs, text_offset, over one or several calls (a stream's chunks).

    `text_offset` counts characters from the start of the prompt when its text is known."""

    def __init__(self, offset: int, num_top: int) -> None:
        self._offset = offset
        self._num_top = num_top
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, tokens: Iterable[TokenLogprob]) -> dict[str, Any]:
        shape: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
        for token in tokens:
            shape["tokens"].append(token_text(token.token_bytes, prefix="bytes:"))
            shape["token_logprobs"].append(None if token.logprob is None else finite(token.logprob))
            shape["top_logprobs"].append(self._top(token))
            shape["text_offset"].append(self._offset)
            self._offset += len(self._decoder.decode(token.token_bytes))
        return dict(shape)

    def _top(self, token: TokenLogprob) -> dict[str, float] | None:
        if token.logprob is None or not self._num_top:
            return None
        top: dict[str, float] = {}
        for candidate in token.top:  # most likely first: of two spelled alike the likelier stays
            top.setdefault(token_text(candidate.token_bytes, prefix="bytes:"), finite(candidate.logprob))
        return top
