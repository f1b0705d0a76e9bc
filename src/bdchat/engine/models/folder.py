"""The models folder as people fill it: which files in it are models, and what each is called.

Any thread; reads folders, never a file. The rules, the same for every command and the admin page:

- A model is a file whose name ends in .gguf, in any case. Names that begin with a dot are not looked at.
- Folders in the folder are looked into, and links are followed, each folder once, to a depth that other programs'
  folders have (publisher/repository/file.gguf, models--owner--repository/snapshots/commit/file.gguf).
- A split model is one model, its first part; where that is missing, it is listed by the first that is there.
- A model is called by the catalogue's name for its file, else by the file's name without .gguf; where two would be
  called the same, the one in fewer folders is, and the other is called by its path in the models folder.
- A name is looked up among these and never joined to a path.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bdchat.engine.gguf.cursor import printable
from bdchat.engine.gguf.parts import PART_NAME

log = logging.getLogger(__name__)

SUFFIX = ".gguf"
MAX_DEPTH = 6  # folders below the models folder
MAX_ENTRIES = 20_000  # looked at in all: a link to the root of a disk must not be walked to its end


@dataclass(frozen=True, slots=True)
class ModelFile:
    """`aliases` are the other names that lead to it and to no other model."""

    name: str
    path: Path
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


def has_suffix(name: str) -> bool:
    return name.lower().endswith(SUFFIX)


def model_files(folder: Path, catalog_names: Mapping[str, str]) -> tuple[ModelFile, ...]:
    """The models in it, those in fewer folders first. `catalog_names`: file name → what the catalogue calls it."""

    def order(path: Path) -> tuple[int, bool, bool, str]:
        return len(path.parts), path.name not in catalog_names, path.suffix != SUFFIX, str(path)

    paths = sorted(_first_parts(_walk(folder)), key=order)
    names: list[str] = []
    for path in paths:
        names.append(_free_name(path, folder, catalog_names, taken=names))
    others = [_other_names(path, folder) for path in paths]
    uses = Counter(name for each in others for name in set(each))
    own = set(names)
    return tuple(
        ModelFile(name, path, tuple(alias for alias in aliases if uses[alias] == 1 and alias not in own))
        for name, path, aliases in zip(names, paths, others, strict=True)
    )


def file_alone(path: Path, catalog_names: Mapping[str, str]) -> ModelFile:
    """One that an operator named by its path."""
    names = (catalog_names.get(path.name), _bare(path), printable(path.name))
    name, *aliases = dict.fromkeys(each for each in names if each)
    return ModelFile(name, path, tuple(aliases))


def _free_name(path: Path, folder: Path, catalog_names: Mapping[str, str], *, taken: Sequence[str]) -> str:
    inside = path.relative_to(folder)
    choices = [catalog_names.get(path.name), _bare(path), _bare_path(inside), printable(inside.as_posix())]
    for choice in choices:
        if choice and choice not in taken:
            return choice
    return next(name for number in range(2, MAX_ENTRIES) if (name := f"{choices[-1]} ({number})") not in taken)


def _other_names(path: Path, folder: Path) -> tuple[str, ...]:
    inside = path.relative_to(folder)
    part = PART_NAME.fullmatch(path.name)
    whole = (printable(part["stem"]),) if part else ()
    names = (_bare(path), printable(path.name), _bare_path(inside), printable(inside.as_posix()), *whole)
    return tuple(dict.fromkeys(names))


def _bare(path: Path) -> str:
    """The file's name without the suffix; of a name that has another suffix or none, all of it."""
    return printable(path.name[: -len(SUFFIX)] if has_suffix(path.name) else path.name) or "model"


def _bare_path(inside: Path) -> str:
    return printable(inside.with_name(inside.name[: -len(SUFFIX)]).as_posix()) if inside.name[: -len(SUFFIX)] else ""


def _first_parts(paths: Iterator[Path]) -> Iterator[Path]:
    """Of each split model the lowest part that is there; others as they are."""
    first: dict[tuple[Path, str, str], tuple[int, Path]] = {}
    for path in paths:
        part = PART_NAME.fullmatch(path.name)
        if part is None:
            yield path
            continue
        key = (path.parent, part["stem"], part["count"])
        candidate = (int(part["number"]), path)
        first[key] = min(first.get(key, candidate), candidate)
    for _, path in first.values():
        yield path


def _walk(folder: Path) -> Iterator[Path]:
    """Files that end in .gguf, of whatever kind they are; a folder of such a name too, if no model lies in it."""
    seen: set[tuple[int, int]] = set()
    budget = iter(range(MAX_ENTRIES))
    yield from _walk_into(folder, MAX_DEPTH, seen, budget)
    if next(budget, None) is None:
        log.warning("%s holds more than %d entries: not all were looked at", folder, MAX_ENTRIES)


def _walk_into(folder: Path, depth: int, seen: set[tuple[int, int]], budget: Iterator[int]) -> Iterator[Path]:
    try:
        stat = os.stat(folder)
        if (stat.st_dev, stat.st_ino) in seen:  # a link back, or two links to one folder
            return
        seen.add((stat.st_dev, stat.st_ino))
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError as error:
        if depth < MAX_DEPTH:
            log.warning("%s is not looked into for models: %s", folder, error.strerror)
        return
    for entry in listed:
        if entry.name.startswith(".") or next(budget, None) is None:
            continue
        path = folder / entry.name
        if not _is_folder(entry):
            if has_suffix(entry.name):
                yield path
            continue
        inner = list(_walk_into(path, depth - 1, seen, budget)) if depth else []
        yield from inner
        if not inner and has_suffix(entry.name):
            yield path


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round to itself
        return False
