"""What the tests of pulls share: a catalog in a temporary folder, one small model, and a look at what was left."""

import hashlib
from pathlib import Path

from bdchat.engine.models.catalog import Catalog, CatalogEntry
from bdchat.engine.models.downloads import PullProgress
from tests.engine.loopback_hub import Hub
from tests.gguf_files import model_of

SMALL = model_of(4096)


def catalog_at(tmp_path: Path, hub: Hub | None = None, *entries: CatalogEntry) -> Catalog:
    models = {entry.name: entry for entry in entries}
    return Catalog(models, tmp_path / "models", hub_endpoint=hub.url if hub else None, report_every_s=0)


def entry_for(source: str, file: str, sha256: str | None) -> CatalogEntry:
    return CatalogEntry(
        name="tiny",
        description="",
        kind="chat",
        good_for="talk",
        source=source,
        file=file,
        sha256=sha256,
        bytes=len(SMALL),
        context=256,
        licence="MIT",
        parameters="0M",
        quantization="F32",
        languages=(),
    )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def ignore(progress: PullProgress) -> None:
    pass


def installed_files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "models").glob("*.gguf"))


def partial_files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "models" / ".partial").iterdir() if path.suffix != ".lock")
