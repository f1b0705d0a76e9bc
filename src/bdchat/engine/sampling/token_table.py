"""A model's vocabulary as llguidance wants it. Made once per model, half a second of one thread: any thread."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from llguidance import LLTokenizer, TokenizerWrapper

_MAX_TOKEN_BYTES = 32
_SPECIAL = b"\xff"  # before a token's text: it is written in a grammar by its name or number, never as text


class TokenSource(Protocol):
    """text/tokenizer.py's Tokenizer is one. Called from any thread."""

    n_vocab: int

    def token_bytes(self, token_id: int) -> bytes: ...

    def control_text(self, token_id: int) -> str: ...

    def is_end_of_generation(self, token_id: int) -> bool: ...

    def encode_inside(self, text: str) -> list[int]:
        """As the model's tokenizer writes text in the middle of an answer."""


class TokenTable:
    """What each token writes, and which ones end an answer: those never stand within a text, whatever their own is."""

    def __init__(self, tokens: Sequence[bytes], end_ids: Sequence[int], source: TokenSource | None = None) -> None:
        self.tokens = tokens
        self.end_ids = tuple(end_ids)
        self._source = source

    @classmethod
    def of(cls, source: TokenSource, *, end_token_ids: Iterable[int] = ()) -> "TokenTable":
        """`end_token_ids`: those that end a chat's answer, beside the tokenizer's own."""
        ends = {token_id for token_id in range(source.n_vocab) if source.is_end_of_generation(token_id)}
        ends.update(end_token_ids)
        tokens = [_written(source, token_id, is_end=token_id in ends) for token_id in range(source.n_vocab)]
        if not ends:  # llguidance needs one; ours lies behind the vocabulary, where no mask is read
            ends.add(len(tokens))
            tokens.append(_SPECIAL + b"<end>")
        return cls(tokens, sorted(ends), source)

    def text_bytes(self, token_id: int) -> bytes:
        """What it writes into an answer's text; b"" for control tokens."""
        written = self.tokens[token_id]
        return b"" if written.startswith(_SPECIAL) else written

    def make_tokenizer(self) -> LLTokenizer:
        wrapper = TokenizerWrapper(_Encoder(self.tokens, self.end_ids, self._source))
        return LLTokenizer(wrapper, n_vocab=len(self.tokens), eos_token=list(self.end_ids))


class _Encoder:
    """The attributes are what TokenizerWrapper reads."""

    bos_token_id = None

    def __init__(self, tokens: Sequence[bytes], end_ids: Sequence[int], source: TokenSource | None) -> None:
        self.tokens = list(tokens)
        self.eos_token_id = end_ids[0]
        self.special_token_ids = [i for i, written in enumerate(tokens) if written.startswith(_SPECIAL)]
        self._source = source
        self._ids: dict[bytes, int] = {}  # for those who have the table only

    def __call__(self, text: str) -> list[int]:
        if isinstance(text, bytes):
            raise TypeError("text is wanted")  # TokenizerWrapper tries both
        return self._source.encode_inside(text) if self._source is not None else self._longest_first(text.encode())

    def _longest_first(self, text: bytes) -> list[int]:
        if not self._ids:
            self._ids = {written: token_id for token_id, written in enumerate(self.tokens)}
        found: list[int] = []
        place = 0
        while place < len(text):
            lengths = range(min(len(text) - place, _MAX_TOKEN_BYTES), 0, -1)
            piece = next((text[place : place + n] for n in lengths if text[place : place + n] in self._ids), None)
            if piece is None:
                break
            found.append(self._ids[piece])
            place += len(piece)
        return found


def _written(source: TokenSource, token_id: int, *, is_end: bool) -> bytes:
    written = source.token_bytes(token_id)
    if written and not is_end and not written.startswith(_SPECIAL):
        return written
    name = source.control_text(token_id) or (f"<end {token_id}>" if is_end else "")
    return _SPECIAL + name.encode() if name else b""
