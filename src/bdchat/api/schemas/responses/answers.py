"""/v1/responses' documents, for the OpenAPI document; they are written without these models, as fast as they come.

`bdchat.skipped_tools`: types of tools and items that were left out, for they run at OpenAI.
"""

from typing import Any, Literal

from bdchat.api.http.endpoints import View
from bdchat.api.schemas.answers import Answer


class ResponseUsageView(Answer):
    input_tokens: int
    input_tokens_details: dict[str, Any]
    output_tokens: int
    output_tokens_details: dict[str, Any]
    total_tokens: int


class ResponseDocument(Answer):
    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["queued", "in_progress", "completed", "incomplete", "cancelled", "failed"]
    completed_at: int | None
    error: dict[str, Any] | None
    incomplete_details: dict[str, Any] | None
    model: str
    output: list[dict[str, Any]]
    usage: ResponseUsageView | None
    metadata: dict[str, Any]
    previous_response_id: str | None
    store: bool
    background: bool


class InputTokens(Answer):
    object: Literal["response.input_tokens"]
    input_tokens: int


class InputItemList(Answer):
    object: Literal["list"]
    data: list[dict[str, Any]]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedResponse(View):
    id: str
    object: Literal["response"] = "response"
    deleted: bool = True
