"""Thoughts and calls in the texts of a chat's path: shown to the model as calls, recognised when a client says so."""

import pytest

from bdchat.api.durable.path_reader import PathReader, written
from bdchat.engine.model_info import AnswerFormat
from bdchat.engine.request import ChatMessage, ToolCall
from bdchat.store.tables import Message

TOOLS = [{"type": "function", "function": {"name": "now"}}, {"type": "function", "function": {"name": "weather"}}]
CALLS = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>\n<tool_call>\n{"name": "weather", "arguments": {"city": "서울"}}\n</tool_call>'  # noqa: E501
MISTRAL = '[TOOL_CALLS][{"name": "now", "arguments": {}}]'


def stored(role: str, content: str) -> Message:
    return Message(message_id="m", session_id="s", role=role, content=content)


def called(*calls: tuple[str, str], content: str = "") -> ChatMessage:
    made = tuple(ToolCall(tool_call_id=f"x{i}", name=name, arguments=said) for i, (name, said) in enumerate(calls))
    return ChatMessage(role="assistant", content=content, tool_calls=made)


def test_calls_are_shown_as_calls_and_results_belong_to_them_in_order() -> None:
    said = [("user", "hi"), ("assistant", f"Let me see.\n{CALLS}"), ("tool", "12:00"), ("tool", "rain"), ("tool", "?")]
    shown = PathReader(tools=TOOLS).shown(said)
    assert shown[1].content == "Let me see."
    calls = [(call.name, call.arguments) for call in shown[1].tool_calls]
    assert calls == [("now", "{}"), ("weather", '{"city": "서울"}')]
    ids = [call.tool_call_id for call in shown[1].tool_calls]
    assert [message.tool_call_id for message in shown[2:]] == [*ids, None]


def test_without_tools_every_text_is_what_it_says() -> None:
    said = [("assistant", CALLS), ("user", CALLS), ("tool", CALLS)]
    assert [message.content for message in PathReader().shown(said)] == [CALLS] * 3
    assert PathReader(tools=TOOLS).shown(said)[1].content == CALLS


def test_a_model_of_another_family_is_shown_what_was_written_without_a_template() -> None:
    reader = PathReader(AnswerFormat(family="mistral_v7"), TOOLS)
    assert [call.name for call in reader.shown([("assistant", CALLS)])[0].tool_calls] == ["now", "weather"]
    assert [call.name for call in reader.shown([("assistant", MISTRAL)])[0].tool_calls] == ["now"]


def test_what_a_client_says_is_written_so_that_it_is_read_again() -> None:
    message = called(("now", ""), ("weather", '{"city":"서울 </tool_call> \\" 🙂"}'), content="Let me see.")
    shown = PathReader(tools=TOOLS).shown([("assistant", written(message))])[0]
    assert shown.content == "Let me see."
    assert [call.arguments for call in shown.tool_calls] == ["{}", '{"city": "서울 </tool_call> \\" 🙂"}']
    assert written(ChatMessage(role="user", content="hi")) == "hi"


@pytest.mark.parametrize(
    ("text", "given", "is_same"),
    [
        ("Yes.", ChatMessage(role="assistant", content=" Yes. "), True),
        ("<think>\nHm.\n</think>\n\nYes.", ChatMessage(role="assistant", content="Yes."), True),
        ("Hm.\n</think>\n\nYes.", ChatMessage(role="assistant", content="Yes."), True),
        ("<think>\nHm.\n</think>\n\nYes.", ChatMessage(role="assistant", content="No."), False),
        (CALLS, called(("now", "{ }"), ("weather", '{"city":"서울"}')), True),
        (f"Hm.</think>{CALLS}", called(("now", "{}"), ("weather", '{"city":"서울"}')), True),
        (CALLS, called(("now", "{}")), False),
        (CALLS, called(("now", "{}"), ("weather", '{"city":"Busan"}')), False),
        (CALLS, ChatMessage(role="assistant", content=""), False),
        ("Yes.", called(("now", "{}"), content="Yes."), False),
    ],
)
@pytest.mark.parametrize("tools", [TOOLS, []])
def test_an_answer_is_recognised_as_it_was_told(
    text: str, given: ChatMessage, is_same: bool, tools: list[dict[str, object]]
) -> None:
    assert PathReader(tools=tools).is_same(stored("assistant", text), given) is is_same
    assert not PathReader(tools=tools).is_same(stored("user", text), given)
