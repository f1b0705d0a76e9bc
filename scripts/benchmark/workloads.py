"""The four loads that are compared, each a function from a client and a seed to figures. Knows HTTP only.

Prompts come from the seed alone, so that two servers get the same ones and no repeat finds an earlier repeat's cache.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter

from .client import Client, ClientError, Reply
from .figures import percentile, quantiles
from .prompts import Shape, assistant, system, user, words

Figures = dict[str, float]
Measure = Callable[[Client, Shape, int, int], Awaitable[Figures]]  # client, shape, level, seed

STREAM_PROMPT_TOKENS = 218
STREAM_NEW_TOKENS = 128
SESSIONS_AT_A_TIME = 4
TURN_WORDS = 24
ANSWER_TOKENS = 32
PREFIX_TOKENS = 500
NUM_PREFIX_REQUESTS = 8
TAIL_WORDS = 40
INTRUDER_TOKENS = 3000
NUM_DISTURBED = 3
DISTURBED_NEW_TOKENS = 1200


@dataclass(frozen=True, slots=True)
class Conversations:
    num_sessions: int = 12
    num_turns: int = 6
    system_tokens: int = 600
    turn_words: int = TURN_WORDS


@dataclass(frozen=True, slots=True)
class Workload:
    name: str
    unit: str  # what a level counts
    levels: tuple[int, ...]
    measure: Measure
    title: str


def requests_per_level(level: int) -> int:
    """Enough full waves that the first and last, where fewer streams run, do not decide the figure."""
    return max(3, 3 * level if level <= 4 else 2 * level)


def stream_prompt(rng: random.Random, shape: Shape) -> list[dict[str, str]]:
    return [user(words(rng, shape.num_words(STREAM_PROMPT_TOKENS)))]


async def streams(client: Client, shape: Shape, level: int, seed: int) -> Figures:
    rng = random.Random(f"streams {level} {seed}")  # noqa: S311
    prompts = [stream_prompt(rng, shape) for _ in range(requests_per_level(level))]
    queue = iter(prompts)
    replies: list[Reply] = []

    async def work() -> None:
        for prompt in queue:
            replies.append(await client.stream(prompt, STREAM_NEW_TOKENS))

    started = perf_counter()
    await asyncio.gather(*(work() for _ in range(level)))
    wall_s = perf_counter() - started
    return {"wall_s": wall_s, **summary(replies, wall_s)}


def summary(replies: list[Reply], wall_s: float) -> Figures:
    num_tokens = sum(reply.num_completion_tokens for reply in replies)
    told = all(reply.usage.prompt_tokens is not None for reply in replies)
    return {
        "tokens_per_s": num_tokens / wall_s,
        "completion_tokens": num_tokens,
        "prompt_tokens": sum(reply.usage.prompt_tokens or 0 for reply in replies),
        "prompt_tokens_evaluated": sum(reply.num_evaluated_tokens for reply in replies) if told else math.nan,
        "prompt_tokens_cached": sum(reply.usage.cached_tokens for reply in replies) if told else math.nan,
        "num_events": sum(len(reply.events) for reply in replies),
        **quantiles("ttft", [reply.ttft_s for reply in replies]),
        **quantiles("gap", [gap for reply in replies for gap in reply.gaps_s]),
    }


@dataclass(slots=True)
class Turn:
    """One request of a conversation, in the server's own counts."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


def least_possible(conversations: list[list[Turn]], num_shared_tokens: int) -> int:
    """Prompt tokens that no server can avoid to compute.

    The conversation that comes first computes its whole first prompt; each other one only what follows the shared
    prefix. A later prompt repeats the previous prompt and its answer, of which all but the last token (sampled, never
    computed) are in the cells; the rest is new. An answer whose text is not tokenised as it was generated needs more:
    the bound does not allow for it.
    """
    total = num_shared_tokens
    for turns in conversations:
        total += turns[0].prompt_tokens - num_shared_tokens
        for previous, turn in pairwise(turns):
            known = previous.prompt_tokens + previous.completion_tokens - 1
            total += max(1, turn.prompt_tokens - known)
    return total


def num_retokenised(conversations: list[list[Turn]]) -> int:
    """Turns whose cache hit ended inside the previous answer: its text became other tokens than were generated."""
    pairs = [pair for turns in conversations for pair in pairwise(turns)]
    return sum(
        previous.prompt_tokens - 1 <= turn.cached_tokens < previous.prompt_tokens + previous.completion_tokens - 2
        for previous, turn in pairs
    )


async def shared_tokens(client: Client, rng: random.Random, num_words: int, tail_words: int) -> int:
    """Tokens that two prompts with one long beginning of that many words share, template included.

    Asked of the server: of a beginning that no other request has, the second request's cached tokens. A server that
    does not tell gets the arithmetic: all but the second's own words and about eight tokens of template.
    """
    beginning = words(rng, num_words)
    first = await client.usage([system(beginning), user(words(rng, tail_words))])
    second = await client.usage([system(beginning), user(words(rng, tail_words))])
    told = second.cached_tokens
    if told >= (first.prompt_tokens or 0) * 0.8:
        return told
    return max(0, (second.prompt_tokens or 0) - tail_words - 8)


async def sessions(client: Client, shape: Shape, level: int, seed: int) -> Figures:
    return await conversations(client, shape, level, seed, Conversations())


