"""`input` of a response's request: items → turns of a conversation.

1. Items of tools that run at OpenAI (searches, computers, images …) say nothing to a model here: they are left out, and
   the response tells their types.
2. A text is a string, or parts of type input_text, output_text, text, refusal, summary_text or reasoning_text.
3. An item_reference stands for an item of a stored response; those are put in its place before this is read.
4. A reasoning item is read for its own text, else for its summary; encrypted ones say nothing.
"""

import re
from typing import Any

import msgspec

from bdchat.api.http.parsing import invalid, unsupported
from bdchat.api.schemas.conversation.turns import Turns

MAX_ITEMS = 20_000  # how many messages they make is bounded beside this (limits.num_messages)
MAX_ID_CHARS = 256
CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})
HOSTED = re.compile(
    r"(?:[a-z_]+_call(?:_output)?|mcp_[a-z_]+|compaction(?:_[a-z]+)?|context_[a-z_]+|additional_tools"
    r"|tool_search_output|configuration_update|program(?:_output)?|ghost_snapshot)",
    re.ASCII,
)
TEXTS = frozenset({"reasoning_text", "summary_text", "text", "output_text"})


class InputItems:
    """What is said, and the types of what is left out."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.skipped: list[str] = []

    def read(self, value: object) -> None:
        """Raises PydanticCustomError; its place goes on from `input`."""
        if isinstance(value, str):
            self.turns.say("user", value, "input", is_content=True)
            return
        if not isinstance(value, list):
            raise invalid("must be a string or a list of items.")
        if len(value) > MAX_ITEMS:
            raise invalid(f"holds {len(value)} items; at most {MAX_ITEMS} are allowed.")
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                raise invalid("must be an object.", at=f"[{index}]")
            self._read_item(item, f"[{index}]")

    def _read_item(self, item: dict[str, Any], at: str) -> None:
        kind = item.get("type")
        if kind is None and "role" in item:
            kind = "message"
        if kind is None and "id" in item:
            kind = "item_reference"
        if not isinstance(kind, str):
            raise invalid("must be a string.", at=f"{at}.type")
        if kind == "message":
            self._read_message(item, at)
        elif kind in CALLS:
            self._read_call(item, kind, at)
        elif kind in RESULTS:
            self._read_result(item, at)
        elif kind == "reasoning":
            self.turns.think(_thought_of(item, at), f"input{at}")
        elif kind == "item_reference":
            raise unsupported("only items of stored responses can be named by their ids: send it.", at=at)
        elif HOSTED.fullmatch(kind):
            self.skipped.append(kind[:64])
        else:
            raise invalid(f"{kind[:40]!r} is no type of an item.", at=f"{at}.type")

    def _read_message(self, item: dict[str, Any], at: str) -> None:
        role = item.get("role")
        if role not in ("user", "assistant", "system", "developer"):
            raise invalid("must be 'user', 'assistant', 'system' or 'developer'.", at=f"{at}.role")
        content = item.get("content")
        if content is None and role == "assistant":
            content = ""
        if not isinstance(content, str | list):
            raise invalid("must be a string or a list of content parts.", at=f"{at}.content")
        self.turns.say(role, content, f"input{at}")

    def _read_call(self, item: dict[str, Any], kind: str, at: str) -> None:
        name, said = item.get("name"), item.get(CALLS[kind])
        if not isinstance(name, str) or not name:
            raise invalid("must be a string.", at=f"{at}.name")
        if not isinstance(said, str):
            raise invalid("must be a string.", at=f"{at}.{CALLS[kind]}")
        arguments = said if kind == "function_call" else msgspec.json.encode({"input": said}).decode()
        self.turns.call(_id_of(item, at) or "", name, arguments, f"input{at}")

    def _read_result(self, item: dict[str, Any], at: str) -> None:
        output = item.get("output")
        if not isinstance(output, str | list):
            raise invalid("must be a string or a list of content parts.", at=f"{at}.output")
        self.turns.result(_id_of(item, at), output, f"input{at}.output")


def _id_of(item: dict[str, Any], at: str) -> str | None:
    call_id = item.get("call_id")
    if call_id is not None and not (isinstance(call_id, str) and len(call_id) <= MAX_ID_CHARS):
        raise invalid(f"must be a string of at most {MAX_ID_CHARS} characters.", at=f"{at}.call_id")
    return call_id


def _thought_of(item: dict[str, Any], at: str) -> str:
    for name in ("content", "summary"):
        parts = item.get(name)
        if parts is None:
            continue
        if not isinstance(parts, list):
            raise invalid("must be a list of parts.", at=f"{at}.{name}")
        texts: list[str] = []
        for index, part in enumerate(parts):
            if not isinstance(part, dict) or not isinstance(part.get("text"), str) or part.get("type") not in TEXTS:
                raise invalid("must be a part with a text.", at=f"{at}.{name}[{index}]")
            texts.append(part["text"])
        if any(texts):
            return "\n".join(texts)
    return ""
