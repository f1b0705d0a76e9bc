"""The process that finds the fastest encoding of a model's weights: `python -m bdchat.engine.process.optimizer`.

Reads one job from stdin, writes lines of JSON to stdout (weights/job.py has both), and ends. It has the lowest
priority, so that the engine that serves the same model meanwhile hardly feels it; of what it times, the fastest of many
short runs counts. It reads a stranger's file with native code, hence it is confined as an engine is.
"""

import contextlib
import fcntl
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bdchat.disk_margin import has_room
from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.gguf.cursor import GGUFError
from bdchat.engine.gguf.header import GGUFHeader, read_header
from bdchat.engine.gguf.tensors import TensorInfo
from bdchat.engine.host import busy_share, default_num_threads, free_memory_bytes
from bdchat.engine.isolation.confinement import HEADROOM_BYTES, confine_within, renounce
from bdchat.engine.llama.calibration import choose
from bdchat.engine.llama.encoding.kernels import Kernels, KernelsUnavailable, Matrix
from bdchat.engine.llama.encoding.requantize import requantize, type_id_of
from bdchat.engine.llama.encoding.scoring import probe_passages, score
from bdchat.engine.llama.encoding.steps import StepTimes, fastest_of, measure_steps
from bdchat.engine.llama.library import library_identity, start_library
from bdchat.engine.llama.measurement import known_measurements
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.llama.probe import probe
from bdchat.engine.process.weights_choice import weights_folder
from bdchat.engine.weights.cache import FOLDER, WeightsFolder, checked_weights, forget_missing
from bdchat.engine.weights.choice import (
    LOSSES,
    NUM_STREAMS,
    WORTH_A_COPY,
    WORTH_A_SWITCH,
    Chooser,
    MatrixKind,
    Option,
    Times,
    kinds_of,
)
from bdchat.engine.weights.fidelity import Comparison, Distance, Probe, Rows, fidelity_of
from bdchat.engine.weights.job import OptimizerDone, OptimizerJob, OptimizerProgress, encode_line
from bdchat.engine.weights.probe_text import PASSAGES
from bdchat.engine.weights.verdict import Speed, Verdict
from bdchat.private_files import make_folder
from bdchat.settings import EngineSettings

log = logging.getLogger(__name__)

SAMPLE_BYTES = 4 << 20  # of a tensor in an encoding that only the file has
SPARE_MEMORY_SHARE = 4  # larger weights may take so much of what is free, divided by this
LOOK_S, MAX_WAIT_S = 2.0, 600.0
CALM_SHARE = 0.2  # of all cores: an idle desktop, a server that nobody asks
EXACT_FILE = "exact.gguf.part"
EXACT_BYTES = 2 << 30  # of a copy in F32, which lives for the comparison: models of up to half a billion weights
NUM_TURNS = 3
SLOWER_ANSWERS = 0.9  # of one answer's speed so much must be left: prompts must gain far more than it costs
_ADDRESS_FACTOR = 8  # weights mapped, in the CPU's order and anew; a bound for a runaway, not a plan
# Encodings for matrices of layers and for the output's; how long one answer may take, in the file's own time.
_TRIALS = (
    (LOSSES, LOSSES, 1.02),
    (LOSSES, LOSSES, 0.94),
    (LOSSES[1:], LOSSES, 1.02),
)
Report = Callable[[str, float | None], None]


