"""`system` and `messages` of Anthropic's wire: blocks → turns of a conversation.

1. Messages of one role in a row are one turn, as Anthropic joins them. cache_control is ignored: what was read before
   is found again by itself.
2. A document is read where it is text; images, PDFs and addresses are refused.
3. Blocks of tools that run at Anthropic (server_tool_use, web_search_tool_result, mcp_…) and redacted thoughts say
   nothing to a model here: they are left out.
4. A result that is_error is told as an error.
5. The last turn must be the user's: an answer that is begun (prefilled) cannot be gone on with.
"""

import re
from typing import Any

import msgspec

from bdchat.api.http.parsing import invalid, unsupported
from bdchat.api.schemas.conversation.turns import Turns

MAX_ID_CHARS = 256
MAX_BLOCKS = 20_000  # of all messages
SILENT = re.compile(r"(?:server_tool_use|redacted_thinking|mcp_[a-z_]+|[a-z_]+_tool_result|compaction)", re.ASCII)
PREFILLED = "the last message must be the user's: an answer that is begun cannot be gone on with."


class Conversation:
    """`read_system` first."""

    def __init__(self) -> None:
        self.turns = Turns()
        self._said: list[dict[str, Any]] = []  # by the user, since the last other turn
        self._said_at = ""
        self._num_blocks = 0

    def read_system(self, value: object) -> None:
        """Raises PydanticCustomError; its place goes on from `system`."""
        if value is None or value == "":
            return
        if not isinstance(value, str | list):
            raise invalid("must be a string or a list of text blocks.")
        if isinstance(value, str):
            self.turns.say("system", value, "system", is_content=True)
            return
        texts = [_text_block(block, f"[{index}]") for index, block in enumerate(value)]
        if any(texts):
            self.turns.say("system", "\n\n".join(text for text in texts if text), "system", is_content=True)

    def read_messages(self, value: object) -> None:
        """Raises PydanticCustomError; its place goes on from `messages`."""
        if not isinstance(value, list):
            raise invalid("must be a list of messages.")
        if not value:
            raise invalid("must hold at least one message.")
        for index, message in enumerate(value):
            self._read_message(message, f"[{index}]")
        self._end_of_said()
        if self.turns.messages[-1]["role"] == "assistant":
            raise unsupported(PREFILLED, at=f"[{len(value) - 1}]")

    def _read_message(self, message: object, at: str) -> None:
        if not isinstance(message, dict):
            raise invalid("must be an object.", at=at)
        role, content = message.get("role"), message.get("content")
        if role not in ("user", "assistant", "system"):
            raise invalid("must be 'user' or 'assistant'.", at=f"{at}.role")
        if not isinstance(content, str | list):
            raise invalid("must be a string or a list of blocks.", at=f"{at}.content")
        if isinstance(content, str):
            self._say(role, content, f"{at}.content")
            return
        self._num_blocks += len(content)
        if self._num_blocks > MAX_BLOCKS:
            raise invalid(f"hold more than {MAX_BLOCKS} blocks.")
        for index, block in enumerate(content):
            place = f"{at}.content[{index}]"
            if not isinstance(block, dict):
                raise invalid("must be an object.", at=place)
            self._read_block(role, block, place)

    def _say(self, role: str, text: str, at: str) -> None:
        if role == "user":
            self._said.append({"type": "text", "text": text})
            self._said_at = self._said_at or f"messages{at}"
            return
        self._end_of_said()
        self.turns.say(role, text, f"messages{at}", is_content=True)

    def _end_of_said(self) -> None:
        if self._said:
            parts = self._said
            content: Any = parts[0]["text"] if len(parts) == 1 else parts
            self.turns.say("user", content, self._said_at, is_content=True)
            self._said, self._said_at = [], ""

    def _read_block(self, role: str, block: dict[str, Any], at: str) -> None:
        kind = block.get("type")
        match kind:
            case "text":
                self._say(role, _string(block, "text", at), at)
            case "tool_use" if role == "assistant":
                self._end_of_said()
                given = block.get("input", {})
                if not isinstance(given, dict):
                    raise invalid("must be an object.", at=f"{at}.input")
                arguments = msgspec.json.encode(given).decode()
                self.turns.call(_id(block, "id", at), _string(block, "name", at), arguments, f"messages{at}")
            case "thinking" if role == "assistant":
                self._end_of_said()
                self.turns.think(_string(block, "thinking", at), f"messages{at}")
            case "tool_result" if role == "user":
                self._end_of_said()
                self._read_result(block, at)
            case "document" | "search_result" if role == "user":
                self._say(role, _document_text(block, at), at)
            case "image" | "document" | "file" | "container_upload":
                raise unsupported(f"blocks of type {kind!r} are not supported: only text is.", at=at)
            case str(name) if SILENT.fullmatch(name):
                return
            case str(name):
                raise invalid(f"{name[:40]!r} is no type of a block here.", at=f"{at}.type")
            case _:
                raise invalid("must be a string.", at=f"{at}.type")

    def _read_result(self, block: dict[str, Any], at: str) -> None:
        content = block.get("content")
        if content is None:
            content = ""
        if not isinstance(content, str | list):
            raise invalid("must be a string or a list of blocks.", at=f"{at}.content")
        if isinstance(content, list):
            self._num_blocks += len(content)
            texts = [_text_block(each, f"{at}.content[{index}]") for index, each in enumerate(content)]
            content = "\n".join(text for text in texts if text)
        if block.get("is_error") is True:
            content = f"Error: {content}"
        self.turns.result(_id(block, "tool_use_id", at), content, f"messages{at}.content")


def _text_block(block: object, at: str) -> str:
    if not isinstance(block, dict):
        raise invalid("must be an object.", at=at)
    match block.get("type"):
        case "text":
            return _string(block, "text", at)
        case "document" | "search_result":
            return _document_text(block, at)
        case "tool_reference":
            return ""
        case str(kind):
            raise unsupported(f"blocks of type {kind[:40]!r} are not supported: only text is.", at=at)
    raise invalid("must be a string.", at=f"{at}.type")


def _document_text(block: dict[str, Any], at: str) -> str:
    title = block.get("title")
    head = [title] if isinstance(title, str) and title else []
    source = block.get("source")
    match source:
        case {"type": "text", "data": str(data)}:
            return "\n".join([*head, data])
        case {"type": "content", "content": str(text)}:
            return "\n".join([*head, text])
        case {"type": "content", "content": list(blocks)}:
            places = (f"{at}.source.content[{index}]" for index in range(len(blocks)))
            return "\n".join([*head, *map(_text_block, blocks, places)])
    if block.get("type") == "search_result" and isinstance(block.get("content"), list):
        places = (f"{at}.content[{index}]" for index in range(len(block["content"])))
        return "\n".join([*head, *map(_text_block, block["content"], places)])
    raise unsupported("only documents that are text are read: a source of type 'text'.", at=f"{at}.source")


def _string(block: dict[str, Any], name: str, at: str) -> str:
    value = block.get(name)
    if not isinstance(value, str):
        raise invalid("must be a string.", at=f"{at}.{name}")
    return value


def _id(block: dict[str, Any], name: str, at: str) -> str:
    value = _string(block, name, at)
    if len(value) > MAX_ID_CHARS:
        raise invalid(f"must have at most {MAX_ID_CHARS} characters.", at=f"{at}.{name}")
    return value
