"""Random tools, one of which the model must call: every answer is one call of a declared tool, and its arguments valid.

Judged by the jsonschema package, which shares no code with what held the answer. Temperature 1, a new seed each.
"""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import httpx
import jsonschema

from .bars import Bar
from .client import ClientError
from .compare import Log, Run
from .hardening import Outcome
from .prompts import user, words
from .servers import Contender, started

NUM_CALLS = 1000
AT_A_TIME = 8
MAX_NEW_TOKENS = 600
WORDS = ("city", "days", "unit", "query", "limit", "path", "text", "도시", "when", "who-is", "a_b", "🙂")
CHOICES = ("red", "초록", "blue 🙂", "naïve", 'say "hi"', "C:\\dir")


def tools(rng: random.Random) -> list[dict[str, Any]]:
    names = rng.sample([f"{verb}{sign}{noun}" for verb in ("get", "set", "find") for sign in "_-" for noun in "abc"], 4)
    return [
        {"type": "function", "function": {"name": name, "description": words(rng, 6), "parameters": _object(rng, 2)}}
        for name in names[: rng.randint(1, 4)]
    ]


def _object(rng: random.Random, depth: int) -> dict[str, Any]:
    properties = {name: _value(rng, depth - 1) for name in rng.sample(WORDS, rng.randint(0, 5))}
    required = [name for name in properties if rng.random() < 0.7]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _value(rng: random.Random, depth: int) -> dict[str, Any]:
    kinds: list[dict[str, Any]] = [
        {"type": "string", "maxLength": rng.randint(3, 30)},
        {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
        {"type": "integer", "minimum": rng.randint(-50, 0), "maximum": rng.randint(1, 5000)},
        {"type": "number", "minimum": 0, "maximum": 100},
        {"type": "boolean"},
        {"enum": rng.sample(CHOICES, 3)},
        {"const": rng.choice(CHOICES)},
        {"anyOf": [{"type": "string", "maxLength": 12}, {"type": "null"}]},
        {"type": "array", "items": {"type": "string", "maxLength": 8}, "maxItems": 3},
    ]
    if depth > 0:
        kinds += [_object(rng, depth), {"type": "array", "items": _object(rng, depth), "maxItems": 2}]
    return rng.choice(kinds)


def fault(answer: dict[str, Any], declared: list[dict[str, Any]]) -> str | None:
    """What is wrong with the answer. None: it is one valid call."""
    choice = answer["choices"][0]
    message, reason = choice["message"], choice["finish_reason"]
    calls = message.get("tool_calls") or []
    if reason != "tool_calls" or len(calls) != 1 or message.get("content"):
        return f"{reason}, {len(calls)} calls, content {message.get('content')!r:.80}"
    function = calls[0]["function"]
    schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in declared}
    try:
        jsonschema.validate(json.loads(function["arguments"]), schemas[function["name"]])
    except (KeyError, ValueError, jsonschema.ValidationError) as error:
        return f"{function['name']} {function['arguments'][:200]}: {error!r:.200}"
    return None


async def tool_calls(contender: Contender, logs: Path, log: Log, *, seed: int, num_calls: int) -> list[Outcome]:
    run = Run(contender.name, "tools", 0, seed, {})
    faults: list[str] = []
    async with (
        started(contender, logs) as running,
        httpx.AsyncClient(base_url=running.client.base_url, timeout=600) as http,
        asyncio.TaskGroup() as group,
    ):
        free = asyncio.Semaphore(AT_A_TIME)

        async def call(number: int) -> None:
            rng = random.Random(f"tools {seed} {number}")  # noqa: S311
            declared = tools(rng)
            choice: Any = "required"
            if rng.random() < 0.25:
                choice = {"type": "function", "function": {"name": declared[0]["function"]["name"]}}
            body = {
                "messages": [user(words(rng, 12))],
                "tools": declared,
                "tool_choice": choice,
                "parallel_tool_calls": False,
                "max_tokens": MAX_NEW_TOKENS,
                "temperature": 1,
                "seed": number,
            }
            async with free:
                answer = await http.post("/chat/completions", json={"model": running.client.model} | body)
            if answer.status_code != 200:
                raise ClientError(answer.status_code, answer.text)
            found = fault(answer.json(), declared)
            if found is not None:
                log(f"tools: {number}: {found}")
                faults.append(found)

        for number in range(num_calls):
            group.create_task(call(number))
    run.figures.update(calls=float(num_calls), valid=float(num_calls - len(faults)))
    text = f"{num_calls - len(faults)} of {num_calls} forced calls are valid"
    return [Outcome(Bar(4, text, not faults), run)]
