"""POST /api/embed and /api/embeddings: the requests.

Deliberate divergences from Ollama: an empty text is refused; options and keep_alive change nothing.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool, ValidationInfo

from bdchat.api.http.parsing import Wire, invalid
from bdchat.api.schemas.ollama.generate import texts_of
from bdchat.api.schemas.sampling import Whole, limits_of


def _texts(value: object, info: ValidationInfo) -> tuple[str, ...]:
    texts = texts_of(value)
    if len(texts) > (most := limits_of(info).num_texts):
        raise invalid(f"holds {len(texts)} texts; at most {most} are allowed.")
    for index, text in enumerate(texts):
        if not text:
            raise invalid("must not be empty.", at=f"[{index}]" if isinstance(value, list) else "")
    return tuple(texts)


class OllamaEmbedRequest(Wire):
    model: Annotated[str, Field(min_length=1, max_length=512)]
    input: Annotated[Any, AfterValidator(_texts)]  # tuple[str, ...] once validated
    truncate: StrictBool | None = None
    dimensions: Annotated[int, Field(ge=1), Whole] | None = None


class OllamaEmbeddingsRequest(Wire):
    model: Annotated[str, Field(min_length=1, max_length=512)]
    prompt: Annotated[str, Field(min_length=1)]