async def conversations(client: Client, shape: Shape, level: int, seed: int, wanted: Conversations) -> Figures:
    """`level` of them at a time, all alive: turn n of each comes before turn n + 1 of any."""
    rng = random.Random(f"sessions {seed}")  # noqa: S311
    num_sessions, num_turns, turn_words = wanted.num_sessions, wanted.num_turns, wanted.turn_words
    num_words = shape.num_words(wanted.system_tokens, with_template=False)
    num_shared = await shared_tokens(client, rng, num_words, turn_words)
    prompt = system(words(rng, num_words))
    questions = [[words(rng, turn_words) for _ in range(num_turns)] for _ in range(num_sessions)]
    histories = [[prompt] for _ in range(num_sessions)]
    replies: list[list[Reply]] = [[] for _ in range(num_sessions)]
    locks = [asyncio.Lock() for _ in range(num_sessions)]
    order = [(turn, index) for turn in range(num_turns) for index in rng.sample(range(num_sessions), k=num_sessions)]
    queue = iter(order)

    async def work() -> None:
        for turn, index in queue:
            async with locks[index]:
                history = histories[index]
                history.append(user(questions[index][turn]))
                reply = await client.stream(history, ANSWER_TOKENS)
                history.append(assistant(reply.text))
                replies[index].append(reply)

    started = perf_counter()
    await asyncio.gather(*(work() for _ in range(level)))
    wall_s = perf_counter() - started
    turns = [
        [
            Turn(reply.usage.prompt_tokens or 0, reply.usage.cached_tokens, reply.num_completion_tokens)
            for reply in of_session
        ]
        for of_session in replies
    ]
    least = least_possible(turns, num_shared)
    everything = summary([reply for of_session in replies for reply in of_session], wall_s)
    later = [reply.ttft_s for of_session in replies for reply in of_session[1:]]
    per_turn = {
        f"ttft_turn_{turn + 1}_p50_ms": percentile([of_session[turn].ttft_s for of_session in replies], 50) * 1000
        for turn in range(num_turns)
    }
    return {
        "wall_s": wall_s,
        **everything,
        "shared_tokens": num_shared,
        "held_tokens": num_shared
        + sum(each[-1].prompt_tokens + each[-1].completion_tokens - num_shared for each in turns),
        "least_possible": least,
        "evaluated_ratio": everything["prompt_tokens_evaluated"] / least,
        "turns_retokenised": num_retokenised(turns),
        **quantiles("later_ttft", later),
        **per_turn,
    }


async def prefix(client: Client, shape: Shape, level: int, seed: int) -> Figures:
    """`level` requests at once with one long beginning and different tails."""
    rng = random.Random(f"prefix {seed}")  # noqa: S311
    num_words = shape.num_words(PREFIX_TOKENS, with_template=False)
    num_shared = await shared_tokens(client, rng, num_words, TAIL_WORDS)
    beginning = system(words(rng, num_words))
    prompts = [[beginning, user(words(rng, TAIL_WORDS))] for _ in range(level)]
    started = perf_counter()
    replies = await asyncio.gather(*(client.stream(prompt, ANSWER_TOKENS) for prompt in prompts))
    wall_s = perf_counter() - started
    figures = summary(list(replies), wall_s)
    least = num_shared + sum((reply.usage.prompt_tokens or 0) - num_shared for reply in replies)
    return {
        "wall_s": wall_s,
        **figures,
        "shared_tokens": num_shared,
        "least_possible": least,
        "evaluated_ratio": figures["prompt_tokens_evaluated"] / least,
    }


async def intrusion(client: Client, shape: Shape, level: int, seed: int) -> Figures:
    """A long prompt arrives while `level` streams run; the streams are ended once it has answered."""
    rng = random.Random(f"intrusion {seed}")  # noqa: S311
    beginnings = [[user(words(rng, shape.num_words(64)))] for _ in range(level)]
    intruder = [user(words(rng, shape.num_words(INTRUDER_TOKENS)))]
    with ExitStack() as stack:
        running = []
        for beginning in beginnings:
            exchange = await client.start(beginning, DISTURBED_NEW_TOKENS)
            stack.callback(exchange.abort)
            running.append(exchange)
        await asyncio.gather(*(exchange.until(24) for exchange in running))
        before = [len(exchange.events) for exchange in running]
        arrived = perf_counter()
        reply = await client.stream(intruder, 16)
        await asyncio.gather(*(exchange.until(len(exchange.events) + 4) for exchange in running))
        times = [[at for at, _ in exchange.events] for exchange in running]
        if any(exchange.closed.done() for exchange in running):
            raise ClientError(0, "a stream ended before the long prompt had answered")
    during = [_gaps(of_one[count - 1 :]) for of_one, count in zip(times, before, strict=True)]
    calm = [_gaps(of_one[:count]) for of_one, count in zip(times, before, strict=True)]
    return {
        "wall_s": perf_counter() - arrived,
        "ttft_s": reply.ttft_s,
        "largest_gap_s": max(max(gaps) for gaps in during),
        "median_gap_s": percentile([gap for gaps in during for gap in gaps], 50),
        "calm_gap_s": percentile([gap for gaps in calm for gap in gaps], 50),
        "prompt_tokens": reply.usage.prompt_tokens or 0,
        "prompt_tokens_evaluated": reply.num_evaluated_tokens,
        "prompt_tokens_cached": reply.usage.cached_tokens,
        "num_events": sum(len(of_one) for of_one in times) + len(reply.events),
    }


def _gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


STREAMS = Workload("streams", "streams", (1, 4, 8, 16), streams, "218-token distinct prompts, 128 new tokens each")
SESSIONS = Workload(
    "sessions", "at a time", (SESSIONS_AT_A_TIME,), sessions, "12 sessions × 6 turns over a 600-token system prompt"
)
PREFIX = Workload(
    "prefix", "at once", (NUM_PREFIX_REQUESTS,), prefix, "one 500-token prefix, different tails, all at once"
)
INTRUSION = Workload(
    "intrusion", "streams", (NUM_DISTURBED,), intrusion, "a 3,000-token prompt arrives while streams run"
)
COMPARED = (STREAMS, SESSIONS, PREFIX, INTRUSION)
