"""One choice of an answer, part by part: its content, its thought and its calls. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bdchat.engine.answers.parts import AnswerPart, CallArguments, CallStarted, Content, Thought


@dataclass(slots=True)
class CollectedCall:
    number: int  # from 0, in the order in which they are made
    name: str
    pieces: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        """A JSON object as text; the beginning of one where the answer was cut."""
        return "".join(self.pieces)


class CollectedAnswer:
    def __init__(self) -> None:
        self._content: list[str] = []
        self._thought: list[str] = []
        self.calls: list[CollectedCall] = []

    def add(self, parts: Iterable[AnswerPart]) -> None:
        for part in parts:
            match part:
                case Content(text=text):
                    self._content.append(text)
                case Thought(text=text):
                    self._thought.append(text)
                case CallStarted(number=number, name=name):
                    self.calls.append(CollectedCall(number, name))
                case CallArguments(text=text):
                    if self.calls:
                        self.calls[-1].pieces.append(text)

    @property
    def content(self) -> str | None:
        """None: it is calls and nothing else."""
        return "".join(self._content) if self._content or not self.calls else None

    @property
    def thought(self) -> str:
        return "".join(self._thought)
