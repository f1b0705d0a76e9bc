"""Pieces of a conversation (a text, a thought, a call, a result), as other wires list them → chat messages. Pure.

What an assistant says in a row (its thought, its words, its calls) is one message, as the model wrote it: so its
tokens are found again. Each message remembers where its pieces stood in the wire's request.
"""

import re
from dataclasses import dataclass, field
from typing import Any

MESSAGE = re.compile(r"messages\[(\d+)\](.*)", re.DOTALL)
CALL = re.compile(r"\.tool_calls\[(\d+)\](?:\.function)?(.*)", re.DOTALL)


@dataclass(slots=True)
class _Origin:
    at: str
    is_content: bool = False  # `at` is the content's own place, not the message's
    calls: list[str] = field(default_factory=list)


class Turns:
    """`messages`: as ChatCompletionRequest takes them."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._origins: list[_Origin] = []

    def say(self, role: str, content: Any, at: str, *, is_content: bool = False) -> None:
        """`content`: a string, or parts. `is_content`: `at` is its place, not the message's."""
        last = self._open_assistant()
        if role == "assistant" and last is not None and "content" not in last and "tool_calls" not in last:
            last["content"] = content
            self._origins[-1].at, self._origins[-1].is_content = at, is_content
        else:
            self._add({"role": role, "content": content}, at, is_content=is_content)

    def think(self, text: str, at: str) -> None:
        """Before what is said and called next."""
        last = self._open_assistant()
        if last is None or "content" in last or "tool_calls" in last:
            last = self._add({"role": "assistant"}, at)
        last["reasoning_content"] = last.get("reasoning_content", "") + text

    def call(self, call_id: str, name: str, arguments: str, at: str) -> None:
        last = self._open_assistant()
        if last is None:
            last = self._add({"role": "assistant"}, at)
        called = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        last.setdefault("tool_calls", []).append(called)
        self._origins[-1].calls.append(at)

    def result(self, call_id: str | None, content: Any, at: str, *, name: str | None = None) -> None:
        """`at`: of its content."""
        message = {"role": "tool", "tool_call_id": call_id, "content": content}
        self._add(message if name is None else {**message, "name": name}, at, is_content=True)

    def _open_assistant(self) -> dict[str, Any] | None:
        return self.messages[-1] if self.messages and self.messages[-1]["role"] == "assistant" else None

    def _add(self, message: dict[str, Any], at: str, *, is_content: bool = False) -> dict[str, Any]:
        self.messages.append(message)
        self._origins.append(_Origin(at, is_content))
        return message

    def renamed(self, param: str) -> str | None:
        """A path in `messages` → where that stood. None: it is none of theirs."""
        found = MESSAGE.fullmatch(param)
        if found is None or int(found[1]) >= len(self._origins):
            return None
        origin, rest = self._origins[int(found[1])], found[2]
        call = CALL.fullmatch(rest)
        if call is not None and int(call[1]) < len(origin.calls):
            return origin.calls[int(call[1])] + call[2]
        rest = rest.removeprefix(".tool_calls")  # all of them have no place of their own
        return origin.at + (rest.removeprefix(".content") if origin.is_content else rest)
