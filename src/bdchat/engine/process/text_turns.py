"""Texts that become vectors, tokenised in turns: a request of a thousand does not hold up one of a single text.

Called on the inbox's thread for texts. Knows requests and what a source makes of a text, never cells.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from bdchat.engine.model_runner import EmbeddingText
from bdchat.engine.request import EmbeddingRequest

TURN_CHARS = 65_536  # before others have their turn


class EmbeddingSource(Protocol):
    """Texts that become vectors → what an embedder reads."""

    def text_of(
        self, text: str | Sequence[int], *, field: str, query: str | None = None, is_query: bool | None = None
    ) -> EmbeddingText:
        """Raises InvalidRequest, ContextLengthExceeded."""


class EmbeddingArrival(NamedTuple):
    """Texts that are ready to become vectors."""

    request: EmbeddingRequest
    texts: list[EmbeddingText]


class TokenisingTexts:
    """One request's, so far."""

    def __init__(self, request: EmbeddingRequest) -> None:
        self.request = request
        self._texts: list[EmbeddingText] = []

    def go_on(self, source: EmbeddingSource) -> EmbeddingArrival | None:
        """One turn. None: there is more. Raises InvalidRequest, ContextLengthExceeded."""
        request, num_read = self.request, 0
        while len(self._texts) < len(request.texts) and num_read < TURN_CHARS:
            text = request.texts[len(self._texts)]
            num_read += len(text) + 1
            field = f"{request.field}[{len(self._texts)}]" if request.is_list else request.field
            self._texts.append(source.text_of(text, field=field, query=request.query, is_query=request.is_query))
        is_done = len(self._texts) == len(request.texts)
        return EmbeddingArrival(request, self._texts) if is_done else None
