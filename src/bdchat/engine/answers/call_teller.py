"""Numbers the calls of one answer and tells their parts. Pure; owned by one reader."""

from collections.abc import Callable, Mapping, Sequence

from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted
from bdchat.engine.answers.source import NotACall, TextSource
from bdchat.engine.request import function_of


class CallTeller:
    """`tools`: OpenAI's function tools. What is told of the source's text cannot be gone back to."""

    def __init__(
        self, source: TextSource, tools: Sequence[Mapping[str, object]], tell: Callable[[AnswerPart], None]
    ) -> None:
        self._source = source
        self._tell = tell
        functions = filter(None, map(function_of, tools))
        self._parameters = {str(function["name"]): function.get("parameters") for function in functions}
        self.num_calls = 0

    def check(self, name: str) -> None:
        """Raises NotACall for a tool that nobody declared."""
        if name not in self._parameters:
            raise NotACall

    def start(self, name: str) -> None:
        self._source.forget()
        self._tell(CallStarted(self.num_calls, name))
        self.num_calls += 1

    def arguments(self, text: str) -> None:
        self._source.forget()
        self._tell(CallArguments(self.num_calls - 1, text))

    def is_text(self, name: str, key: str) -> bool:
        """Whether the value of this argument can only be a string."""
        parameters = self._parameters[name]
        properties = parameters.get("properties") if isinstance(parameters, Mapping) else None
        schema = properties.get(key) if isinstance(properties, Mapping) else None
        if not isinstance(schema, Mapping):
            return False
        choices = schema.get("enum")
        return schema.get("type") == "string" or (
            isinstance(choices, list) and all(isinstance(choice, str) for choice in choices)
        )
