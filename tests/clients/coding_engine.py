"""An engine that does one task with whatever tools a coding agent shows it: it reads a file, changes it, and says so.

It writes calls as a model does (hermes' form); which tool comes next it sees from the results so far. The first line of
what was asked names the file and what is to stand in it: "TASK path old new".
"""

import json
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bdchat.engine.model_info import AnswerFormat, ModelInfo
from bdchat.engine.request import ChatPrompt, Event, GenerationRequest, Resumption, Usage, function_of
from tests.fake_engine import FakeEngine

TASK = re.compile(r"TASK (\S+) (\S+) (\S+)")
DONE = "Done: the file says what it is to say."


@dataclass
class CodingEngine(FakeEngine):
    """`seen_results`: what the tools gave, of every request."""

    seen_results: list[str] = field(default_factory=list)

    @property
    def info(self) -> ModelInfo | None:
        info = super().info
        return info and msgspec.structs.replace(info, answer_format=AnswerFormat(family="hermes"))

    def _answer(self, request: GenerationRequest, usage: Usage, resumption: Resumption | None) -> AsyncGenerator[Event]:
        self.pieces = self._pieces_for(request)
        roomy = msgspec.structs.replace(request.sampling, max_tokens=None)  # its tokens are letters
        return super()._answer(msgspec.structs.replace(request, sampling=roomy), usage, resumption)

    def _pieces_for(self, request: GenerationRequest) -> tuple[str, ...]:
        prompt = request.prompt
        assert isinstance(prompt, ChatPrompt)
        asked = [TASK.search(message.content) for message in prompt.messages if message.role == "user"]
        task = next((found for found in asked if found), None)
        results = [message.content for message in prompt.messages if message.role == "tool"]
        self.seen_results += results
        tools = {str(function_of(tool).get("name")): function_of(tool) for tool in prompt.tools}
        if task is None or not tools or len(results) >= 2:
            return (DONE[:9], DONE[9:])
        name, arguments = _next_call(tools, task, is_read=bool(results))
        call = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
        return ("<tool_call>\n", call[:9], call[9:], "\n</tool_call>")


def _next_call(tools: dict[str, Any], task: "re.Match[str]", *, is_read: bool) -> tuple[str, dict[str, Any]]:
    path, old, new = task.groups()
    if "Read" in tools:  # Claude Code
        if not is_read:
            return "Read", {"file_path": path}
        return "Edit", {"file_path": path, "old_string": old, "new_string": new}
    shell = next(name for name in ("shell_command", "exec_command", "shell") if name in tools)  # codex
    command = f"sed -i s/{old}/{new}/ {path}" if is_read else f"cat {path}"
    properties = tools[shell]["parameters"]["properties"]
    if "cmd" in properties:
        return shell, {"cmd": command}
    is_list = properties["command"].get("type") == "array"
    return shell, {"command": ["bash", "-lc", command] if is_list else command}
