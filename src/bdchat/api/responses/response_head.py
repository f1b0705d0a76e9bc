"""What every event of a response and its document repeat, and the ids of its items. Pure."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bdchat.api.schemas.responses.request import ResponsesRequest
from bdchat.store.ids import new_id

PREFIX = "resp_"


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """`echo`: what is repeated of the request, as it goes on the wire: JSON's types only."""

    response_id: str
    created_at: int  # seconds since 1970
    model: str
    echo: Mapping[str, Any]

    def to_wire(
        self,
        *,
        status: str,
        output: Sequence[Mapping[str, Any]] = (),
        usage: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
        incomplete_details: Mapping[str, Any] | None = None,
        completed_at: int | None = None,
    ) -> dict[str, Any]:
        return {
            "id": self.response_id,
            "object": "response",
            "created_at": self.created_at,
            "status": status,
            "completed_at": completed_at,
            "error": error,
            "incomplete_details": incomplete_details,
            "model": self.model,
            "output": list(output),
            "usage": usage,
            **self.echo,
        }


def new_response_id() -> str:
    """Sorts by time."""
    return f"{PREFIX}{uuid.UUID(new_id()).hex}"


def item_id(prefix: str, response_id: str, output_index: int) -> str:
    """The same whenever and by whomever the response is read."""
    return f"{prefix}_{hashlib.blake2b(f'{response_id}/{output_index}'.encode(), digest_size=16).hexdigest()}"


def echo_of(body: ResponsesRequest) -> dict[str, Any]:
    """What a response repeats of its request."""
    text, reasoning = body.text or {}, body.reasoning or {}
    effort = reasoning.get("effort", body.reasoning_effort)
    echo: dict[str, Any] = {
        "background": bool(body.background),
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": body.max_tool_calls,
        "metadata": body.metadata if isinstance(body.metadata, dict) else {},
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": body.previous_response_id,
        "reasoning": {"effort": effort, "summary": reasoning.get("summary")},
        "service_tier": body.echoed_service_tier or "default",
        "store": body.is_stored,
        "temperature": body.temperature,
        "text": {"format": text.get("format") or {"type": "text"}, "verbosity": text.get("verbosity", body.verbosity)},
        "tool_choice": body.told_choice or "auto",
        "tools": body.given_tools.told,
        "top_logprobs": body.top_logprobs or 0,
        "top_p": body.top_p,
        "truncation": body.truncation or "disabled",
        "user": body.user if isinstance(body.user, str) else None,
    }
    if skipped := body.skipped_tools:
        echo["bdchat"] = {"skipped_tools": skipped}
    return echo
