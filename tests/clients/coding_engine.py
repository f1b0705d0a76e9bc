"""An engine that does one task as a model for agents does: it reads a file, edits what it has read, says what it did.

Which tools there are it sees from the request, and what the file holds from their results: nothing that it says is
right unless both came through the wire. Its calls are written as models of the Hermes family write them.
"""

import json
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from bdchat.engine.model_info import AnswerFormat, ModelInfo
from bdchat.engine.request import ChatPrompt, Event, GenerationRequest, Resumption, Usage, function_of
from tests.fake_engine import FakeEngine

TASK = "It is Mochi's birthday: raise the age in {path} by one."
PATH = re.compile(r"raise the age in (\S+) by one\.")
AGE = re.compile(r"\b(나이 = (\d+))$", re.MULTILINE)  # "age", in the file's own language
PIECE_CHARS = 7  # marks and strings are cut


@dataclass
class CodingEngine(FakeEngine):
    n_ctx: int = 1_000_000  # its tokens are letters, and agents explain themselves at length

    @property
    def info(self) -> ModelInfo | None:
        info = super().info
        return info and msgspec.structs.replace(info, answer_format=AnswerFormat(family="hermes"))

    def _answer(self, request: GenerationRequest, usage: Usage, resumption: Resumption | None) -> AsyncGenerator[Event]:
        assert isinstance(request.prompt, ChatPrompt)
        said = next_step(request.prompt)
        self.pieces = [said[at : at + PIECE_CHARS] for at in range(0, len(said), PIECE_CHARS)]
        roomy = msgspec.structs.replace(request.sampling, max_tokens=None)
        return super()._answer(msgspec.structs.replace(request, sampling=roomy), usage, resumption)


def next_step(prompt: ChatPrompt) -> str:
    path = next(found[1] for message in prompt.messages if (found := PATH.search(message.content)))
    names = {function_of(tool).get("name") for tool in prompt.callable_tools}
    hands = next(hands for needed, hands in HANDS.items() if needed <= names)
    results = [message.content for message in prompt.messages if message.role == "tool"]
    if not results:
        return written(hands.read(path))
    age = AGE.search(results[0])
    assert age is not None, results[0]
    older = int(age[2]) + 1
    if len(results) == 1:
        return written(hands.edit(path, age[1], f"나이 = {older}"))
    return last_words(older)


def last_words(age: int) -> str:
    return f"Mochi is {age} now."


Call = tuple[str, dict[str, Any]]  # a tool's name, its arguments


def written(call: Call) -> str:
    name, arguments = call
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=False)}\n</tool_call>"


@dataclass(frozen=True)
class Hands:
    """What reads the file of a path, and what puts a text in the place of another there."""

    read: Callable[[str], Call]
    edit: Callable[[str, str, str], Call]


def patched(path: str, old: str, new: str) -> Call:
    """codex takes this command for a patch, and never starts it."""
    patch = ["*** Begin Patch", f"*** Update File: {path}", "@@", f"-{old}", f"+{new}", "*** End Patch"]
    return "exec_command", {"cmd": "\n".join(["apply_patch <<'PATCH'", *patch, "PATCH"])}


HANDS = {
    frozenset({"Read", "Edit"}): Hands(  # Claude Code
        lambda path: ("Read", {"file_path": path}),
        lambda path, old, new: ("Edit", {"file_path": path, "old_string": old, "new_string": new}),
    ),
    frozenset({"exec_command"}): Hands(lambda path: ("exec_command", {"cmd": f"cat '{path}'"}), patched),  # codex
}
