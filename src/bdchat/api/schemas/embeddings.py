"""POST /v1/embeddings and /v1/rerank: requests and answers.

Deliberate divergences from OpenAI:
1. `model` may be absent: a model that is made for vectors answers, else the default one.
2. `dimensions` is refused where a model's vectors may not be shortened; never ignored.
3. `input_type` ("query" or "document", as other vendors have it) is honoured by models that know two sides of a search,
   and refused by others.
4. Each text may have as many tokens as the model reads; there is no bound for all texts together but the body's.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, ValidationInfo

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Wire, invalid
from bdchat.api.schemas.sampling import Whole, limits_of, whole
from bdchat.engine.request import EmbeddingRequest

MAX_TOKEN_ID = 2**31 - 1
QUERY_TYPES = frozenset({"query", "search_query"})
DOCUMENT_TYPES = frozenset({"document", "passage", "search_document"})
Texts = tuple[str | tuple[int, ...], ...]


def _texts(value: object, info: ValidationInfo) -> Texts:
    """Text, tokens, or a list of either."""
    if isinstance(value, str):
        return (_text(value, ""),)
    if not isinstance(value, list) or not value:
        raise invalid("must be a string, a list of strings, a list of token ids, or a list of such lists.")
    if not isinstance(value[0], str | list):
        return (_tokens(value, ""),)
    _bounded(value, info)
    read = _text if isinstance(value[0], str) else _tokens
    return tuple(read(item, f"[{index}]") for index, item in enumerate(value))


def _bounded(value: Sequence[object], info: ValidationInfo) -> None:
    most = limits_of(info).num_texts
    if len(value) > most:
        raise invalid(f"holds {len(value)} texts; at most {most} are allowed.")


def _text(value: object, at: str) -> str:
    if not isinstance(value, str):
        raise invalid("must be a string, like the others.", at=at)
    if not value:
        raise invalid("must not be empty.", at=at)
    return value


def _tokens(value: object, at: str) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise invalid("must be a list of token ids, like the others.", at=at)
    if not value:
        raise invalid("must not be empty.", at=at)
    tokens = tuple(whole(token) for token in value)
    for index, token in enumerate(tokens):
        if type(token) is not int or not 0 <= token <= MAX_TOKEN_ID:
            raise invalid("must be a token id.", at=f"{at}[{index}]")
    return tokens


def _documents(value: object, info: ValidationInfo) -> tuple[str, ...]:
    """Texts, or Jina's and Cohere's objects with a text."""
    if not isinstance(value, list) or not value:
        raise invalid("must be a list of at least one text.")
    _bounded(value, info)
    texts = [item.get("text") if isinstance(item, dict) else item for item in value]
    return tuple(_text(text, f"[{index}]") for index, text in enumerate(texts))


def _side(value: object) -> bool | None:
    """Whether the texts are what somebody searches with."""
    if value is None:
        return None
    if value in QUERY_TYPES or value in DOCUMENT_TYPES:
        return value in QUERY_TYPES
    raise invalid(f"must be one of {', '.join(sorted(QUERY_TYPES | DOCUMENT_TYPES))}.")


class EmbeddingsRequest(Wire):
    model: str | None = None
    input: Annotated[Any, AfterValidator(_texts)]  # Texts once validated
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1), Whole] | None = None
    input_type: Annotated[Any, BeforeValidator(_side)] = None  # bool | None once validated
    user: Any = None

    def to_embedding_request(self, request_id: str, *, is_list: bool) -> EmbeddingRequest:
        """`is_list`: the caller's input was one, also of one text."""
        return EmbeddingRequest(
            request_id=request_id,
            texts=self.input,
            is_list=is_list,
            is_query=self.input_type,
            user=self.user[:128] if isinstance(self.user, str) else "",
        )


class RerankRequest(Wire):
    model: str | None = None
    query: Annotated[str, Field(min_length=1)]
    documents: Annotated[Any, AfterValidator(_documents)]  # tuple[str, ...] once validated
    top_n: Annotated[int, Field(ge=1), Whole] | None = None
    return_documents: StrictBool | None = None
    user: Any = None

    def to_embedding_request(self, request_id: str) -> EmbeddingRequest:
        return EmbeddingRequest(
            request_id=request_id,
            texts=self.documents,
            field="documents",
            query=self.query,
            user=self.user[:128] if isinstance(self.user, str) else "",
        )


class EmbeddingUsage(View):
    prompt_tokens: int
    total_tokens: int


class Embedding(View):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str  # base64 of float32, little-endian


class EmbeddingList(View):
    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class RankedDocument(View):
    text: str


class Rank(View):
    index: int  # of the document in the request
    relevance_score: float  # as the model gives it; the highest one comes first
    document: RankedDocument | None = None


class RankList(View):
    object: Literal["list"] = "list"
    model: str
    results: list[Rank]
    usage: EmbeddingUsage