class _StaysAsItIs(Exception):
    """`reason`: one sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Subject(NamedTuple):
    """What an encoding is tried on."""

    folder: WeightsFolder
    header: GGUFHeader
    kinds: dict[MatrixKind, list[bytes]]
    usual: Verdict


class Optimizer:
    """Of one model file. `run` may be called once."""

    def __init__(self, job: OptimizerJob, report: Report) -> None:
        self._path = Path(job.model_path)
        self._cache_dir = Path(job.cache_dir)
        self._model_id = job.model_id
        self._settings = EngineSettings.model_validate(job.settings).model_copy(update={"n_gpu_layers": 0})
        self._report = report
        self._n_threads = self._settings.n_threads or default_num_threads()
        self._exact: tuple[list[Probe], list[Rows]] | None = None  # the probe, and its exact answers
        self._file_distance: Distance | None = None

    def run(self) -> Verdict:
        """Raises GGUFError, ModelLoadFailed, OSError."""
        header = read_header(self._path)
        tried = probe(self._path, self._cache_dir, library=library_identity())
        start_library()
        folder = weights_folder(self._cache_dir, header, self._settings, may_use_extra_bufts=tried.use_extra_bufts)
        confine_within(_ADDRESS_FACTOR * header.model_bytes + HEADROOM_BYTES, self._settings)
        make_folder(self._cache_dir / FOLDER)
        with _alone(self._cache_dir / FOLDER / "lock"):
            verdict = folder.verdict()  # somebody else may have been quicker
            if verdict is None:
                verdict = self._find(folder, header, may_use_extra_bufts=tried.use_extra_bufts)
                folder.keep(verdict)
        return verdict

    def _find(self, folder: WeightsFolder, header: GGUFHeader, *, may_use_extra_bufts: bool) -> Verdict:
        usual = Verdict(
            key=folder.key,
            model_path=str(self._path.absolute()),
            is_encoded=False,
            uses_extra_bufts=may_use_extra_bufts,
            reason="",
        )
        try:
            return self._better(folder, header, usual)
        except _StaysAsItIs as stays:
            return msgspec.structs.replace(usual, reason=stays.reason)
        except KernelsUnavailable as error:
            return msgspec.structs.replace(usual, reason=f"Kernels could not be measured: {error}.")

    def _better(self, folder: WeightsFolder, header: GGUFHeader, usual: Verdict) -> Verdict:
        """Raises _StaysAsItIs, KernelsUnavailable."""
        if header.purpose != "chat" or header.refusal is not None:
            raise _StaysAsItIs("Only models that write texts are encoded anew.")
        kinds = kinds_of(tensor for table in header.tables for tensor in table)
        if not kinds:
            raise _StaysAsItIs("It has no matrices of a known kind.")
        may_use_extra_bufts = usual.uses_extra_bufts
        until_calm(self._report)
        with contextlib.closing(Kernels(self._n_threads)) as kernels:
            chooser = Chooser(kinds, self._measured(kernels, header, kinds))
            as_it_is = chooser.as_it_is(uses_extra_bufts=may_use_extra_bufts)
            reordered = chooser.best(may_use_extra_bufts=may_use_extra_bufts, spare_bytes=0, allowed=(), output=())
            options = self._options(chooser, may_use_extra_bufts=may_use_extra_bufts)
        if as_it_is.cost < WORTH_A_SWITCH * reordered.cost:
            reordered = as_it_is
        reason = "No encoding is clearly faster here than the file's own."
        for option in options:
            if reordered.cost < WORTH_A_COPY * option.cost:
                continue
            try:
                return self._encoded(_Subject(folder, header, kinds, usual), option)
            except _StaysAsItIs as stays:
                reason = stays.reason
                folder.drop_weights()
        if reordered.uses_extra_bufts == may_use_extra_bufts:
            raise _StaysAsItIs(reason)
        before, after = self._compared_steps(may_use_extra_bufts, self._path, reordered.uses_extra_bufts)
        if not _is_faster(before, after, WORTH_A_SWITCH):
            raise _StaysAsItIs(reason)
        return msgspec.structs.replace(
            usual,
            uses_extra_bufts=reordered.uses_extra_bufts,
            reason=f"{reason} In the file's own order they are read faster.",
            before=_speed_of(before),
            after=_speed_of(after),
        )

    def _options(self, chooser: Chooser, *, may_use_extra_bufts: bool) -> list[Option]:
        """The fastest first, then one that writes an answer faster, then those that lose less."""
        spare = free_memory_bytes() // SPARE_MEMORY_SHARE
        best, quicker, plainer = (
            chooser.best(
                may_use_extra_bufts=may_use_extra_bufts, spare_bytes=spare, allowed=allowed, output=output, slack=slack
            )
            for allowed, output, slack in _TRIALS
        )
        steps = [chooser.nearer(best, share) for share in (0.3, 0.6)]
        file_bytes = chooser.as_it_is(uses_extra_bufts=False).num_bytes
        found: list[Option] = []
        for option in (best, quicker, *steps, plainer):
            if option.changes() and option not in found and option.num_bytes <= file_bytes + spare:
                found.append(option)
        return found

    def _encoded(self, subject: _Subject, option: Option) -> Verdict:
        """With the weights at folder.partial. Raises _StaysAsItIs."""
        folder, header, kinds, usual = subject
        make_folder(folder.folder)
        forget_missing(self._cache_dir)
        if not folder.make_room(option.num_bytes, self._settings.weights_cache_bytes):
            size = f"{option.num_bytes:,} bytes of disk"
            raise _StaysAsItIs(f"The new encoding would take {size} (engine.weights_cache_bytes).")
        if not has_room(folder.folder, option.num_bytes):
            raise _StaysAsItIs(f"The disk has no room for a new encoding of {option.num_bytes:,} bytes.")
        changes = {name: new for kind, new in option.changes().items() for name in kinds[kind]}
        self._report("encoding the weights", None)
        table = [tensor for tensors in header.tables for tensor in tensors]
        requantize(header.files[0], folder.partial, table, changes)
        checked_weights(folder)
        probes, exact = self._reference(folder, header)
        fidelity = fidelity_of(self._distance(folder.partial, probes, exact), self._file_distance)
        if not fidelity.is_near(self._settings.weights_max_kl):
            figures = f"mean KL {fidelity.mean_kl:.4f}, perplexity × {fidelity.perplexity:.4f}"
            raise _StaysAsItIs(f"The faster encoding changes answers too much ({figures}).")
        before, after = self._compared_steps(usual.uses_extra_bufts, folder.partial, option.uses_extra_bufts)
        if not _is_faster(before, after, WORTH_A_COPY):
            raise _StaysAsItIs("A new encoding is faster in its products, but not in whole steps.")
        names: dict[str, int] = {}
        for kind, new in option.changes().items():
            change = f"{kind.type_name} → {new}"
            names[change] = names.get(change, 0) + len(kinds[kind])
        return msgspec.structs.replace(
            usual,
            is_encoded=True,
            uses_extra_bufts=option.uses_extra_bufts,
            reason="Encoded anew for this CPU.",
            num_bytes=folder.partial.stat().st_size,
            encodings=names,
            fidelity=fidelity,
            before=_speed_of(before),
            after=_speed_of(after),
        )

    def _reference(self, folder: WeightsFolder, header: GGUFHeader) -> tuple[list[Probe], list[Rows]]:
        """What every encoding is held against, made for the first one; so is the distance of the file as it is run."""
        if self._exact is not None:
            self._report("comparing with the file", None)
            return self._exact
        exact = folder.folder / EXACT_FILE
        table = [tensor for tensors in header.tables for tensor in tensors]
        has_exact = 4 * header.num_parameters <= EXACT_BYTES and has_room(folder.folder, 4 * header.num_parameters)
        try:
            if has_exact:
                self._report("making an exact copy to compare with", None)
                matrices = {name: "F32" for names in kinds_of(table).values() for name in names}
                requantize(header.files[0], exact, table, matrices)
            self._report("comparing with the file", None)
            with LlamaModel.open(exact if has_exact else self._path, self._settings) as model:
                probes = probe_passages(model, PASSAGES)
                self._exact = (probes, list(score(model, probes)))
        finally:
            exact.unlink(missing_ok=True)
        if has_exact:
            self._file_distance = self._distance(self._path, *self._exact)
        return self._exact

    def _distance(self, path: Path, probes: Sequence[Probe], exact: Sequence[Rows]) -> Distance:
        comparison = Comparison()
        with LlamaModel.open(path, self._settings) as model:
            for passage, wanted, rows in zip(probes, exact, score(model, probes), strict=True):
                comparison.add(wanted, rows, [passage.tokens[place + 1] for place in passage.places])
        try:
            return comparison.result()
        except ValueError as error:
            raise ModelLoadFailed(self._path.name, f"its encodings could not be compared: {error}") from error

    def _measured(
        self, kernels: Kernels, header: GGUFHeader, kinds: dict[MatrixKind, list[bytes]]
    ) -> Callable[[MatrixKind, str, bool], Times | None]:
        """Asks the kernels; of encodings that are the file's own it measures some of its own rows."""
        files = zip(header.files, header.tables, strict=True)
        tensors = {tensor.name: (file, tensor) for file, table in files for tensor in table}
        num_asked = 0

        def measure(kind: MatrixKind, name: str, uses_extra_bufts: bool) -> Times | None:
            nonlocal num_asked
            num_asked += 1
            self._report("measuring kernels", min(1.0, num_asked / (len(kinds) * 2 * (len(LOSSES) + 1))))
            sample = _sample(*tensors[kinds[kind][0]]) if name == kind.type_name else None
            matrix = Matrix(kind.row_length, kind.num_rows, type_id_of(name), sample)
            times = kernels.times_us(matrix, uses_extra_bufts=uses_extra_bufts)
            return None if times is None else Times(*times)

        return measure

    def _compared_steps(self, extra_before: bool, path: Path, extra_after: bool) -> tuple[StepTimes, StepTimes]:
        """Of the file and of another encoding, in turns: what others take of the memory's bandwidth changes by the
        second."""
        before, after = [], []
        for _ in range(NUM_TURNS):
            before.append(self._speed(self._path, uses_extra_bufts=extra_before))
            after.append(self._speed(path, uses_extra_bufts=extra_after))
        return fastest_of(before), fastest_of(after)

    def _speed(self, path: Path, *, uses_extra_bufts: bool) -> StepTimes:
        """Of whole steps, in the way to hold keys and values that is best for these weights; that is kept, so that the
        engine need not measure it."""
        self._report("measuring whole steps", None)
        with LlamaModel.open(path, self._settings, use_extra_bufts=uses_extra_bufts) as model:
            measurements = known_measurements(
                model,
                self._model_id,
                self._settings,
                self._cache_dir,
                shares_cells=model.shares_cells(self._settings),
            )
            if not measurements:
                raise ModelLoadFailed(self._path.name, "no way to hold keys and values could be measured")
            return measure_steps(model, self._settings, choose(measurements))


