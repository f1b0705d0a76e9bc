"""Measures a loaded model on this machine and remembers the result. Engine thread only, before the runner is made.

Takes about BUDGET_S seconds once per model, library, machine and settings; a bigger model gets fewer points. On small
machines one thread is timed by its own CPU clock, which other processes cannot disturb (two threads that wait for each
other on busy cores take ten times as long, and that would be remembered). calibration.py says what the figures mean.
"""

import contextlib
import hashlib
import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.gguf.header import read_header
from bdchat.engine.host import cpu_name, default_num_threads, machine_identity
from bdchat.engine.kv.plan import KVPlan, safe_plan
from bdchat.engine.llama.calibration import (
    Candidate,
    Measurement,
    candidates,
    choose,
    finalists,
    is_worth_measuring,
    undisturbed,
)
from bdchat.engine.llama.library import library_identity
from bdchat.engine.llama.model import LlamaModel, file_identity
from bdchat.engine.llama.runner import LlamaRunner
from bdchat.engine.model_runner import DecodeFailed, KVLayout, MemoryClass, NoKVSlot, Slice
from bdchat.engine.weights.choice import NUM_STREAMS
from bdchat.private_files import make_folder, write_private
from bdchat.settings import EngineSettings

logger = logging.getLogger(__name__)

BUDGET_S = 4.0
FORMAT = 3  # of the cached file
MAX_WALL_S = 12.0  # on a busy machine CPU seconds take longer
MAX_DEPTH, MIN_DEPTH = 256, 8  # tokens in each sequence while its steps are timed
MAX_CORES_TIMED_ALONE = 4  # above it memory bandwidth, shared by all threads, decides: then all of them run
TEAM_EFFICIENCY = 0.85  # of further threads: the first guess of a step's cost from one thread's
NUM_REPEATS = 3  # the fastest counts: other processes only ever add time
_N_CTX = 512


class CachedCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """models/speed.py reads the first three, of all models that ran here, to tell how fast another will be."""

    machine: str  # host.machine_identity
    step_bytes: int  # of the weights that one token reads
    step_ms: float  # one sequence decodes one token, as the chosen plan has it
    key: str
    measurements: tuple[Measurement, ...]


def calibrated_plan(model: LlamaModel, model_id: str, settings: EngineSettings, cache_dir: Path) -> KVPlan:
    """Never fails for want of a measurement: then it is the safe plan."""
    shares_cells = model.shares_cells(settings)
    safe = safe_plan(settings, on_gpu=model.on_gpu, shares_cells=shares_cells)
    if not settings.calibrate:
        return safe
    measurements = known_measurements(model, model_id, settings, cache_dir, shares_cells=shares_cells)
    if not measurements:
        return safe
    plan = choose(measurements)
    logger.info("kv cache: %s %s, flash attention %s", plan.layout, plan.kv_type, plan.flash_attention)
    return plan


def known_measurements(
    model: LlamaModel, model_id: str, settings: EngineSettings, cache_dir: Path, *, shares_cells: bool
) -> tuple[Measurement, ...]:
    """Those that are kept, else made and kept now."""
    key = _key(model, settings, shares_cells)
    path = cache_dir / f"calibration-{key}.json"
    measurements = _read(path, key)
    if measurements is None:
        measurements = measure(model, model_id, settings, shares_cells=shares_cells)
        if measurements:
            _write(path, _cached(model.path, settings, key, measurements))
    return measurements


def measure(
    model: LlamaModel,
    model_id: str,
    settings: EngineSettings,
    *,
    shares_cells: bool = False,
    budget_s: float = BUDGET_S,
) -> tuple[Measurement, ...]:
    """At least one candidate is measured, and no new one is begun that would go over the budget. Where the best are
    near to each other, they are measured a second time, for a third of the budget more."""
    timer = _Timer(settings)
    begun = _Begun(timer)
    seen: list[Measurement] = []
    for candidate in candidates(settings, model.memory_class, on_gpu=model.on_gpu, shares_cells=shares_cells):
        if seen and not begun.has_time_for_one_more(budget_s):
            break
        if not is_worth_measuring(candidate, seen):
            continue
        guess_ms = seen[0].prefill_ms_per_token if seen else None
        with begun.one():
            try:
                seen.append(_measure_one(model, model_id, settings, candidate, prefill_guess_ms=guess_ms, timer=timer))
            except (ModelLoadFailed, DecodeFailed, NoKVSlot) as error:  # e.g. a head size without flash attention
                logger.info("calibration: %s is not possible: %s", candidate, error)
    for finalist in finalists(seen):
        if not begun.has_time_for_one_more(budget_s * 4 / 3):
            break
        with begun.one():
            guess_ms = seen[0].prefill_ms_per_token
            again = _measure_one(model, model_id, settings, finalist.candidate, prefill_guess_ms=guess_ms, timer=timer)
        seen[seen.index(finalist)] = undisturbed(finalist, again)
    return tuple(seen)


class _Timer:
    """Which clock to trust, with how many threads, and what that says of the full team."""

    def __init__(self, settings: EngineSettings) -> None:
        team = settings.n_threads or default_num_threads()
        is_alone = team <= MAX_CORES_TIMED_ALONE
        self.n_threads = 1 if is_alone else team
        self.clock: Callable[[], float] = time.thread_time if is_alone else time.perf_counter
        self.speedup = 1.0 + TEAM_EFFICIENCY * (team - self.n_threads)

    def decode_ms(self, runner: LlamaRunner, slices: list[Slice]) -> float:
        begun = self.clock()
        runner.decode(slices)
        return 1000 * (self.clock() - begun) / self.speedup


