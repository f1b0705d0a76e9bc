"""The files of a split model, found by their names: beside the name given, or beside the file that it links to.

Reads folders, not files. llama.cpp names parts STEM-00001-of-00003.gguf; here the suffix and "of" may be in any case.
"""

import re
from pathlib import Path

from bdchat.engine.gguf.cursor import GGUFError

MAX_PARTS = 999
PART_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_NUM_NAMED = 3  # missing parts that a reason names


def part_paths(path: Path, count: int) -> tuple[Path, ...]:
    """All `count` parts in their order, `path` being one of them or a link to one. Raises GGUFError when one is missing
    or `path` is not named as a part of so many."""
    wanted = f"is part of a model in {count} parts, but is not named …-00001-of-{count:05}.gguf"
    reason = wanted
    for place in dict.fromkeys((path, path.resolve())):
        match = PART_NAME.fullmatch(place.name)
        if match is None or int(match["count"]) != count or not 1 < count <= MAX_PARTS:
            continue
        found = _siblings(place, match["stem"], count)
        missing = [f"{match['stem']}-{n:05}-of-{count:05}.gguf" for n in range(1, count + 1) if n not in found]
        if not missing:
            return tuple(found[number] for number in range(1, count + 1))
        if reason is wanted:
            reason = _missing(missing, count)
    raise GGUFError(reason)


def all_parts(path: Path) -> tuple[Path, ...]:
    """Of the parts of its model those that lie in its folder, `path` too; `path` alone, when it is not named as one."""
    part = PART_NAME.fullmatch(path.name)
    if part is None:
        return (path,)
    found = _siblings(path, part["stem"], int(part["count"]))
    return tuple(dict.fromkeys((path, *found.values())))


def _siblings(place: Path, stem: str, count: int) -> dict[int, Path]:
    """Number → file, of what lies in its folder. Where one part is there twice, under suffixes of different case, the
    one that is written like `place` counts."""
    found: dict[int, Path] = {}
    try:
        names = sorted(place.parent.iterdir(), key=lambda other: other.suffix == place.suffix)
    except OSError as error:
        raise GGUFError(f"its folder cannot be read for the other parts: {error.strerror}") from error
    for other in names:
        match = PART_NAME.fullmatch(other.name)
        if match and match["stem"] == stem and int(match["count"]) == count and other.is_file():
            found[int(match["number"])] = other
    return found


def _missing(names: list[str], count: int) -> str:
    if len(names) == 1:
        return f"its part {names[0]} is missing"
    more = f" and {len(names) - _NUM_NAMED} more" if len(names) > _NUM_NAMED else ""
    return f"{len(names)} of its {count} parts are missing: {', '.join(names[:_NUM_NAMED])}{more}"
