"""Text ↔ token ids, as the engine process sees it. llama/tokenizer.py fulfils it; tests have ByteTokenizer."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Segment(NamedTuple):
    """A piece of a prompt. Only a template's own pieces are `trusted`: their control-token texts become control
    tokens. In untrusted pieces (all user-supplied text) they stay plain text."""

    text: str
    trusted: bool


class FimTokens(NamedTuple):
    """How a model writes what stands around a gap (fill in the middle)."""

    prefix: int
    suffix: int
    middle: int | None  # None: the answer goes on from the prefix itself
    file: int | None  # stands before the name of another file
    is_suffix_first: bool = False


class Tokenizer(Protocol):
    n_vocab: int
    bos_id: int | None
    adds_bos: bool  # the model wants prompts to begin with BOS
    adds_space_prefix: bool  # SentencePiece: the first word of a text is written with a space
    fim: FimTokens | None  # None: the model has no such tokens

    def encode(self, segments: Sequence[Segment], *, add_bos: bool | None = None) -> list[int]:
        """Joined segments to ids. add_bos None = as the model says, unless the text begins with BOS already
        (no double BOS)."""

    def encode_inside(self, text: str) -> list[int]:
        """Untrusted text that stands in the middle of a line: without SentencePiece's space, without BOS."""

    def token_bytes(self, token_id: int) -> bytes:
        """b"" for control tokens."""

    def longest_token_bytes(self) -> int:
        """How much text one token can be at most. May take half a second, once."""

    def is_end_of_generation(self, token_id: int) -> bool: ...

    def control_texts(self) -> Sequence[str]:
        """The texts that make control tokens in trusted pieces: what chat_template keeps users from writing."""

    def generable_texts(self) -> Sequence[str]:
        """Those of control_texts that are visible text when the model writes them (user-defined tokens)."""

    def control_text(self, token_id: int) -> str:
        """A control token as templates write it; "" for other tokens."""
