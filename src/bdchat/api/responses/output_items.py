"""The items of a response's output, each with the events that tell of it: opened, grown, closed. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from bdchat.api.answering.logprobs import chat_logprobs
from bdchat.api.responses.response_head import item_id
from bdchat.engine.request import TokenLogprob

Event = dict[str, Any]


class OutputItem(ABC):
    prefix = ""

    def __init__(self, response_id: str, output_index: int) -> None:
        self.is_open = False
        self._pieces: list[str] = []
        self._status = "in_progress"
        self._item_id = item_id(self.prefix, response_id, output_index)
        self._place = {"item_id": self._item_id, "output_index": output_index}
        self._output_index = output_index

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @abstractmethod
    def to_wire(self) -> dict[str, Any]: ...

    def open(self) -> Iterator[Event]:
        self.is_open = True
        yield {"type": "response.output_item.added", "output_index": self._output_index, "item": self._bare()}

    @abstractmethod
    def grow(self, text: str, logprobs: Sequence[TokenLogprob] = ()) -> Iterator[Event]: ...

    def close(self, status: str) -> Iterator[Event]:
        self.is_open = False
        yield from self._finished()
        self._status = status
        yield {"type": "response.output_item.done", "output_index": self._output_index, "item": self.to_wire()}

    def _bare(self) -> dict[str, Any]:
        """As it is when it is opened."""
        return self.to_wire()

    @abstractmethod
    def _finished(self) -> Iterator[Event]: ...


class PartItem(OutputItem):
    """One whose text is the one part of one of its fields."""

    field = "content"  # that holds the part
    index_name = "content_index"  # of the part, in the events
    part_events = "content_part"
    text_events = ""

    def __init__(self, response_id: str, output_index: int) -> None:
        super().__init__(response_id, output_index)
        self._place_of_part = {**self._place, self.index_name: 0}

    def to_wire(self) -> dict[str, Any]:
        return self._bare() | {self.field: [self._part()]}

    def open(self) -> Iterator[Event]:
        yield from super().open()
        yield {"type": f"response.{self.part_events}.added", **self._place_of_part, "part": self._part()}

    def grow(self, text: str, logprobs: Sequence[TokenLogprob] = ()) -> Iterator[Event]:
        self._pieces.append(text)
        yield {"type": f"response.{self.text_events}.delta", **self._place_of_part, "delta": text}

    def _finished(self) -> Iterator[Event]:
        yield self._text_done()
        yield {"type": f"response.{self.part_events}.done", **self._place_of_part, "part": self._part()}

    def _text_done(self) -> Event:
        return {"type": f"response.{self.text_events}.done", **self._place_of_part, "text": self.text}

    @abstractmethod
    def _part(self) -> dict[str, Any]: ...


class MessageItem(PartItem):
    prefix = "msg"
    text_events = "output_text"

    def __init__(self, response_id: str, output_index: int) -> None:
        super().__init__(response_id, output_index)
        self._logprobs: list[Any] = []

    def grow(self, text: str, logprobs: Sequence[TokenLogprob] = ()) -> Iterator[Event]:
        told = [msgspec.to_builtins(each) for each in chat_logprobs(logprobs)] if logprobs else []
        self._logprobs += told
        for event in super().grow(text):
            yield event | {"logprobs": told}

    def _text_done(self) -> Event:
        return super()._text_done() | {"logprobs": list(self._logprobs)}

    def _bare(self) -> dict[str, Any]:
        return {
            "id": self._item_id,
            "type": "message",
            "status": self._status,
            "role": "assistant",
            "content": [],
        }

    def _part(self) -> dict[str, Any]:
        return {"type": "output_text", "text": self.text, "annotations": [], "logprobs": list(self._logprobs)}


class ReasoningItem(PartItem):
    prefix = "rs"
    text_events = "reasoning_text"

    def _bare(self) -> dict[str, Any]:
        return {
            "id": self._item_id,
            "type": "reasoning",
            "status": self._status,
            "summary": [],
            "content": [],
            "encrypted_content": None,
        }

    def _part(self) -> dict[str, Any]:
        return {"type": "reasoning_text", "text": self.text}


class SummaryItem(PartItem):
    """A thought, told whole as its own summary."""

    prefix = "rs"
    field = "summary"
    index_name = "summary_index"
    part_events = "reasoning_summary_part"
    text_events = "reasoning_summary_text"

    def _bare(self) -> dict[str, Any]:
        return {
            "id": self._item_id,
            "type": "reasoning",
            "status": self._status,
            "summary": [],
            "encrypted_content": None,
        }

    def _part(self) -> dict[str, Any]:
        return {"type": "summary_text", "text": self.text}


class CallItem(OutputItem):
    prefix = "fc"

    def __init__(self, response_id: str, output_index: int, call_id: str, name: str) -> None:
        super().__init__(response_id, output_index)
        self._called = {"call_id": call_id, "name": name}

    def to_wire(self) -> dict[str, Any]:
        about = {"id": self._item_id, "type": "function_call", "status": self._status}
        return about | self._called | {"arguments": self.text}

    def grow(self, text: str, logprobs: Sequence[TokenLogprob] = ()) -> Iterator[Event]:
        if text:
            self._pieces.append(text)
            yield {"type": "response.function_call_arguments.delta", **self._place, "delta": text}

    def _finished(self) -> Iterator[Event]:
        told = {**self._place, "name": self._called["name"], "arguments": self.text}
        yield {"type": "response.function_call_arguments.done", **told}


class CustomCallItem(CallItem):
    """Its input is told whole, at its end: what grows is the object around it."""

    prefix = "ctc"

    def to_wire(self) -> dict[str, Any]:
        about = {"id": self._item_id, "type": "custom_tool_call", "status": self._status}
        return about | self._called | {"input": "" if self.is_open else self.input}

    @property
    def input(self) -> str:
        return custom_input(self.text)

    def grow(self, text: str, logprobs: Sequence[TokenLogprob] = ()) -> Iterator[Event]:
        self._pieces.append(text)
        yield from ()

    def _finished(self) -> Iterator[Event]:
        if self.input:
            yield {"type": "response.custom_tool_call_input.delta", **self._place, "delta": self.input}
        yield {"type": "response.custom_tool_call_input.done", **self._place, "input": self.input}


def custom_input(arguments: str) -> str:
    """Of a custom tool's call. Of one that was cut: what there is of the object."""
    try:
        found = msgspec.json.decode(arguments)
    except ValueError:
        return arguments
    said = found.get("input") if isinstance(found, dict) else None
    return said if isinstance(said, str) else arguments
