"""Items of stored responses that a request names by their ids (item_reference) → the items, in their places.

In a store's reader. @ai-sdk/openai names all that was said before so, unless it is told not to store.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from bdchat.api.responses.response_head import item_place
from bdchat.engine.errors import InvalidRequest
from bdchat.store.errors import NotFound

MAX_RESPONSES = 512  # whose logs are read for one request
NOT_STORED = "no item of that id is stored: send it, or previous_response_id."

OutputOf = Callable[[str], list[dict[str, Any]]]  # a response's id → its items; raises NotFound


def names_items(fields: dict[str, Any]) -> bool:
    given = fields.get("input")
    return isinstance(given, list) and any(map(_is_reference, given))


def with_named_items(fields: dict[str, Any], output_of: OutputOf, *, most_bytes: int) -> dict[str, Any]:
    """`most_bytes`: of the items that are put in. Raises InvalidRequest."""
    outputs: dict[str, list[dict[str, Any]]] = {}
    items: list[Any] = []
    num_bytes = 0
    for index, item in enumerate(fields["input"]):
        if not _is_reference(item):
            items.append(item)
            continue
        at = f"input[{index}]"
        place = item_place(item["id"]) if isinstance(item.get("id"), str) else None
        if place is None:
            raise InvalidRequest(at, NOT_STORED)
        response_id, output_index = place
        if response_id not in outputs:
            if len(outputs) >= MAX_RESPONSES:
                raise InvalidRequest(at, f"names items of more than {MAX_RESPONSES} responses.")
            try:
                outputs[response_id] = output_of(response_id)
            except NotFound as error:
                raise InvalidRequest(at, NOT_STORED) from error
        output = outputs[response_id]
        if output_index >= len(output) or output[output_index]["id"] != item["id"]:
            raise InvalidRequest(at, NOT_STORED)
        num_bytes += len(msgspec.json.encode(output[output_index]))
        if num_bytes > most_bytes:
            raise InvalidRequest(at, f"the items that are named have more than {most_bytes} bytes.")
        items.append(output[output_index])
    return fields | {"input": items}


def _is_reference(item: object) -> bool:
    """OpenAI's type may be absent."""
    if not isinstance(item, dict):
        return False
    kind = item.get("type")
    return kind == "item_reference" or (kind is None and "id" in item and "role" not in item)
