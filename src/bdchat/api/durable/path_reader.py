"""Messages of a chat's path as a model is shown them, and a client's message as the text that is written. Pure.

A message's row holds text alone: an answer's thoughts and calls stand in it between their marks. Calls are read again
where the request has tools; a client's own are written as a model without a way of its own would.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bdchat.engine.answers.parts import CallArguments, CallStarted, Content
from bdchat.engine.answers.reader import AnswerReader
from bdchat.engine.model_info import AnswerFormat
from bdchat.engine.request import ChatMessage, Role, ToolCall
from bdchat.store.tables import Message

ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
Called = tuple[str, str]  # a function's name and its arguments' text
Said = tuple[str, tuple[Called, ...]]  # content and calls


class PathReader:
    """`answer_format`: of the model that is asked; other models may have written the path, so that a way of calling
    that needs no template is tried too. `tools`: the request's."""

    def __init__(self, answer_format: AnswerFormat | None = None, tools: Sequence[Mapping[str, object]] = ()) -> None:
        plain = AnswerFormat()
        self._formats = list(dict.fromkeys([answer_format or plain, plain]))
        self._tools = tuple(tools)
        self._read: dict[tuple[str, AnswerFormat, bool, frozenset[str]], Said] = {}

    def shown(self, said: Iterable[tuple[str, str]]) -> list[ChatMessage]:
        """(role, text) of a path's messages → what the prompt is made of. Results belong to the calls before them, in
        their order."""
        messages: list[ChatMessage] = []
        waiting: list[str] = []
        for number, (role, text) in enumerate(said):
            content, calls = self._called(text) if role == "assistant" and self._tools else (text, ())
            if role == "tool":
                call_id = waiting.pop(0) if waiting else None
                messages.append(ChatMessage(role="tool", content=content, tool_call_id=call_id))
                continue
            made = tuple(
                ToolCall(tool_call_id=f"call_{number}_{index}", name=name, arguments=arguments)
                for index, (name, arguments) in enumerate(calls)
            )
            waiting = [call.tool_call_id for call in made]
            messages.append(ChatMessage(role=ROLES[role], content=content, tool_calls=made))
        return messages

    def is_same(self, stored: Message, given: ChatMessage) -> bool:
        """Whether a client shows the stored message again: as it is, or as it was told on the wire."""
        if stored.role != given.role:
            return False
        if stored.content.strip() == given.content.strip() and not given.tool_calls:
            return True
        return stored.role == "assistant" and any(_told(given) == _normal(said) for said in self._ways(stored, given))

    def _ways(self, stored: Message, given: ChatMessage) -> Iterator[Said]:
        """In which the stored text may have been told: who wrote it, and whether its prompt had opened a thought, is
        not asked."""
        names = frozenset(call.name for call in given.tool_calls)
        for answer_format in self._formats:
            if names or answer_format.thought_closing in stored.content or answer_format.family == "harmony":
                yield self._parts(stored.content, answer_format, False, names)
                yield self._parts(stored.content, answer_format, True, names)

    def _called(self, text: str) -> Said:
        names = frozenset[str]()
        for answer_format in self._formats:
            if (said := self._parts(text, answer_format, False, names))[1]:
                return said
        return text, ()

    def _parts(self, text: str, answer_format: AnswerFormat, opens_thought: bool, names: frozenset[str]) -> Said:
        key = (text, answer_format, opens_thought, names)
        if key not in self._read:
            tools = [*self._tools, *({"type": "function", "function": {"name": name}} for name in names)]
            reader = AnswerReader(answer_format, opens_thought=opens_thought, tools=tools, reads_calls=bool(tools))
            content: list[str] = []
            calls: list[Called] = []
            for part in (*reader.feed(text), *reader.finish()):
                match part:
                    case Content(text=said):
                        content.append(said)
                    case CallStarted(name=name):
                        calls.append((name, ""))
                    case CallArguments(text=arguments):
                        calls[-1] = (calls[-1][0], calls[-1][1] + arguments)
            self._read[key] = "".join(content), tuple(calls)
        return self._read[key]


def written(message: ChatMessage) -> str:
    """The text of its row. A thought that a client sends with an earlier answer is not written."""
    calls = [
        f'<tool_call>\n{{"name": {json.dumps(call.name)}, "arguments": {_object(call.arguments)}}}\n</tool_call>'
        for call in message.tool_calls
    ]
    return "\n".join(text for text in (message.content, *calls) if text)


def _told(message: ChatMessage) -> Said:
    return _normal((message.content, tuple((call.name, call.arguments) for call in message.tool_calls)))


def _normal(said: Said) -> Said:
    content, calls = said
    return content.strip(), tuple((name, _object(arguments)) for name, arguments in calls)


def _object(arguments: str) -> str:
    """On one line, however it was spaced; what is no JSON as a string of it."""
    try:
        value = json.loads(arguments) if arguments.strip() else {}
    except (ValueError, RecursionError):
        value = arguments
    return json.dumps(value, ensure_ascii=False)
