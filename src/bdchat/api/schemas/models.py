"""GET /v1/models and /v1/models/{id}: the answers.

Deliberate divergences from OpenAI:
1. `context_length` (and vLLM's `max_model_len`) say what a request may hold; null while the model is not loaded.
2. `state`: loading, ready, restarting, failed or closed.
"""

import msgspec


class Model(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: str = "model"
    created: int
    owned_by: str
    context_length: int | None
    max_model_len: int | None
    state: str


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    object: str = "list"
    data: list[Model]
