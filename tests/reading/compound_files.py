"""Writes compound files (OLE) byte by byte: what .hwp and .xls lie in."""

import struct

SECTOR, MINI_SECTOR, CUTOFF = 512, 64, 4096
END, FREE, FAT_SECTOR = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5


def compound_file(streams: dict[str, bytes], *, cycle_in: str | None = None) -> bytes:
    """`streams`: path → content, at most one folder deep. `cycle_in`: the chain of this stream's sectors comes back to
    its first; it must have more than CUTOFF bytes."""
    paths = sorted({path.split("/")[0] for path in streams if "/" in path} | set(streams), key=_order)
    entries = ["", *paths]  # the root first
    fat: list[int] = []
    sectors: list[bytes] = []
    mini = b""
    mini_fat: list[int] = []
    places: dict[str, tuple[int, int]] = {}
    _append(sectors, fat, bytes(128 * len(entries)))  # the directory, as soon as all places are known
    for path, content in streams.items():
        if len(content) >= CUTOFF:
            first = _append(sectors, fat, content)
            if path == cycle_in:
                fat[len(fat) - 1] = first
            places[path] = first, len(content)
        else:
            places[path] = (len(mini_fat), len(content)) if content else (END, 0)
            num = -(-len(content) // MINI_SECTOR)
            mini_fat += [*range(len(mini_fat) + 1, len(mini_fat) + num), END][:num] if num else []
            mini += content.ljust(num * MINI_SECTOR, b"\0")
    places[""] = _append(sectors, fat, mini), len(mini)
    mini_fat_start = _append(sectors, fat, struct.pack(f"<{len(mini_fat)}I", *mini_fat), fill=b"\xff")
    directory = b"".join(_entry(path, entries, places) for path in entries)
    for at in range(0, len(directory), SECTOR):
        sectors[at // SECTOR] = directory[at : at + SECTOR].ljust(SECTOR, b"\0")
    num_fat = 1
    while num_fat * (SECTOR // 4) < len(fat) + num_fat:
        num_fat += 1
    fat_start = len(fat)
    fat += [FAT_SECTOR] * num_fat
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(num_fat * SECTOR, b"\xff")
    difat = [*range(fat_start, fat_start + num_fat)]
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, num_fat, 0, 0, CUTOFF,
                          mini_fat_start, -(-len(mini_fat) // 128) if mini_fat else 0, END, 0, difat[0])  # fmt: skip
    header += struct.pack(f"<{len(difat) - 1}I", *difat[1:])
    return header.ljust(SECTOR, b"\xff") + b"".join(sectors) + table


def _append(sectors: list[bytes], fat: list[int], content: bytes, fill: bytes = b"\0") -> int:
    if not content:
        return END
    first = len(fat)
    num = -(-len(content) // SECTOR)
    padded = content.ljust(num * SECTOR, fill)
    sectors += [padded[at : at + SECTOR] for at in range(0, len(padded), SECTOR)]
    fat += [*range(first + 1, first + num), END]
    return first


def _order(path: str) -> tuple[int, str]:
    name = path.rpartition("/")[2]
    return len(name), name.upper()


def _entry(path: str, entries: list[str], places: dict[str, tuple[int, int]]) -> bytes:
    """Siblings hang on each other's right side, in order."""
    siblings = [each for each in entries if each and each.rpartition("/")[0] == path.rpartition("/")[0]]
    children = [each for each in entries if each and each.rpartition("/")[0] == path]
    if path in ("",):
        children = [each for each in entries if each and "/" not in each]
    later = siblings[siblings.index(path) + 1 :] if path else []
    name = (path.rpartition("/")[2] if path else "Root Entry").encode("utf-16-le") + b"\0\0"
    kind = _ROOT if not path else _STREAM if path in places else _STORAGE
    start, size = places.get(path, (0, 0))
    right = entries.index(later[0]) if later else FREE
    child = entries.index(children[0]) if children and kind != _STREAM else FREE
    return (
        name.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(name), kind, 1, FREE, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
