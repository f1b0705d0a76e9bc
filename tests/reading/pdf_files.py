"""Writes small PDFs by hand: Latin in the standard fonts, Korean in a Type0 font whose codes are its characters."""

from collections.abc import Sequence
from dataclasses import dataclass, field

A4 = (595, 842)
IMAGE = b"q 500 0 0 700 40 70 cm /I0 Do Q"


@dataclass
class Line:
    """`x`, `y`: where its baseline begins, points from the top left corner of a page that is not turned."""

    text: str
    x: float = 72
    y: float = 72
    size: float = 10
    font: str = "K"


@dataclass
class Sheet:
    lines: Sequence[Line] = ()
    rotate: int = 0
    box: tuple[int, int, int, int] = (0, 0, *A4)
    has_image: bool = False
    extra: bytes = b""


@dataclass
class Objects:
    bodies: list[bytes] = field(default_factory=list)

    def add(self, body: bytes) -> int:
        self.bodies.append(body)
        return len(self.bodies)

    def stream(self, data: bytes, entries: str = "") -> int:
        return self.add(f"<< /Length {len(data)} {entries} >>\nstream\n".encode() + data + b"\nendstream")

    def file(self, root: int, trailer: str = "") -> bytes:
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        offsets = []
        for number, body in enumerate(self.bodies, 1):
            offsets.append(len(out))
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        start = len(out)
        out += f"xref\n0 {len(offsets) + 1}\n0000000000 65535 f \n".encode()
        out += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
        out += (
            f"trailer\n<< /Size {len(offsets) + 1} /Root {root} 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
        )
        return bytes(out)


TO_UNICODE = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
%d beginbfrange
%s
endbfrange endcmap CMapName currentdict /CMap defineresource pop end end"""


def pdf(*sheets: Sheet, catalog: str = "", trailer: str = "", has_to_unicode: bool = True) -> bytes:
    """`has_to_unicode`: else the Korean font's codes mean nothing."""
    objects = Objects()
    root, tree = objects.add(b""), objects.add(b"")
    resources = objects.add(_resources(objects, has_to_unicode=has_to_unicode))
    pages = []
    for sheet in sheets:
        content = objects.stream(_content(sheet))
        box = " ".join(map(str, sheet.box))
        pages.append(
            objects.add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [{box}] /Rotate {sheet.rotate} "
                f"/Resources {resources} 0 R /Contents {content} 0 R >>".encode()
            )
        )
    kids = " ".join(f"{page} 0 R" for page in pages)
    objects.bodies[root - 1] = f"<< /Type /Catalog /Pages {tree} 0 R {catalog} >>".encode()
    objects.bodies[tree - 1] = f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode()
    return objects.file(root, trailer)


def _resources(objects: Objects, *, has_to_unicode: bool) -> bytes:
    ranges = [f"<{row:02X}00> <{row:02X}FF> <{row:02X}00>".encode() for row in range(256)]
    blocks = [ranges[start : start + 100] for start in range(0, 256, 100)]
    cmap = TO_UNICODE % (len(blocks[0]), b"\n".join(blocks[0]))
    for block in blocks[1:]:
        more = b"endbfrange\n%d beginbfrange\n%s\nendbfrange endcmap" % (len(block), b"\n".join(block))
        cmap = cmap.replace(b"endbfrange endcmap", more)
    mapping = f"/ToUnicode {objects.stream(cmap)} 0 R" if has_to_unicode else ""
    descriptor = objects.add(
        b"<< /Type /FontDescriptor /FontName /Own /Flags 4 /FontBBox [0 -200 1000 800] /ItalicAngle 0 /Ascent 800"
        b" /Descent -200 /CapHeight 700 /StemV 80 >>"
    )
    descendant = objects.add(
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Own /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity)"
        b" /Supplement 0 >> /DW 1000 /W [0 [500] 32 126 500] /CIDToGIDMap /Identity"
        + f" /FontDescriptor {descriptor} 0 R >>".encode()
    )
    korean = objects.add(
        f"<< /Type /Font /Subtype /Type0 /BaseFont /Own /Encoding /Identity-H /DescendantFonts [{descendant} 0 R]"
        f" {mapping} >>".encode()
    )
    latin = objects.add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    bold = objects.add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>")
    image = objects.stream(
        b"\x80", "/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
    )
    return f"<< /Font << /K {korean} 0 R /L {latin} 0 R /B {bold} 0 R >> /XObject << /I0 {image} 0 R >> >>".encode()


def _content(sheet: Sheet) -> bytes:
    left, bottom, _, top = sheet.box
    parts = [IMAGE] if sheet.has_image else []
    for line in filter(lambda each: each.text, sheet.lines):
        coded = line.text.encode("utf-16-be" if line.font == "K" else "cp1252").hex()
        place = f"{left + line.x:g} {bottom + (top - bottom) - line.y:g}"
        parts.append(f"BT /{line.font} {line.size:g} Tf {place} Td <{coded}> Tj ET".encode())
    return b"\n".join([*parts, sheet.extra])
