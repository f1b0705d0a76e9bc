"""What lm-eval asks and how it reads the answers, compared with llama-cpp-python's own logits of the same tokens.

Log-likelihoods by /v1/completions (its local-completions: four prompts of token ids a request, echo, logprobs, one new
token, whose entry it leaves out), and greedy answers by /v1/chat/completions (its local-chat-completions). A third of
the items are the words of a chat to their end, after which the model ends at once.
"""

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import llama_cpp
import numpy as np

from .bars import Bar
from .client import ClientError
from .compare import Log, Run
from .hardening import Outcome
from .prompts import words
from .servers import Contender, started

NUM_ITEMS = 200
AT_A_TIME = 4
BATCH = 4
MAX_NEW_TOKENS = 16
N_CTX = 1024
SEED = 1234  # lm-eval's own
# Which kernels compute is the server's choice, and they round differently: on 16 of these items llama-cpp-python itself
# moves by 0.40 nats at most (0.21 on average) without repacked weights, by 1.03 (0.24) with flash attention. A token
# that is lost or doubled moves every item by whole nats.
MAX_ERROR, MAX_MEAN_ERROR = 2.0, 0.5  # nats an item
NEAR_TIE = 0.5  # nats between the two likeliest tokens: rounding may choose either
KOREAN = ("서울의 겨울은 춥고", "오늘 저녁에 먹은", "책을 읽는 사람은", "바다가 보이는 집에서")


@dataclass(frozen=True, slots=True)
class Item:
    context: tuple[int, ...]
    continuation: tuple[int, ...]


class Reference:
    """llama.cpp through llama-cpp-python, in this process."""

    def __init__(self, model: Path) -> None:
        self._llama = llama_cpp.Llama(
            str(model), n_ctx=N_CTX, n_batch=N_CTX, n_threads=1, n_threads_batch=1, logits_all=True, verbose=False
        )

    def tokens(self, text: str, *, is_beginning: bool = False) -> tuple[int, ...]:
        adds_bos = is_beginning and self._llama._model.add_bos_token()
        return tuple(self._llama.tokenize(text.encode(), add_bos=adds_bos, special=True))

    def score(self, item: Item) -> tuple[float, bool]:
        """(log-likelihood of the continuation, whether greedy decoding would have written it)."""
        rows = self._logprobs(item.context + item.continuation)[len(item.context) - 1 : -1]
        own = rows[np.arange(len(rows)), list(item.continuation)]
        return float(own.sum()), bool((rows.argmax(axis=1) == list(item.continuation)).all())

    def margins(self, prompt: tuple[int, ...], text: str) -> list[tuple[str, float]]:
        """Greedy text so far and, for the token after it, how far the likeliest is before the next."""
        found: list[tuple[str, float]] = []
        pending, written = list(prompt), b""
        self._llama.n_tokens = 0
        for _ in range(MAX_NEW_TOKENS):
            self._llama.eval(pending)
            row = self._llama.scores[self._llama.n_tokens - 1]
            second, first = np.argsort(row)[-2:]
            found.append((written.decode(errors="ignore"), float(row[first] - row[second])))
            if llama_cpp.llama_vocab_is_eog(self._llama._model.vocab, int(first)):
                break
            pending = [int(first)]
            written += self._llama.detokenize([int(first)])
            if not text.startswith(written.decode(errors="ignore")):
                break
        return [*found, (written.decode(errors="ignore"), 0.0)]

    def _logprobs(self, tokens: tuple[int, ...]) -> Any:
        self._llama.n_tokens = 0
        self._llama.eval(list(tokens))
        logits = np.array(self._llama.scores[: len(tokens)], np.float64)
        shifted = logits - logits.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def chat_text(question: str) -> str:
    """As the default model's own template writes it."""
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    return f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def items(reference: Reference, rng: random.Random, num_items: int) -> list[Item]:
    found: list[Item] = []
    for number in range(num_items):
        if number % 3 == 0:
            context, continuation = chat_text(f"Say the word {words(rng, 1)}."), f"{words(rng, 1).capitalize()}."
        else:
            context, continuation = words(rng, rng.randrange(5, 60)), f" {words(rng, rng.randrange(1, 6))}"
        if number % 3 == 1:
            context, continuation = f"{context} {rng.choice(KOREAN)}", f" 🙂 {rng.choice(KOREAN)}"
        found.append(Item(reference.tokens(context, is_beginning=True), reference.tokens(continuation)))
    return found


def read(choice: dict[str, Any], item: Item) -> tuple[float, bool]:
    """As lm-eval reads it: from the context on, without the last entry."""
    found, start = choice["logprobs"], len(item.context)
    own, tops = found["token_logprobs"][start:-1], found["top_logprobs"][start:-1]
    return sum(own), all(logprob == max(top.values()) for logprob, top in zip(own, tops, strict=True))


