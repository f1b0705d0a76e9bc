"""What `bdchat pull` and `bdchat models` show: a progress bar, a table. Knows no network."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from bdchat.engine.catalog import Catalog, CatalogEntry, InstalledModel
from bdchat.engine.downloads import ProgressCallback, PullProgress
from bdchat.engine.host import free_memory_bytes

PLAIN_INTERVAL_S = 10.0  # where standard error is no terminal: a line this often
USUAL_CONTEXT = 4096  # tokens; what the memory column is computed for, or less where the model knows less
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


def print_models(catalog: Catalog) -> None:
    installed = catalog.installed()
    console = Console()
    console.print(_installed_table(installed) if installed else "No model is here yet.", highlight=False)
    here = {model.entry.name for model in installed if model.entry}
    others = [entry for entry in catalog.entries.values() if entry.name not in here]
    if others:
        console.print(_offered_table(others), highlight=False)
    console.print(
        f"{_size(free_memory_bytes())} of memory are free; models lie in {catalog.models_dir}", highlight=False
    )


def _installed_table(models: tuple[InstalledModel, ...]) -> Table:
    table = Table(title="Here", title_justify="left", box=None, pad_edge=False)
    for name in ("name", "quantization", "context", "file", "memory", "licence", ""):
        table.add_column(name, justify="right" if name in {"context", "file", "memory"} else "left", no_wrap=name != "")
    free = free_memory_bytes()
    for model in models:
        header, licence = model.header, model.entry.licence if model.entry else None
        if header is None:
            table.add_row(model.name, "", "", _size(model.num_bytes), "", licence, f"unusable: {model.problem}")
            continue
        need = header.memory_need(min(header.n_ctx_train, USUAL_CONTEXT)).total
        note = "" if need <= free else "needs more memory than is free"
        note = "changed since it was pulled" if model.checksum == "changed" else note
        row = (header.quantization, str(header.n_ctx_train), _size(model.num_bytes), _size(need))
        table.add_row(model.name, *row, licence or header.licence or "unknown", note)
    return table


def _offered_table(entries: list[CatalogEntry]) -> Table:
    table = Table(title="\nTo be had with bdchat pull NAME", title_justify="left", box=None, pad_edge=False)
    for name in ("name", "quantization", "context", "download", "licence", "what it is"):
        is_number = name in {"context", "download"}
        table.add_column(name, justify="right" if is_number else "left", no_wrap=name != "what it is")
    for entry in entries:
        size = _size(entry.download_bytes or entry.bytes)
        table.add_row(entry.name, entry.quantization, str(entry.context), size, entry.licence, entry.description)
    return table


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:.0f} MB"
