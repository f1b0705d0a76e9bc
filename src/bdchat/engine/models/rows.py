"""Rows of a table of models, as plain data: installed, memory needed, available for download.

Pure. cli.py prints it; nothing here knows about columns or colours.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bdchat.engine.gguf.header import GGUFHeader
from bdchat.engine.models.catalog import Catalog, CatalogEntry, InstalledModel
from bdchat.engine.models.records import Checksum

# The context a table assumes where a model allows more: 128k contexts would make every model look impossible.
TABLE_CONTEXT = 8192


@dataclass(frozen=True, slots=True)
class ModelRow:
    name: str
    state: Literal["installed", "broken", "available"]
    kind: str  # what it is made for: gguf.purpose.Purpose
    quantization: str
    parameters: str
    n_ctx_train: int | None
    num_bytes: int  # on the disk, or to be downloaded
    n_ctx: int | None  # the context that memory_bytes is for
    memory_bytes: int | None  # weights, cells and compute; None when the file is broken or not here
    fits: bool | None  # memory_bytes against free memory
    licence: str | None
    languages: tuple[str, ...]
    path: Path | None
    checksum: Checksum | None  # of the file that is here
    note: str  # why it is broken, how to get it, or what a person should know; may be empty


def model_rows(catalog: Catalog, *, free_bytes: int) -> tuple[ModelRow, ...]:
    """Installed models first, then those of the catalog that are not here."""
    installed = catalog.installed()
    here = {model.name for model in installed}
    rows = [_installed_row(model, free_bytes) for model in installed]
    rows += [_available_row(entry) for entry in catalog.entries.values() if entry.name not in here]
    return tuple(rows)


def _installed_row(model: InstalledModel, free_bytes: int) -> ModelRow:
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
        languages=entry.languages if entry else (),
        path=model.path,
        checksum=model.checksum,
        note=model.refusal or changed,
    )


def _available_row(entry: CatalogEntry) -> ModelRow:
    return ModelRow(
        name=entry.name,
        state="available",
        kind=entry.kind,
        quantization=entry.quantization,
        parameters=entry.parameters,
        n_ctx_train=entry.context,
        num_bytes=entry.download_bytes or entry.bytes,
        n_ctx=None,
        memory_bytes=None,
        fits=None,
        licence=entry.licence,
        languages=entry.languages,
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
