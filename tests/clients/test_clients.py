"""Clients of the wires, from their packages, do with a bdchat server what they do with the one they were written for.

Each tells the same few things, as far as it can do them; what is told is held to one law, whoever told it.
"""

import asyncio
import json
import math
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic import TypeAdapter

from tests.api.serving import make_app, served
from tests.clients.clever_engine import THOUGHT, CleverEngine
from tests.clients.told import MODEL, Pet, weather_text
from tests.e2e.server_process import server_process

pytestmark = [pytest.mark.anyio, pytest.mark.gguf, pytest.mark.slow]
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYTHON, NODE = HERE / ".venv" / "bin" / "python", HERE / "node_modules" / ".bin" / "node"
TIMEOUT_S = 240
N_EMBD = 576  # the default model's

CLIENTS = {
    "openai_client.mjs": "chat streamed usage calls streamed_calls agent objects vectors",
    "vercel_client.mjs": "chat streamed usage calls streamed_calls thought agent objects vectors",
    "continue_client.mjs": "chat streamed usage streamed_calls completion vectors models",
    "langchain_client": "chat streamed usage calls streamed_calls agent objects vectors",
    "instructor_client": "objects",
    "pydantic_ai_client": "chat streamed usage agent objects",
    "litellm_client": "chat streamed usage calls streamed_calls thought agent objects vectors overflow",
    "llama_index_client": "chat streamed calls ran agent objects vectors",
    "llm_client": "chat streamed usage agent objects",
    "agents_client": "chat ran agent objects",
    "responses_client": "chat streamed usage calls streamed_calls thought agent objects completion",
    "responses_client.mjs": "chat streamed usage calls streamed_calls thought agent objects completion",
    "agents_responses_client": "chat ran agent objects",
    "vercel_openai_client.mjs": "chat streamed usage calls streamed_calls agent stored_agent thought objects",
    "anthropic_client": "chat streamed usage calls streamed_calls thought agent objects models",
    "anthropic_client.mjs": "chat streamed usage calls streamed_calls thought agent",
    "ollama_client": "chat streamed completion usage streamed_calls thought agent objects vectors models",
}


class Servers(NamedTuple):
    real: str
    clever: str


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def servers(default_model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Servers]:
    # One thread: beside other work a second one is waited for at every layer.
    sets = ("--set", "engine.calibrate=false", "--set", "engine.n_threads=1")
    options = ("--model", str(default_model_path), *sets)
    async with (
        server_process(tmp_path_factory.mktemp("data"), *options) as real,
        served(make_app(CleverEngine(model_id=MODEL))) as clever,
    ):
        yield Servers(real.url, clever)


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_client_does_what_it_does_elsewhere(client: str, servers: Servers, tmp_path: Path) -> None:
    told = await run_client(client, servers, tmp_path)
    assert told.pop("outside") == [], "it reached for another machine"
    assert set(told) == set(CLIENTS[client].split())
    for name, finding in told.items():
        LAWS[name](finding)


def test_who_reaches_for_another_machine_is_kept_and_told_of() -> None:
    program = """
import socket, sys
from tests.clients.inside import keep_inside
sys.addaudithook(keep_inside)
socket.create_connection(("192.0.2.1", 9))
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "outside: socket.getaddrinfo 192.0.2.1" in done.stderr.splitlines()
    assert "ConnectionRefusedError" in done.stderr


async def run_client(client: str, servers: Servers, home: Path) -> dict[str, Any]:
    if not PYTHON.exists() or not NODE.exists():
        pytest.fail("the clients are not installed; run scripts/test, or scripts/bootstrap_clients.py")
    program = [NODE, HERE / client] if client.endswith(".mjs") else [PYTHON, "-m", "tests.clients.inside", client]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "TIKTOKEN_CACHE_DIR": str(next(PYTHON.parents[1].glob("lib/python3*/site-packages/litellm/**/tokenizers"))),
    }
    process = await asyncio.create_subprocess_exec(
        *program, *servers, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode == 0, errors.decode()[-6000:]
    told: dict[str, Any] = json.loads(output.splitlines()[-1])
    outside = [line for line in errors.decode().splitlines() if line.startswith("outside: ")]
    return {"outside": outside} | told  # those of Node tell it themselves


def is_text(finding: Any) -> None:
    assert isinstance(finding, str)
    assert finding.strip()


def is_usage(finding: Any) -> None:
    num_prompt_tokens, num_completion_tokens = finding
    assert num_prompt_tokens > 0
    assert num_completion_tokens > 0


def are_calls(finding: Any) -> None:
    assert finding
    for call in finding:
        assert call["name"] == "get_weather"
        assert set(call["arguments"]) == {"city", "days"}
        assert call["arguments"]["city"] in {"Seoul", "Busan"}
        assert isinstance(call["arguments"]["days"], int)


def are_streamed_calls(finding: Any) -> None:
    assert finding == [{"name": "get_weather", "arguments": {"city": "Seoul", "days": 2}}]


def were_run(finding: Any) -> None:
    assert finding
    assert all(" degrees in " in text for text in finding)


def are_pets(finding: Any) -> None:
    assert finding
    TypeAdapter(list[Pet]).validate_python(finding)


def is_answered_from_the_tool(finding: Any) -> None:
    assert finding == f"It will be {weather_text('Seoul', 2)}."


def is_the_thought(finding: Any) -> None:
    assert finding.strip() == THOUGHT


def are_vectors(finding: Any) -> None:
    assert [len(vector) for vector in finding] == [N_EMBD] * 2
    assert all(math.isclose(math.hypot(*vector), 1, abs_tol=1e-3) for vector in finding)
    assert finding[0] != finding[1]


def has_the_model(finding: Any) -> None:
    assert MODEL in finding


def is_the_error_of_a_full_context(finding: Any) -> None:
    assert finding == "ContextWindowExceededError"


LAWS = {
    "chat": is_text,
    "streamed": is_text,
    "completion": is_text,
    "usage": is_usage,
    "calls": are_calls,
    "streamed_calls": are_streamed_calls,
    "ran": were_run,
    "objects": are_pets,
    "agent": is_answered_from_the_tool,
    "stored_agent": is_answered_from_the_tool,
    "thought": is_the_thought,
    "vectors": are_vectors,
    "models": has_the_model,
    "overflow": is_the_error_of_a_full_context,
}
