"""What holding answers to a grammar costs: a mask, a compilation, streams beside free ones; and what bombs do.

The first two are measured in this process, in the CPU time of their thread, so that a busy machine does not count. The
others need a server. Knows the engine's sampling and /v1.
"""

import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

import numpy as np

from bdchat.engine.llama.tokenizer import open_vocab
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.request import Constraint, GenerationRequest, TokenPrompt
from bdchat.engine.sampling.compiler import GrammarCompiler
from bdchat.engine.sampling.token_table import TokenTable

from .bars import Bar
from .bombs import bombs
from .client import Client
from .compare import Log, Run
from .figures import percentile
from .hardening import Outcome, longest_silence
from .prompts import user
from .servers import Contender, Running, started

MAX_MASK_US, MAX_MASK_P99_US, MAX_COMPILE_MS = 50.0, 1000.0, 20.0
MIN_RATIO = 0.95
MAX_BOMB_S = 2.0
MAX_MEMORY_GROWTH = 1.1  # after all bombs, of what the processes had before them
NUM_SCHEMAS = 60
NUM_STREAMS = 8
NUM_NEW_TOKENS = 96
TEXTS = {"type": "array", "items": {"type": "string", "minLength": 20}, "minItems": 1000}
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda"]


async def constraints(
    contender: Contender, model: Path, logs: Path, log: Log, *, seed: int, num_pairs: int
) -> list[Outcome]:
    run = Run(contender.name, "constraints", 0, seed, {})
    outcomes = [Outcome(bar, run) for bar in _costs(model, run, log, seed)]
    async with started(contender, logs) as running:
        outcomes += [Outcome(bar, run) for bar in (await _streams(running.client, run, log, num_pairs),)]
        outcomes += [Outcome(bar, run) for bar in await _bombs(running, run, log)]
    return outcomes


def schemas(seed: int) -> Iterator[dict[str, Any]]:
    """Objects as programs ask for them: a few keys, lists, alternatives, one level within another."""
    rng = random.Random(seed)  # noqa: S311
    for _ in range(NUM_SCHEMAS):
        yield _object(rng, depth=2)


