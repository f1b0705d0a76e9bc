"""How long whole steps of a model take here: by the whole team on the wall's clock. One thread of the caller's.

llama/calibration.py compares ways to hold keys and values, where one thread's own clock is enough; encodings differ in
the bytes that a step reads, and all threads share the memory's bandwidth.
"""

import time
from collections.abc import Sequence

import msgspec

from bdchat.engine.kv.plan import KVPlan
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.llama.runner import LlamaRunner
from bdchat.engine.model_runner import MemoryClass, Slice
from bdchat.engine.weights.choice import NEW_TOKENS, NUM_STREAMS, PROMPT_TOKENS
from bdchat.settings import EngineSettings

NUM_REPEATS = 16  # the fastest counts: other processes only ever add time
N_CTX = 512
MAX_PROMPT_S = 20.0  # a large model reads a shorter one


class StepTimes(msgspec.Struct, frozen=True):
    """In milliseconds."""

    prompt: float  # of one token of a prompt
    alone: float  # one stream writes one token
    streams: float  # NUM_STREAMS of them write one each

    @property
    def typical(self) -> float:
        """Of typical requests one at a time and NUM_STREAMS at once, the geometric mean; its unit means nothing."""
        alone = PROMPT_TOKENS * self.prompt + NEW_TOKENS * self.alone
        together = NUM_STREAMS * PROMPT_TOKENS * self.prompt + NEW_TOKENS * self.streams
        return float((alone * together) ** 0.5)


def fastest_of(measured: Sequence[StepTimes]) -> StepTimes:
    """Each figure's lowest: other processes only ever add time."""
    return StepTimes(
        prompt=min(times.prompt for times in measured),
        alone=min(times.alone for times in measured),
        streams=min(times.streams for times in measured),
    )


def measure_steps(model: LlamaModel, settings: EngineSettings, plan: KVPlan) -> StepTimes:
    """At a depth of up to PROMPT_TOKENS."""
    is_recurrent = model.memory_class is MemoryClass.RECURRENT
    small = settings.model_copy(
        update={
            "n_ctx": N_CTX,
            "max_sequences": 1 if is_recurrent else NUM_STREAMS,
            "n_batch": PROMPT_TOKENS,
        }
    )
    with LlamaRunner(model, "steps", small, plan) as runner:
        n_vocab = runner.info.n_vocab
        tokens = [(7919 * (place + 1)) % n_vocab for place in range(PROMPT_TOKENS)]
        first_s = _decode_s(runner, [Slice(0, 0, tokens[:16], 1)])  # allocates, wakes the threads
        depth = PROMPT_TOKENS if first_s * PROMPT_TOKENS / 16 <= MAX_PROMPT_S else 32
        prompt_s = float("inf")
        for seq_id in range(runner.num_sequences):
            runner.truncate(seq_id, 0)
            prompt_s = min(prompt_s, _decode_s(runner, [Slice(seq_id, 0, tokens[:depth], 1)]))
        positions = [depth] * runner.num_sequences
        alone_s = _fastest_step(runner, positions, 1)
        streams_s = _fastest_step(runner, positions, runner.num_sequences) * NUM_STREAMS / runner.num_sequences
    return StepTimes(1000 * prompt_s / depth, 1000 * alone_s, 1000 * streams_s)


def _fastest_step(runner: LlamaRunner, positions: list[int], count: int) -> float:
    fastest = float("inf")
    for number in range(NUM_REPEATS):
        token = (31 * number + 7) % runner.info.n_vocab
        step = [Slice(seq_id, positions[seq_id], [token], 1) for seq_id in range(count)]
        fastest = min(fastest, _decode_s(runner, step))
        positions[:count] = [position + 1 for position in positions[:count]]
    return fastest


def _decode_s(runner: LlamaRunner, slices: list[Slice]) -> float:
    began = time.perf_counter()
    runner.decode(slices)
    return time.perf_counter() - began
