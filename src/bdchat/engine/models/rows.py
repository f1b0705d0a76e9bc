"""Rows of a table of models, as plain data: installed, memory needed, available for download.

Pure. cli.py prints it; nothing here knows about columns or colours.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bdchat.engine.gguf.header import GGUFHeader
from bdchat.engine.gguf.memory import PROCESS_BYTES
from bdchat.engine.models.catalog import Catalog, CatalogEntry, GoodFor, InstalledModel
from bdchat.engine.models.records import Checksum
from bdchat.engine.models.speed import Speeds

# The context a table assumes where a model allows more: 128k contexts would make every model look impossible.
TABLE_CONTEXT = 8192
# Cells and compute for that context, as a share of the weights: between 0.2 (Mistral 7B) and 0.4 (Qwen3 8B) of 4 bits.
CONTEXT_SHARE = 0.35


@dataclass(frozen=True, slots=True)
class ModelRow:
    name: str
    state: Literal["installed", "broken", "available"]
    kind: str  # what it is made for: gguf.purpose.Purpose
    quantization: str
    parameters: str
    n_ctx_train: int | None
    num_bytes: int  # on the disk, or to be downloaded
    n_ctx: int | None  # the context that memory_bytes is for; None: it is an estimate
    memory_bytes: int | None  # weights, cells and compute; None when the file is broken
    fits: bool | None  # memory_bytes against free memory
    licence: str | None
    good_for: GoodFor | None  # None: nobody told
    languages: tuple[str, ...]
    tokens_per_s: float | None  # about, as measured or predicted; None: nothing was measured here yet
    is_deletable: bool  # it lies in the models folder
    path: Path | None
    checksum: Checksum | None  # of the file that is here
    note: str  # why it is broken, how to get it, or what a person should know; may be empty


def model_rows(catalog: Catalog, *, free_bytes: int, speeds: Speeds | None = None) -> tuple[ModelRow, ...]:
    """Installed models first, then those of the catalog that are not here."""
    speeds = speeds or Speeds()
    installed = catalog.installed()
    here = {model.name for model in installed}
    rows = [_installed_row(model, free_bytes, speeds) for model in installed]
    rows += [_available_row(entry, free_bytes, speeds) for entry in catalog.entries.values() if entry.name not in here]
    return tuple(rows)


def _installed_row(model: InstalledModel, free_bytes: int, speeds: Speeds) -> ModelRow:
    header, entry = model.header, model.entry
    n_ctx = min(header.n_ctx_train, TABLE_CONTEXT) if header else None
    need = header.memory_need(n_ctx).total if header and n_ctx else None
    changed = "the file changed since it was pulled; pull it again" if model.checksum == "changed" else ""
    return ModelRow(
        name=model.name,
        state="installed" if header else "broken",
        kind=_kind(header, entry),
        quantization=header.quantization if header else "",
        parameters=_short_count(header.num_parameters) if header else "",
        n_ctx_train=header.n_ctx_train if header else None,
        num_bytes=model.num_bytes,
        n_ctx=n_ctx,
        memory_bytes=need,
        fits=need <= free_bytes if need is not None else None,
        licence=entry.licence if entry else (header.licence if header else None),
        good_for=entry.good_for if entry else None,
        languages=model.languages,
        tokens_per_s=speeds.tokens_per_s(header.step_bytes) if header and header.refusal is None else None,
        is_deletable=model.is_ours,
        path=model.path,
        checksum=model.checksum,
        note=model.refusal or changed,
    )


def _available_row(entry: CatalogEntry, free_bytes: int, speeds: Speeds) -> ModelRow:
    """Its header is not here: what it needs is estimated from its size."""
    need = round(entry.bytes * (1 + CONTEXT_SHARE)) + PROCESS_BYTES
    is_known = entry.kind == "chat" and entry.reads_all
    return ModelRow(
        name=entry.name,
        state="available",
        kind=entry.kind,
        quantization=entry.quantization,
        parameters=entry.parameters,
        n_ctx_train=entry.context,
        num_bytes=entry.download_bytes or entry.bytes,
        n_ctx=None,
        memory_bytes=need,
        fits=need <= free_bytes,
        licence=entry.licence,
        good_for=entry.good_for,
        languages=entry.languages,
        tokens_per_s=speeds.tokens_per_s(entry.bytes) if is_known else None,
        is_deletable=False,
        path=None,
        checksum=None,
        note=f"bdchat pull {entry.name}",
    )


def _kind(header: GGUFHeader | None, entry: CatalogEntry | None) -> str:
    if header is not None:
        return header.purpose
    return entry.kind if entry is not None else "chat"


def _short_count(count: int) -> str:
    """134515008 → "135M", 7248023552 → "7.2B"."""
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.0f}M"