async def _ask(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Any:
    answer = await http.post(path, json=body)
    if answer.status_code != 200:
        raise ClientError(answer.status_code, answer.text)
    return answer.json()


async def _scored(http: httpx.AsyncClient, model: str, batch: list[Item]) -> list[dict[str, Any]]:
    prompts = [list(item.context + item.continuation) for item in batch]
    body = {"model": model, "prompt": prompts, "temperature": 0, "max_tokens": 1, "logprobs": 1, "seed": SEED}
    choices: list[dict[str, Any]] = (await _ask(http, "/completions", body | {"echo": True}))["choices"]
    return sorted(choices, key=lambda choice: choice["index"])


async def _answered(http: httpx.AsyncClient, model: str, question: str) -> str:
    message = {"role": "user", "content": question, "type": "text"}
    body = {"model": model, "messages": [message], "max_tokens": MAX_NEW_TOKENS, "temperature": 0}
    answer = await _ask(http, "/chat/completions", body | {"stop": [], "seed": SEED})
    return str(answer["choices"][0]["message"]["content"])


async def evaluation(
    contender: Contender, model: Path, logs: Path, log: Log, *, seed: int, num_items: int = NUM_ITEMS
) -> list[Outcome]:
    rng = random.Random(f"evaluation {seed}")  # noqa: S311
    reference = await asyncio.to_thread(Reference, model)
    asked = items(reference, rng, num_items)
    questions = [f"What do you think of {words(rng, 3)}?" for _ in range(num_items)]
    expected = await asyncio.to_thread(lambda: [reference.score(item) for item in asked])
    log(f"{num_items} items scored by llama-cpp-python")
    room = asyncio.Semaphore(AT_A_TIME)
    async with started(contender, logs) as running:
        name = running.client.model
        async with httpx.AsyncClient(base_url=running.client.base_url, timeout=600) as http:

            async def scored(start: int) -> list[dict[str, Any]]:
                async with room:
                    return await _scored(http, name, asked[start : start + BATCH])

            async def answered(question: str) -> str:
                async with room:
                    return await _answered(http, name, question)

            batches = await asyncio.gather(*(scored(start) for start in range(0, num_items, BATCH)))
            texts = await asyncio.gather(*(answered(question) for question in questions))
    choices = [choice for batch in batches for choice in batch]
    log("asked of the server; comparing")
    errors, num_greedy_apart, num_ended, num_unlisted = [], 0, 0, 0
    for item, choice, (likelihood, is_greedy) in zip(asked, choices, expected, strict=True):
        own, own_greedy = read(choice, item)
        errors.append(abs(own - likelihood))
        num_greedy_apart += own_greedy != is_greedy
        num_ended += choice["finish_reason"] == "stop"
        num_unlisted += len(choice["logprobs"]["tokens"]) != len(item.context) + len(item.continuation) + 1
    num_same, num_wrong = await asyncio.to_thread(_compared, reference, questions, list(texts))
    figures = {
        "items": float(num_items),
        "largest_error": max(errors),
        "mean_error": float(np.mean(errors)),
        "greedy_apart": float(num_greedy_apart),
        "ended_at_once": float(num_ended),
        "answers_same": float(num_same),
        "answers_wrong": float(num_wrong),
    }
    scores = (
        f"{num_items} log-likelihoods within {max(errors):.3f} nats of llama.cpp's ({figures['mean_error']:.4f} on"
        f" average), {num_unlisted} with a token too few or too many, {num_ended} ended at once, greedy flag apart in"
        f" {num_greedy_apart}"
    )
    answers = f"{num_same} of {num_items} greedy answers are llama.cpp's own, {num_wrong} leave them without a tie"
    run = Run(contender.name, "evaluation", num_items, 0, figures)
    is_near = max(errors) <= MAX_ERROR and figures["mean_error"] <= MAX_MEAN_ERROR
    is_exact = is_near and not num_unlisted and num_ended > 0
    return [Outcome(Bar(12, scores, is_exact), run), Outcome(Bar(12, answers, num_wrong == 0), run)]


def _compared(reference: Reference, questions: list[str], texts: list[str]) -> tuple[int, int]:
    """(answers that are the reference's, answers that leave it where the likeliest token stood out)."""
    num_same = num_wrong = 0
    for question, text in zip(questions, texts, strict=True):
        margins = reference.margins(reference.tokens(chat_text(question), is_beginning=True), text)
        if margins[-1][0] == text:
            num_same += 1
            continue
        shared = [margin for written, margin in margins[:-1] if text.startswith(written)]
        num_wrong += shared[-1] > NEAR_TIE
    return num_same, num_wrong
