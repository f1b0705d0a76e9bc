"""What guessing ahead is worth: answers that quote, edit and chat, with guesses and without, one and four at once; and
what a draft model is, a copy of the model with layers left out.

In this process, in turns: the same requests, greedy, by the scheduler itself; reading the prompts is not counted.
Of one thread (--set engine.n_threads=1) it is the thread's own CPU time, which other processes hardly disturb.
"""

import ctypes
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import llama_cpp
import numpy as np
import numpy.typing as npt

from bdchat.engine.host import default_num_threads
from bdchat.engine.kv.plan import KVPlan
from bdchat.engine.llama.draft_opening import open_draft
from bdchat.engine.llama.library import start_library
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.llama.runner import LlamaRunner
from bdchat.engine.llama.tokenizer import LlamaTokenizer
from bdchat.engine.model_runner import KVLayout, Slice
from bdchat.engine.request import GenerationRequest, SamplingParams, TokenPrompt
from bdchat.engine.scheduling.draft_model import DraftModel
from bdchat.engine.scheduling.engine_core import EngineCore
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.text.tokenizer import Segment
from bdchat.settings import EngineSettings

from .bars import Bar
from .compare import Log, Run
from .draft_tasks import prompts_of
from .figures import Spread
from .hardening import Outcome

LEVELS = (1, 4)
MIN_GAIN = {"quote": (1.8, 1.3), "edit": (1.8, 1.3), "chat": (0.98, 0.98)}  # at each of LEVELS
MIN_MODEL_GAIN = 1.3
NUM_NEW_TOKENS = 224
MAX_DRAFT_TOKENS = 48
KEPT_SHARE = 3  # the draft model has one layer of so many: the first ones and the last


def drafts(model: Path, folder: Path, settings: EngineSettings, log: Log, *, num_rounds: int) -> list[Outcome]:
    start_library()
    settings = settings.model_copy(update={"n_ctx": settings.n_ctx or 2048, "max_sequences": max(LEVELS)})
    outcomes: list[Outcome] = []
    with _opened(model, settings) as (loaded, runner):
        bench = _Bench(loaded, runner, log, num_rounds)
        outcomes += [bench.lookup(task, place) for task in MIN_GAIN for place in range(len(LEVELS))]
        pruned = _pruned(model, folder)
        share = pruned.stat().st_size / model.stat().st_size
        outcomes.append(bench.model(DraftModel(open_draft(pruned, loaded, runner, settings), share=share)))
        pruned.unlink()
    return outcomes


class _CpuTimed(LlamaRunner):
    """Takes its thread's CPU time for the time of a step."""

    def decode(self, slices: Sequence[Slice]) -> npt.NDArray[np.float32]:
        before, began = self.decode_seconds, time.thread_time()
        try:
            return super().decode(slices)
        finally:
            self.decode_seconds = before + time.thread_time() - began


@contextmanager
def _opened(path: Path, settings: EngineSettings) -> Iterator[tuple[LlamaModel, LlamaRunner]]:
    layout = KVLayout.UNIFIED if settings.wanted_layout == "unified" else KVLayout.STREAMS
    plan = KVPlan(layout, "f16", settings.flash_attention != "off")
    timed = _CpuTimed if _num_threads(settings) == 1 else LlamaRunner
    with LlamaModel.open(path, settings) as model, timed(model, "bench", settings, plan) as runner:
        yield model, runner


def _num_threads(settings: EngineSettings) -> int:
    return settings.n_threads or default_num_threads()


