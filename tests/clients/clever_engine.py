"""An engine that thinks, calls the tool that it is shown and answers from its result; asked for JSON, it invents a pet.

Where a client's own loop is tested (choice "auto"), a script is cleverer than the default model.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import msgspec

from bdchat.engine.model_info import AnswerFormat, ModelInfo
from bdchat.engine.request import ChatPrompt, Event, GenerationRequest, Resumption, Usage
from tests.fake_engine import FakeEngine

THOUGHT = "They ask for the weather."
CALL = ("<tool_call>\n", '{"name": "get_wea', 'ther", "arguments": {"city": "Se', 'oul", "days": 2}}', "\n</tool_call>")
PET = '{"name": "Mochi", "kind": "cat", "age": 3}'


@dataclass
class CleverEngine(FakeEngine):
    @property
    def info(self) -> ModelInfo | None:
        info = super().info
        return info and msgspec.structs.replace(info, answer_format=AnswerFormat(family="hermes"))

    def _answer(self, request: GenerationRequest, usage: Usage, resumption: Resumption | None) -> AsyncGenerator[Event]:
        self.pieces = pieces_for(request)
        roomy = msgspec.structs.replace(request.sampling, max_tokens=None)  # its tokens are letters
        return super()._answer(msgspec.structs.replace(request, sampling=roomy), usage, resumption)


def pieces_for(request: GenerationRequest) -> tuple[str, ...]:
    prompt = request.prompt
    assert isinstance(prompt, ChatPrompt)
    results = [message.content for message in prompt.messages if message.role == "tool"]
    if results:
        return ("It will be ", results[-1], ".")
    if prompt.tools and prompt.tool_choice != "none":
        return ("<think>", THOUGHT, "</think>\n", *CALL)
    return (PET[:9], PET[9:]) if request.constraint is not None else ("Hello", " there.")
