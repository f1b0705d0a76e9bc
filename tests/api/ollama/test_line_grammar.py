"""Ollama's lines: their order, and that whoever joins them has the answer that is not streamed."""

import json
from typing import Any, Literal

import pytest

from bdchat.api.ollama.answer_lines import AnswerLines, written
from bdchat.engine.request import FinishReason
from tests.api.random_answers import RandomAnswer, random_answer

Way = Literal["chat", "generate"]
HEAD = {"model", "created_at", "done"}
COSTS = {
    *("done_reason", "total_duration", "load_duration", "prompt_eval_count"),
    *("prompt_eval_duration", "eval_count", "eval_duration"),
}


def told(answer: RandomAnswer, way: Way) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    encoder = AnswerLines("ollama-1", "m", answer.reading, way=way)
    lines = [line for event in answer.events for line in encoder.encode([event])]
    if answer.error is not None:
        lines += encoder.failed(answer.error)
    text = b"".join(map(written, lines)).decode()
    assert text.count("\n") == len(lines), "one object is one line"
    return [json.loads(line) for line in text.split("\n")[:-1]], encoder.whole()


def joined(lines: list[dict[str, Any]], way: Way) -> dict[str, Any]:
    """As Ollama's clients put an answer together."""
    content = thinking = ""
    calls: list[Any] = []
    scores: list[Any] = []
    for line in lines:
        said = line["message"] if way == "chat" else {"content": line["response"]} | line
        content += said["content"]
        thinking += said.get("thinking", "")
        calls += said.get("tool_calls", [])
        scores += line.get("logprobs", [])
    thought = {"thinking": thinking} if thinking else {}
    last = {name: value for name, value in lines[-1].items() if name not in ("message", "response", "created_at")}
    more = {"logprobs": scores} if scores else {}
    if way == "generate":
        return last | {"response": content} | thought | more
    message = {"role": "assistant", "content": content, **thought} | ({"tool_calls": calls} if calls else {})
    return last | {"message": message} | more


@pytest.mark.parametrize("seed", range(500))
def test_streamed_is_collected_and_in_order(seed: int) -> None:
    answer = random_answer(seed)
    way: Way = "chat" if seed % 4 else "generate"
    lines, whole = told(answer, way)
    *before, last = lines
    said = {"message"} if way == "chat" else {"response"}
    for line in before:
        assert HEAD | said <= set(line) <= HEAD | said | {"thinking", "logprobs"}
        assert line["done"] is False
    if answer.error is not None:
        assert set(last) == {"error"}
        return
    assert set(last) - {"logprobs"} == HEAD | said | COSTS
    assert last["done"] is True
    assert last["done_reason"] == ("length" if answer.reason is FinishReason.LENGTH else "stop")
    whole.pop("created_at")
    assert joined(lines, way) == whole
