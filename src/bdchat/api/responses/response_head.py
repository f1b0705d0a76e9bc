"""What every event of a response and its document repeat, and the ids of its items. Pure."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bdchat.api.schemas.responses.request import ResponsesRequest
from bdchat.store.chats.generation_rows import RESPONSE_PREFIX
from bdchat.store.ids import new_id

ITEM_ID = re.compile(r"[a-z]{2,3}_([0-9a-f]{32})([0-9a-f]{4,6})", re.ASCII)


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
    return f"{RESPONSE_PREFIX}{uuid.UUID(new_id()).hex}"


def item_id(prefix: str, response_id: str, output_index: int) -> str:
    """The same whenever and by whomever the response is read; it tells where the item is found."""
    return f"{prefix}_{response_id.removeprefix(RESPONSE_PREFIX)}{output_index:04x}"


def item_place(item_id: str) -> tuple[str, int] | None:
    """The response that an item is of, and its index in the output. None: that is no id of an item."""
    found = ITEM_ID.fullmatch(item_id)
    return (RESPONSE_PREFIX + found[1], int(found[2], 16)) if found is not None else None


def echo_of(body: ResponsesRequest) -> dict[str, Any]:
    """What a response repeats of its request."""
    text, reasoning = body.text or {}, body.reasoning or {}
    effort = reasoning.get("effort", body.reasoning_effort)
    echo: dict[str, Any] = {
        "background": bool(body.background),
        "frequency_penalty": body.frequency_penalty or 0.0,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": body.max_tool_calls,
        "metadata": body.echoed_metadata,
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "presence_penalty": body.presence_penalty or 0.0,
        "previous_response_id": body.previous_response_id,
        "prompt_cache_key": body.echoed_text("prompt_cache_key"),
        "reasoning": {"effort": effort, "summary": reasoning.get("summary")},
        "safety_identifier": body.echoed_text("safety_identifier"),
        "service_tier": body.echoed_service_tier or "default",
        "store": body.is_stored,
        "temperature": body.temperature,
        "text": {"format": text.get("format") or {"type": "text"}, "verbosity": text.get("verbosity", body.verbosity)},
        "tool_choice": body.told_choice or "auto",
        "tools": body.given_tools.told,
        "top_logprobs": body.top_logprobs or 0,
        "top_p": body.top_p,
        "truncation": body.truncation or "disabled",
        "user": body.echoed_text("user"),
    }
    if skipped := body.skipped_tools:
        echo["bdchat"] = {"skipped_tools": skipped}
    return echo
