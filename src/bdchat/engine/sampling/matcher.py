"""Holds one answer to its grammar. Engine thread only; knows tokens and bits, no llama.cpp."""

from collections.abc import Sequence

import numpy as np
from llguidance import LLMatcher

from bdchat.engine.model_runner import GrammarFailed, TokenMask

# For each byte of llguidance's bits, what is added to eight logits: one look-up and one sum, however many may follow.
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")  # (256, 8)
_ADDED = np.where(_BITS == 1, np.float32(0), np.float32(-np.inf))  # (256, 8)


class MaskScratch:
    """Working memory of all matchers of one model; nothing in it outlives the next mask."""

    def __init__(self, n_vocab: int, num_tokens: int) -> None:
        """`num_tokens`: of the token table, which may have one more."""
        self._words = np.zeros(-(-num_tokens // 32), np.int32)
        self._bytes = self._words.view(np.uint8)
        self._rows = np.zeros((len(self._bytes), 8), np.float32)
        self._mask = self._rows.reshape(-1)[:n_vocab]
        self._address, self._num_bytes = self._words.ctypes.data, self._words.nbytes

    def mask_of(self, matcher: LLMatcher) -> TokenMask | None:
        """None when no token at all may follow."""
        matcher.unsafe_compute_mask_ptr(self._address, self._num_bytes)
        if not self._words.any():
            return None
        np.take(_ADDED, self._bytes, axis=0, out=self._rows, mode="clip")
        return self._mask


class GrammarMatcher:
    """Fulfils AnswerMatcher."""

    def __init__(self, matcher: LLMatcher, scratch: MaskScratch) -> None:
        self._matcher = matcher
        self._scratch = scratch

    @property
    def is_over(self) -> bool:
        return self._matcher.is_stopped() and not self._matcher.is_error()

    def mask(self) -> TokenMask | None:
        mask = self._scratch.mask_of(self._matcher)
        if mask is None or self._matcher.is_error():
            raise GrammarFailed(first_line(self._matcher.get_error()) or "no token of the model can follow")
        return mask

    def accept(self, token_id: int) -> None:
        if not self._matcher.consume_token(token_id):
            raise GrammarFailed(first_line(self._matcher.get_error()))

    def forced(self) -> list[int]:
        tokens = self._matcher.compute_ff_tokens()
        return tokens[: self._matcher.validate_tokens(tokens)] if tokens else tokens

    def num_allowed(self, tokens: Sequence[int]) -> int:
        return self._matcher.validate_tokens(list(tokens))


def first_line(text: str) -> str:
    """Of what llguidance says, which may go on with the grammar and its state."""
    line = text.strip().partition("\n")[0].removesuffix("<non-verbose/>").strip()
    return line if len(line) <= 200 else f"{line[:199]}…"