class _Bench:
    def __init__(self, model: LlamaModel, runner: LlamaRunner, log: Log, num_rounds: int) -> None:
        self._tokenizer = LlamaTokenizer(model.handle)
        self._runner = runner
        self._log = log
        self._num_rounds = num_rounds
        self._clock = time.thread_time if runner.info.n_threads == 1 else time.perf_counter
        self._cost = StepCost()  # learned once, as a server learns it

    def lookup(self, task: str, place: int) -> Outcome:
        level, wanted = LEVELS[place], MIN_GAIN[task][place]
        return self._compared(f"{task} at {level}", task, level, None, wanted)

    def model(self, drafter: DraftModel) -> Outcome:
        """Chat, which looks nothing up: what the draft model gives alone."""
        try:
            return self._compared("chat at 1 with a draft model", "chat", 1, drafter, MIN_MODEL_GAIN)
        finally:
            drafter.close()

    def _compared(self, name: str, task: str, level: int, drafter: DraftModel | None, wanted: float) -> Outcome:
        plain, drafting, counts = [], [], (0, 0)
        for _ in range(self._num_rounds):
            plain.append(self._speed(task, level, 0, None)[0])
            speed, *found = self._speed(task, level, MAX_DRAFT_TOKENS, drafter)
            drafting.append(speed)
            counts = (found[0], found[1])
        ratio = Spread.of(b / a for a, b in zip(plain, drafting, strict=True))
        figures = {
            "tokens_per_s": Spread.of(drafting).median,
            "without": Spread.of(plain).median,
            "ratio": ratio.median,
            "drafted": counts[0],
            "accepted": counts[1],
        }
        text = (
            f"{name}: {figures['without']:.1f} → {figures['tokens_per_s']:.1f} tokens/s, "
            f"× {ratio.low:.2f} / {ratio.median:.2f} / {ratio.high:.2f}, {counts[1]} of {counts[0]} guesses right, "
            f"≥ {wanted} wanted"
        )
        self._log(text)
        return Outcome(Bar(5, text, ratio.median >= wanted), Run("bdchat", "drafts", level, 0, figures))

    def _speed(self, task: str, level: int, most: int, drafter: DraftModel | None) -> tuple[float, int, int]:
        for seq_id in range(self._runner.num_sequences):
            self._runner.truncate(seq_id, 0)
        scheduler = Scheduler(self._runner, max_draft_tokens=most, cost=self._cost)
        scheduler.drafts.guess_by(drafter)
        core = EngineCore(scheduler, self._runner)
        taken_s, num_tokens = 0.0, 0
        prompts = [self._tokenizer.encode([Segment(text, trusted=True)]) for text in prompts_of(task)]
        for first in range(0, len(prompts), level):
            for place in range(first, first + level):
                scheduler.add(_asked(place, prompts[place]), prompts[place])
            while any(not s.num_generated for s in (*scheduler.sequences()[0], *scheduler.sequences()[1])):
                core.step()
            before, began = scheduler.counts.tokens_generated, self._clock()
            while scheduler.has_work:
                core.step()
            taken_s += self._clock() - began
            num_tokens += scheduler.counts.tokens_generated - before
        counts = scheduler.counts
        if drafter is not None:
            return num_tokens / taken_s, counts.num_model_tokens_drafted, counts.num_model_tokens_accepted
        return num_tokens / taken_s, counts.num_tokens_drafted, counts.num_tokens_accepted


def _asked(place: int, prompt: list[int]) -> GenerationRequest:
    sampling = SamplingParams(temperature=0.0, max_tokens=NUM_NEW_TOKENS)
    return GenerationRequest(request_id=str(place), prompt=TokenPrompt(tokens=tuple(prompt)), sampling=sampling)


def _pruned(model: Path, folder: Path) -> Path:
    """The model with a third of its layers; its tensors are as they were."""
    path = folder / f"{model.stem}.pruned.gguf"
    with LlamaModel.open(model, EngineSettings(n_gpu_layers=0)) as whole:
        num_layers = int(llama_cpp.llama_model_n_layer(whole.handle))
    num_kept = max(2, num_layers // KEPT_SHARE)
    left_out = list(range(num_kept - num_kept // 3, num_layers - num_kept // 3))
    params = llama_cpp.llama_model_quantize_default_params()
    params.nthread, params.only_copy = 1, True
    ended = (ctypes.c_int32 * (len(left_out) + 1))(*left_out, -1)
    params.prune_layers = ctypes.cast(ended, type(params.prune_layers))
    rc = llama_cpp.llama_model_quantize(str(model).encode(), str(path).encode(), ctypes.byref(params))
    if rc:
        raise RuntimeError(f"llama_model_quantize: {rc}")
    return path
