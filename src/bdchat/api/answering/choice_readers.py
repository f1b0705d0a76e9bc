"""The raw texts of an answer's choices → the parts that a wire shows. Pure."""

from bdchat.api.generation.answer_reading import ChoiceReader, Reading
from bdchat.api.generation.events import LogEvent, Opened, Started
from bdchat.engine.answers.parts import AnswerPart, Content
from bdchat.engine.request import Accepted, FinishReason

WIRE_REASONS = {FinishReason.CANCELLED.value: FinishReason.STOP.value}


class ChoiceReaders:
    """One reader for each choice of which there may be something to read; of a plain answer none after its first word.

    An answer that goes on (continue) is read from its prefix on, which is not told again."""

    def __init__(self, reading: Reading, num_choices: int) -> None:
        self._reading = reading
        self._num_choices = num_choices
        self._prefix = ""
        self.num_thought_tokens = 0  # of those that are read no more
        self._readers: dict[int, ChoiceReader] = {}
        self.begin(reading)

    def begin(self, reading: Reading | None = None, *, prefix: str | None = None) -> None:
        """Reads from the beginning: what was not known before is `reading`, or what the answer goes on from."""
        self._reading = reading or self._reading
        self._prefix = self._prefix if prefix is None else prefix
        self.num_thought_tokens = 0
        self._readers.clear()
        if self._reading.is_raw:
            return
        for index in range(self._num_choices):
            self._readers[index] = reader = ChoiceReader(self._reading)
            if self._prefix:
                reader.feed(self._prefix)
                self._let_go(index, reader)

    def hear(self, event: LogEvent) -> None:
        """What the log says of how the text is to be read."""
        if isinstance(event, Started):
            self.begin(prefix=event.prefix)
        elif isinstance(event, Opened):
            self.begin(self._reading.by(event.answer_format, opens_thought=event.opens_thought))
        elif isinstance(event, Accepted) and event.opens_thought:
            self.begin(self._reading.by(self._reading.answer_format, opens_thought=True))

    @property
    def reading(self) -> Reading:
        return self._reading

    def __bool__(self) -> bool:
        """Whether anything is read."""
        return bool(self._readers)

    def read(self, index: int, text: str, num_tokens: int) -> list[AnswerPart]:
        reader = self._readers.get(index)
        if reader is None:
            return [Content(text)] if text else []
        parts = reader.feed(text, num_tokens)
        self._let_go(index, reader)
        return parts

    def finish(self, index: int, reason: str | None) -> tuple[list[AnswerPart], str | None]:
        """What was held back, and OpenAI's reason for the end."""
        reader = self._readers.pop(index, None)
        if reader is None:
            return [], wire_reason(reason)
        parts = reader.finish()
        self.num_thought_tokens += reader.num_thought_tokens
        return parts, wire_reason(reader.reason(reason))

    def _let_go(self, index: int, reader: ChoiceReader) -> None:
        if reader.is_plain:
            self.num_thought_tokens += reader.num_thought_tokens
            del self._readers[index]


def wire_reason(reason: str | None) -> str | None:
    return WIRE_REASONS.get(reason, reason) if reason is not None else None
