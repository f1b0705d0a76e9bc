"""Logs of random answers, for the wires' event grammars: thoughts, words, calls, cut anywhere, stopped or broken off.

All is drawn from the seed. A log is a bare answer's: Accepted, Delta …, Finished; `error` instead of the last where it
was broken off.
"""

import json
import random
from dataclasses import dataclass

from bdchat.api.generation.answer_reading import Reading
from bdchat.api.generation.events import LogEvent
from bdchat.engine.errors import EngineError, EngineUnavailable, GenerationFailed
from bdchat.engine.model_info import AnswerFormat
from bdchat.engine.request import (
    Accepted,
    ChatPrompt,
    Delta,
    Finished,
    FinishReason,
    Timings,
    TokenLogprob,
    TopLogprob,
    Usage,
)

WORDS = ("Hello", " there", ".", " 안녕", "하세요", " 🙂", "\n", "\n\n", " <b>", ' "x"', " {", "\u2028", " a\\b", "é")
TOOLS: tuple[dict[str, object], ...] = tuple(
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("weather", "now")
)
HERMES = AnswerFormat(family="hermes", thinks=True)


@dataclass(frozen=True)
class RandomAnswer:
    events: list[LogEvent]
    reading: Reading
    error: EngineError | None
    reason: FinishReason | None
    stop: str | None


def random_answer(seed: int) -> RandomAnswer:
    rng = random.Random(seed)
    has_tools = rng.random() < 0.7
    opens_thought = rng.random() < 0.2
    text = _text(rng, has_tools=has_tools, opens_thought=opens_thought)
    reason = rng.choices((FinishReason.STOP, FinishReason.LENGTH, FinishReason.CANCELLED, None), weights=(6, 3, 1, 2))[
        0
    ]
    if reason is not FinishReason.STOP:
        text = text[: rng.randrange(len(text) + 1)]
    stop = "STOP" if reason is FinishReason.STOP and rng.random() < 0.3 else None
    events: list[LogEvent] = [
        Accepted(request_id="r", prompt_tokens=tuple(range(rng.randrange(1, 9))), seed=1, opens_thought=opens_thought)
    ]
    has_logprobs = rng.random() < 0.3
    while text:
        length = rng.randrange(0, 9)
        piece, text = text[:length], text[length:]
        tokens = tuple(piece.encode())
        scores = tuple(map(_scored, tokens)) if has_logprobs else ()
        events.append(Delta(request_id="r", index=0, text=piece, tokens=tokens, logprobs=scores))
    error: EngineError | None = None
    if reason is None:
        error = rng.choice((GenerationFailed("no"), EngineUnavailable("it restarts", 2.0)))
    else:
        usage = Usage(num_prompt_tokens=8, num_cached_tokens=rng.randrange(8), num_completion_tokens=5)
        timings = Timings(queue_ms=1.0, prefill_ms=2.0, decode_ms=900.0)
        events.append(Finished(request_id="r", index=0, reason=reason, usage=usage, timings=timings, stop=stop))
    prompt = ChatPrompt(messages=(), tools=TOOLS if has_tools else (), parallel_tool_calls=rng.random() < 0.8)
    reading = Reading.of(prompt).by(HERMES, opens_thought=False)
    return RandomAnswer(events, reading, error, reason, stop)


def _text(rng: random.Random, *, has_tools: bool, opens_thought: bool) -> str:
    pieces = []
    if opens_thought:
        pieces.append(f"{_words(rng)}</think>\n\n")
    elif rng.random() < 0.4:
        pieces.append(f"<think>{_words(rng)}</think>\n\n")
    if rng.random() < 0.7:
        pieces.append(_words(rng))
    if has_tools:
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            arguments = {"city": _words(rng)} if rng.random() < 0.7 else {}
            called = {"name": rng.choice(("weather", "now")), "arguments": arguments}
            pieces.append(f"<tool_call>\n{json.dumps(called, ensure_ascii=False)}\n</tool_call>\n")
    return "".join(pieces)


def _words(rng: random.Random) -> str:
    return "".join(rng.choices(WORDS, k=rng.randrange(1, 7)))


def _scored(token: int) -> TokenLogprob:
    top = TopLogprob(token_id=token, token_bytes=bytes([token]), logprob=-0.5)
    return TokenLogprob(token_id=token, token_bytes=bytes([token]), logprob=-0.5, top=(top,))
