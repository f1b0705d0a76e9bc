"""/api/show and /api/pull: the requests; and what is told of models, for the OpenAPI document."""

from typing import Annotated, Any, Self

from pydantic import Field, StrictBool, model_validator

from bdchat.api.http.parsing import Wire, invalid
from bdchat.api.schemas.answers import Answer

ModelName = Annotated[str, Field(max_length=512)]


class NamedModel(Wire):
    """`name` is what older clients say."""

    model: ModelName | None = None
    name: ModelName | None = None

    @model_validator(mode="after")
    def _one_is_named(self) -> Self:
        if not (self.model or self.name):
            raise invalid("this field is required.", at="model")
        return self

    @property
    def named(self) -> str:
        return self.model or self.name or ""


class OllamaShowRequest(NamedModel):
    verbose: StrictBool | None = None


class OllamaPullRequest(NamedModel):
    stream: StrictBool | None = None
    insecure: StrictBool | None = None


class OllamaModels(Answer):
    models: list[dict[str, Any]]


class OllamaShown(Answer):
    modelfile: str
    parameters: str
    template: str
    details: dict[str, Any]
    model_info: dict[str, Any]
    capabilities: list[str]
    modified_at: str


class OllamaVersion(Answer):
    version: str
    bdchat: str


class OllamaAnswer(Answer):
    """Of /api/chat (message) and /api/generate (response); a line of a stream has a part of it."""

    model: str
    created_at: str
    done: bool
    done_reason: str = ""
    total_duration: int = 0  # nanoseconds, as all durations
    prompt_eval_count: int = 0
    eval_count: int = 0


class OllamaVectors(Answer):
    model: str
    embeddings: list[list[float]]
    total_duration: int
    load_duration: int
    prompt_eval_count: int


class OllamaVector(Answer):
    embedding: list[float]


class OllamaProgress(Answer):
    status: str
    digest: str = ""
    total: int = 0
    completed: int = 0