class _Begun:
    """What measuring has taken so far, and what one more candidate would."""

    def __init__(self, timer: _Timer) -> None:
        self._clock = timer.clock
        self._wall, self._begun, self._longest_s = time.monotonic(), timer.clock(), 0.0

    def has_time_for_one_more(self, budget_s: float) -> bool:
        is_late = time.monotonic() - self._wall > MAX_WALL_S
        return not is_late and self._clock() - self._begun + self._longest_s <= budget_s

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        begun = self._clock()
        yield
        self._longest_s = max(self._longest_s, self._clock() - begun)


def _measure_one(
    model: LlamaModel,
    model_id: str,
    settings: EngineSettings,
    candidate: Candidate,
    *,
    prefill_guess_ms: float | None,
    timer: _Timer,
) -> Measurement:
    small = settings.model_copy(
        update={"n_ctx": _N_CTX, "max_sequences": NUM_STREAMS, "n_batch": MAX_DEPTH, "n_threads": timer.n_threads}
    )
    plan = KVPlan(candidate.layout, candidate.kv_type, candidate.flash_attention)
    with LlamaRunner(model, model_id, small, plan) as runner:
        runner.decode([_run(runner, 0, 0, 2)])  # the first decode allocates and wakes the threads
        runner.truncate(0, 0)
        prefill_ms = timer.decode_ms(runner, [_run(runner, 0, 0, MIN_DEPTH)]) / MIN_DEPTH
        depth = _depth((prefill_guess_ms or prefill_ms) * timer.speedup)
        if depth > MIN_DEPTH:
            prefill_ms = _prefill_ms(runner, timer, depth)
        num_streams = _fill(runner)
        step_ms = _step_ms(runner, timer, first := [depth])
        streams_step_ms = _step_ms(runner, timer, first + [depth] * (num_streams - 1)) * NUM_STREAMS / num_streams
        streams_prefill_ms = prefill_ms
        if candidate.layout is KVLayout.UNIFIED and num_streams > 1:  # there, and only there, others' cells cost
            runner.truncate(0, 0)
            streams_prefill_ms = timer.decode_ms(runner, [_run(runner, 0, 0, depth)]) / depth
        return Measurement(
            candidate=candidate,
            step_ms=step_ms,
            streams_step_ms=streams_step_ms,
            prefill_ms_per_token=prefill_ms,
            streams_prefill_ms_per_token=streams_prefill_ms,
        )


def _prefill_ms(runner: LlamaRunner, timer: _Timer, depth: int) -> float:
    """A token, from MIN_DEPTH to depth; of two halves the faster counts."""
    middle = (MIN_DEPTH + depth) // 2
    halves = ((MIN_DEPTH, middle), (middle, depth))
    return min(timer.decode_ms(runner, [_run(runner, 0, start, end - start)]) / (end - start) for start, end in halves)


def _run(runner: LlamaRunner, seq_id: int, start: int, num_tokens: int) -> Slice:
    n_vocab = runner.info.n_vocab
    return Slice(seq_id, start, [(7919 * (start + i + 1)) % n_vocab for i in range(num_tokens)], 1)


def _depth(prefill_ms: float) -> int:
    """As deep as a tenth of the budget allows: there are up to six candidates, each with its steps on top."""
    affordable = int(BUDGET_S * 1000 / 10 / max(prefill_ms, 1e-3))
    return max(MIN_DEPTH, min(MAX_DEPTH, affordable // 8 * 8))


def _fill(runner: LlamaRunner) -> int:
    """Gives every sequence its own cells with the first one's content (a copy in a unified cache would share them)."""
    if runner.memory_class is MemoryClass.RECURRENT:
        return 1  # its tail cannot be cut off again, so the steps go on in one sequence
    state = runner.save(0)
    filled = 1
    while filled < runner.num_sequences and runner.load(filled, state):
        filled += 1
    return filled


def _step_ms(runner: LlamaRunner, timer: _Timer, positions: list[int]) -> float:
    """One token for each sequence that has a position; they go on from there, since not every model can step back."""
    fastest = math.inf
    for _ in range(NUM_REPEATS):
        step = [_run(runner, seq_id, position, 1) for seq_id, position in enumerate(positions)]
        fastest = min(fastest, timer.decode_ms(runner, step))
        positions[:] = [position + 1 for position in positions]
    return fastest


def _key(model: LlamaModel, settings: EngineSettings, shares_cells: bool) -> str:
    parts = (
        FORMAT,
        file_identity(model.path),
        library_identity(),
        cpu_name(),
        settings.n_threads or default_num_threads(),
        model.use_extra_bufts,
        settings.n_gpu_layers,
        settings.wanted_layout,
        settings.kv_type,
        settings.flash_attention,
        settings.swa_full,
        shares_cells,
    )
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()[:16]


def _cached(
    model_path: Path, settings: EngineSettings, key: str, measurements: tuple[Measurement, ...]
) -> CachedCalibration:
    return CachedCalibration(
        machine=machine_identity(settings.n_threads, settings.n_gpu_layers),
        step_bytes=read_header(model_path).step_bytes,
        step_ms=choose(measurements).base_ms,
        key=key,
        measurements=measurements,
    )


def _read(path: Path, key: str) -> tuple[Measurement, ...] | None:
    try:
        cached = msgspec.json.decode(path.read_bytes(), type=CachedCalibration)
    except (OSError, msgspec.DecodeError):
        return None
    return cached.measurements if cached.key == key and cached.measurements else None


def _write(path: Path, cached: CachedCalibration) -> None:
    """A cache that cannot be written costs the next start its measurement, nothing else."""
    temporary = path.with_suffix(".new")
    try:
        make_folder(path.parent)
        write_private(temporary, msgspec.json.format(msgspec.json.encode(cached), indent=1))
        temporary.replace(path)
    except OSError as error:
        logger.warning("the calibration could not be kept at %s: %s", path, error)