def until_calm(report: Report) -> None:
    """Until others leave the cores alone, or for MAX_WAIT_S: what a busy machine is timed at says little."""
    for _ in range(int(MAX_WAIT_S / LOOK_S)):
        if busy_share(LOOK_S) <= CALM_SHARE:
            return
        report("waiting for a calm machine", None)


def _is_faster(before: StepTimes, after: StepTimes, worth: float) -> bool:
    """By typical requests, and not at the cost of one answer alone: a prompt is often cached, its answer never is."""
    return before.typical >= worth * after.typical and after.alone * SLOWER_ANSWERS <= before.alone


def _speed_of(steps: StepTimes) -> Speed:
    return Speed(
        prompt=1000 / steps.prompt,
        alone=1000 / steps.alone,
        streams=1000 * NUM_STREAMS / steps.streams,
    )


def _sample(file: Path, tensor: TensorInfo) -> bytes:
    with file.open("rb") as opened:
        opened.seek(tensor.offset)
        return opened.read(min(tensor.num_bytes, SAMPLE_BYTES))


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One optimizer of a cache folder at a time: they would measure each other."""
    fd = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def main() -> int:
    renounce()
    os.nice(19)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("bdchat.llama").setLevel(logging.ERROR)  # the quantiser warns of every matrix that it was told of
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a library that prints must not corrupt anything
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=OptimizerJob)

    def report(stage: str, fraction: float | None) -> None:
        out.write(encode_line(OptimizerProgress(stage=stage, fraction=fraction)))

    try:
        done = OptimizerDone(verdict=Optimizer(job, report).run())
    except (GGUFError, ModelLoadFailed) as error:
        done = OptimizerDone(failure=error.reason)
    except OSError as error:
        done = OptimizerDone(failure=str(error))
    out.write(encode_line(done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
