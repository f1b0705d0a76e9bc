"""A text that is to become a vector → token ids: with the tokens around it that the model was trained with. Any thread.

A text is untrusted throughout: nothing in it becomes a control token.
"""

from collections.abc import Sequence

from bdchat.engine.errors import ContextLengthExceeded, InvalidRequest
from bdchat.engine.model_runner import EmbeddingText
from bdchat.engine.text.tokenizer import Segment, Tokenizer

QUERY, DOCUMENT = "{query}", "{document}"  # in a reranker's own template
_SAMPLE_CHARS = 16_384


class EmbeddingTexts:
    """`around`: what the model's vocabulary puts before and behind a text. `between`: and between a query and a
    document. `rank_template`: how a reranker that has one is asked."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        n_ctx: int,
        *,
        around: tuple[Sequence[int], Sequence[int]],
        between: Sequence[int] = (),
        rank_template: str | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._n_ctx = n_ctx
        self._before, self._behind = around
        self._between = between
        self._rank_template = rank_template

    def text_of(
        self, text: str | Sequence[int], *, field: str, query: str | None = None, is_query: bool | None = None
    ) -> EmbeddingText:
        """`field` names it in a refusal. Raises InvalidRequest, ContextLengthExceeded."""
        if is_query is not None:
            raise InvalidRequest("input_type", "this model knows no sides of a search: write its prefix into the text")
        if not isinstance(text, str):
            tokens = self._checked(text, field)
        elif query is None:
            tokens = [*self._before, *self._encode(text, field), *self._behind]
        else:
            tokens = self._pair(query, text, field)
        if not tokens:
            raise InvalidRequest(field, "has no tokens")
        if len(tokens) > self._n_ctx:
            raise ContextLengthExceeded(len(tokens), self._n_ctx, field)
        return EmbeddingText(tokens, len(tokens))

    def _pair(self, query: str, document: str, field: str) -> list[int]:
        if self._rank_template is None:
            pair = self._encode(query, "query"), self._encode(document, field)
            return [*self._before, *pair[0], *self._between, *pair[1], *self._behind]
        tokens: list[int] = []
        for piece in _pieces(self._rank_template):
            if piece in {QUERY, DOCUMENT}:
                tokens += self._encode(query if piece == QUERY else document, "query" if piece == QUERY else field)
            else:
                tokens += self._tokenizer.encode([Segment(piece, trusted=True)], add_bos=False)
        return tokens

    def _encode(self, text: str, field: str) -> list[int]:
        """Text that no tokenizer could make fit is refused before it is tokenised: megabytes take seconds."""
        if len(text) > self._n_ctx * 16 and len(text) > self._n_ctx * self._tokenizer.longest_token_bytes():
            sample = self._tokens(text[:_SAMPLE_CHARS], field)
            estimate = max(self._n_ctx + 1, len(sample) * len(text) // _SAMPLE_CHARS)
            raise ContextLengthExceeded(estimate, self._n_ctx, field)
        return self._tokens(text, field)

    def _tokens(self, text: str, field: str) -> list[int]:
        try:
            return self._tokenizer.encode([Segment(text, trusted=False)], add_bos=False) if text else []
        except InvalidRequest as error:
            raise InvalidRequest(field, error.reason) from None

    def _checked(self, tokens: Sequence[int], field: str) -> list[int]:
        if len(tokens) > self._n_ctx:
            raise ContextLengthExceeded(len(tokens), self._n_ctx, field)
        n_vocab = self._tokenizer.n_vocab
        for position, token in enumerate(tokens):
            if not 0 <= token < n_vocab:
                raise InvalidRequest(f"{field}[{position}]", f"{token} is no token id: they are 0 … {n_vocab - 1}")
        return list(tokens)


def _pieces(template: str) -> list[str]:
    pieces: list[str] = []
    for index, part in enumerate(template.split(QUERY)):
        pieces += [QUERY] if index else []
        for number, text in enumerate(part.split(DOCUMENT)):
            pieces += [DOCUMENT] if number else []
            pieces += [text] if text else []
    return pieces