def _object(rng: random.Random, depth: int) -> dict[str, Any]:
    names = rng.sample(WORDS, rng.randint(2, 8))
    properties = {name: _value(rng, depth - 1) for name in names}
    required = [name for name in names if rng.random() < 0.8]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _value(rng: random.Random, depth: int) -> dict[str, Any]:
    kinds: list[dict[str, Any]] = [
        {"type": "string"},
        {"type": "string", "maxLength": rng.randint(5, 60)},
        {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
        {"type": "integer", "minimum": 0, "maximum": rng.randint(9, 5000)},
        {"type": "number"},
        {"type": "boolean"},
        {"enum": rng.sample(WORDS, 4)},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ]
    if depth > 0:
        kinds += [_object(rng, depth), {"type": "array", "items": _object(rng, depth), "maxItems": 5}]
    return rng.choice(kinds)


def _costs(model: Path, run: Run, log: Log, seed: int) -> Iterator[Bar]:
    rng = np.random.default_rng(seed)
    masks_s, compiled_s = [], []
    with open_vocab(model) as tokenizer:
        row = rng.normal(size=tokenizer.n_vocab).astype(np.float32)
        out = np.empty_like(row)
        compiler = GrammarCompiler(lambda: TokenTable.of(tokenizer), _info(tokenizer.n_vocab))
        for number, schema in enumerate(({"type": "object"}, *schemas(seed))):
            constraint = Constraint(kind="json_schema", text=json.dumps(schema))
            request = GenerationRequest(request_id="", prompt=TokenPrompt(tokens=(0,)), constraint=constraint)
            order = compiler.order(request, opens_thought=False)
            assert order is not None
            began = thread_time()
            matcher = compiler.compile(order).start()
            assert matcher is not None
            if number:  # the first one makes the tokenizer, once per model
                compiled_s.append(thread_time() - began)
            for _ in range(100):
                began = thread_time()
                mask = matcher.mask()
                assert mask is not None
                np.add(row, mask, out=out)
                masks_s.append(thread_time() - began)
                matcher.accept(int(rng.choice(np.flatnonzero(mask == 0))))
                if matcher.is_over:
                    break
    median, p99 = (1e6 * percentile(masks_s, q) for q in (50, 99))
    p90 = 1e3 * percentile(compiled_s, 90)
    run.figures.update(mask_us=median, mask_p99_us=p99, compile_p90_ms=p90, n_vocab=float(len(row)))
    log(f"constraints: {len(masks_s)} masks over {len(row)} tokens, {len(compiled_s)} schemas")
    text = f"mask {median:.0f} µs median (≤ {MAX_MASK_US:.0f}), {p99:.0f} p99 (≤ {MAX_MASK_P99_US:.0f})"
    yield Bar(3, text, median <= MAX_MASK_US and p99 <= MAX_MASK_P99_US)
    yield Bar(3, f"compiled in {p90:.1f} ms p90 (≤ {MAX_COMPILE_MS:.0f})", p90 <= MAX_COMPILE_MS)


def _info(n_vocab: int) -> ModelInfo:
    return ModelInfo(
        model_id="",
        architecture="",
        num_parameters=0,
        model_bytes=0,
        n_vocab=n_vocab,
        n_ctx_train=0,
        n_ctx=0,
        num_sequences=1,
        num_cells=0,
        kv_layout="",
        kv_type="",
        flash_attention=False,
        n_threads=1,
        memory_class="",
        has_chat_template=False,
        fingerprint="",
    )


async def _streams(client: Client, run: Run, log: Log, num_pairs: int) -> Bar:
    """Free and held ones in turn, so that both meet the same machine."""
    held = {"type": "json_schema", "json_schema": {"name": "texts", "schema": TEXTS}}
    ratios = []
    await _rate(client, {"response_format": held}, 0)
    for number in range(1, num_pairs + 1):
        free = await _rate(client, {"ignore_eos": True}, number)
        constrained = await _rate(client, {"response_format": held}, number)
        ratios.append(constrained / free)
        log(f"constraints: {free:.0f} tokens/s free, {constrained:.0f} held")
    ratio = percentile(ratios, 50)
    run.figures["held_over_free"] = ratio
    text = f"{NUM_STREAMS} held streams over {NUM_STREAMS} free ones: {ratio:.3f} (≥ {MIN_RATIO})"
    return Bar(3, text, ratio >= MIN_RATIO)


async def _rate(client: Client, fields: dict[str, Any], seed: int) -> float:
    """Tokens per second from the first token of all to the last of all."""
    prompts = [[user(f"Story {seed}.{number}: tell me something.")] for number in range(NUM_STREAMS)]
    replies = await asyncio.gather(*(client.stream(prompt, NUM_NEW_TOKENS, seed=seed, **fields) for prompt in prompts))
    times = sorted(delta.at for reply in replies for delta in reply.deltas)
    return sum(reply.num_completion_tokens for reply in replies) / (times[-1] - min(reply.started for reply in replies))


async def _bombs(running: Running, run: Run, log: Log) -> list[Bar]:
    client = running.client
    before = running.tree.memory_bytes() if running.tree else 0
    watch = asyncio.create_task(longest_silence(client))
    late, wrong, num_bombs = [], [], 0
    for name, body in bombs(client.model):
        num_bombs += 1
        began = perf_counter()
        exchange = await client.send("POST", "/v1/chat/completions", body)
        await asyncio.wait_for(exchange.closed, 60.0)
        took = perf_counter() - began
        log(f"constraints: {name} → {exchange.status} in {took:.2f} s")
        if took > MAX_BOMB_S:
            late.append(name)
        if not 200 <= exchange.status < 500:
            wrong.append(name)
    watch.cancel()
    silence = (await asyncio.gather(watch, return_exceptions=True))[0]
    longest = silence if isinstance(silence, float) else float("inf")
    after = running.tree.memory_bytes() if running.tree else 0
    growth = after / before if before else 1.0
    run.figures.update(bombs=float(num_bombs), bombs_late=float(len(late)), health_silence_s=longest, growth=growth)
    counts = f"{num_bombs} bombs, {len(wrong)} without an answer of 2xx or 4xx, {len(late)} after {MAX_BOMB_S:.0f} s"
    memory = f"memory after them {growth:.2f} of before (≤ {MAX_MEMORY_GROWTH}), longest /health {longest:.2f} s"
    return [
        Bar(6, counts, not wrong and not late),
        Bar(6, memory, growth <= MAX_MEMORY_GROWTH and longest <= MAX_BOMB_S),
    ]
