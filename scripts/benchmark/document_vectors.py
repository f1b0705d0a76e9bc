"""What vectors of passages cost: tokens a CPU second, and how much of its speed a running chat loses to them.

Rounds with and without are interleaved, so that a machine that gets busy meanwhile is unfair to neither.
"""

import asyncio
import itertools
import os
import time
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from statistics import median

from bdchat.engine.local.local_engine import LocalEngine
from bdchat.engine.local.local_models import LocalModels
from bdchat.engine.request import Delta, EmbeddingRequest, GenerationRequest, SamplingParams, TextPrompt
from bdchat.settings import load

from .bars import Bar
from .compare import Log, Run
from .hardening import Outcome

EMBEDDER = "multilingual-e5-small"
MIN_TOKENS_PER_CPU_S = 350
MAX_LOSS = 0.10
NUM_ANSWER_TOKENS = 200
NUM_BATCHES = 4
NUM_QUESTIONS = 20
KOREAN = (
    "구매한 날부터 14일 안에 영수증을 가져오시면 환불해 드립니다. 배송비는 구매자가 부담합니다. "
    "연차 휴가는 입사하고 1년이 지나면 15일이 주어지며, 남은 날은 다음 해 3월까지 쓸 수 있습니다. "
)
PASSAGE = f"passage: 제3장 > 규정\n{KOREAN * 7}"
_numbers = itertools.count()


async def document_vectors(model: Path, data_dir: Path, log: Log, *, num_rounds: int) -> list[Outcome]:
    """`data_dir`: a folder of models that has EMBEDDER. Raises ModelNotFound."""
    models = LocalModels.of(load(data_dir=data_dir))
    found = models.find(EMBEDDER)
    async with AsyncExitStack() as stack:
        chat = await stack.enter_async_context(models.open(models.find_for_operator(str(model))))
        passages = models.open_for_passages(found, in_background=True)
        questions = models.open_for_passages(found, in_background=False)
        stack.push_async_callback(passages.aclose)
        stack.push_async_callback(questions.aclose)
        rate = await _tokens_per_cpu_s(passages)
        log(f"vectors: {rate:.0f} tokens a CPU second")
        asking_ms = await _asking_ms(questions)
        await _answer_tokens_per_s(chat)
        alone, beside, made, asking_busy_ms = [], [], [], []
        for number in range(1, num_rounds + 1):
            alone.append(await _answer_tokens_per_s(chat))
            work = asyncio.create_task(_embed_for_ever(passages))
            await asyncio.sleep(0)
            before = passages.metrics().tokens_embedded
            beside.append(await _answer_tokens_per_s(chat))
            made.append(passages.metrics().tokens_embedded - before)
            answer = asyncio.create_task(_answer_tokens_per_s(chat))
            asking_busy_ms.append(await _asking_ms(questions, num_questions=3))
            await answer
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            log(f"vectors, round {number}: {alone[-1]:.1f} tokens/s alone, {beside[-1]:.1f} beside {made[-1]} embedded")
    loss = 1 - median(each / other for each, other in zip(beside, alone, strict=True))
    figures = {
        "tokens_per_cpu_s": rate,
        "chat_alone_tokens_per_s": median(alone),
        "chat_beside_tokens_per_s": median(beside),
        "chat_loss": loss,
        "embedded_beside": median(made),
        "question_ms": asking_ms,
        "question_busy_ms": median(asking_busy_ms),
    }
    run = Run("bdchat", "document-vectors", 1, 0, figures)
    speed = f"vectors of passages: {rate:.0f} tokens a CPU second, at least {MIN_TOKENS_PER_CPU_S}"
    lost = f"a chat loses {loss:.1%} of its speed, at most {MAX_LOSS:.0%} (medians of {num_rounds} rounds in turns)"
    return [
        Outcome(Bar(3, speed, rate >= MIN_TOKENS_PER_CPU_S), run),
        Outcome(Bar(3, lost, loss <= MAX_LOSS), run),
    ]


async def _tokens_per_cpu_s(engine: LocalEngine) -> float:
    await engine.embed(_request(1))  # it starts
    before, num_tokens = _cpu_s(engine), 0
    for _ in range(NUM_BATCHES):
        made = await engine.embed(_request(8))
        num_tokens += sum(made.num_tokens)
    return num_tokens / (_cpu_s(engine) - before)


async def _embed_for_ever(engine: LocalEngine) -> None:
    while True:
        await engine.embed(_request(8))


async def _asking_ms(engine: LocalEngine, num_questions: int = NUM_QUESTIONS) -> float:
    """Of one question, in the middle; the first one starts it."""
    taken = []
    for _ in range(num_questions + 1):
        request = EmbeddingRequest(request_id=f"q{next(_numbers)}", texts=("query: 환불은 언제까지 되나요?",))
        began = time.perf_counter()
        await engine.embed(request)
        taken.append(1000 * (time.perf_counter() - began))
    return median(taken[1:])


async def _answer_tokens_per_s(engine: LocalEngine) -> float:
    """After the first token, so that reading the prompt does not count."""
    request = GenerationRequest(
        request_id=f"a{next(_numbers)}",
        prompt=TextPrompt(text=f"Story number {next(_numbers)}: once upon a time"),
        sampling=SamplingParams(temperature=0.0, max_tokens=NUM_ANSWER_TOKENS, ignore_eos=True),
    )
    began, num_tokens = 0.0, 0
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, Delta):
                began = began or time.perf_counter()
                num_tokens += len(event.tokens)
    return (num_tokens - 1) / (time.perf_counter() - began)


def _request(num_texts: int) -> EmbeddingRequest:
    number = next(_numbers)
    return EmbeddingRequest(request_id=f"p{number}", texts=tuple(f"{PASSAGE}{number} {i}" for i in range(num_texts)))


def _cpu_s(engine: LocalEngine) -> float:
    fields = Path(f"/proc/{engine.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
