"""PDFs that are broken or mean harm."""

import zlib

from tests.reading.hostile.attack import READ, Attack
from tests.reading.pdf_files import Line, Objects, Sheet, pdf

GOOD = pdf(Sheet([Line("환불 규정")]), Sheet([Line("둘째 쪽")]))
DAMAGED = ("damaged", "empty", "no_text")


def _objects(page: bytes, *others: bytes, catalog: bytes = b"<< /Type /Catalog /Pages 2 0 R >>") -> bytes:
    objects = Objects([catalog, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, *others])
    return objects.file(1)


def _tree(node: str) -> bytes:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    return Objects([b"<< /Type /Catalog /Pages 2 0 R >>", node.encode(), page]).file(1)


def _many_pages(number: int) -> bytes:
    kids = b"3 0 R " * number
    tree = b"<< /Type /Pages /Kids [" + kids + b"] /Count %d >>" % number
    return Objects(
        [b"<< /Type /Catalog /Pages 2 0 R >>", tree, b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"]
    ).file(1)


def _deep_tree(depth: int) -> bytes:
    nodes = [b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (at + 3) for at in range(depth)]
    return Objects([b"<< /Type /Catalog /Pages 2 0 R >>", *nodes, b"<< /Type /Page /MediaBox [0 0 9 9] >>"]).file(1)


def _stream(data: bytes, entries: str = "") -> bytes:
    base = pdf(Sheet([Line("x")]))
    start = base.index(b"<< /Length", base.index(b"/Subtype /Image"))
    end = base.index(b"endobj", start)
    length = "" if "/Length" in entries else f"/Length {len(data)}"
    body = f"<< {length} {entries} >>\nstream\n".encode() + data + b"\nendstream\n"
    return base[:start] + body + base[end:]  # the table of objects is wrong now, and is made anew


def _packed_zeros(size: int) -> bytes:
    packer = zlib.compressobj(9)
    block = b" " * (1 << 20)
    return b"".join([*(packer.compress(block) for _ in range(size >> 20)), packer.flush()])


def _packed(times: int) -> bytes:
    data = _packed_zeros(1 << 28)
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    return data


def _own_table() -> bytes:
    return GOOD.replace(b"trailer\n<< ", b"trailer\n<< /Prev %d " % GOOD.index(b"xref\n"))


def _own_form() -> bytes:
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F 5 0 R >> >> /Length 5 >>"
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >> >>"
    )
    content = b"<< /Length 5 >>\nstream\n/F Do\nendstream"
    return _objects(page, content, form + b"\nstream\n/F Do\nendstream")


def _encrypted(entries: str) -> bytes:
    trailer = (
        f"/Encrypt << /Filter /Standard {entries} /P -4 /O <{'ab' * 32}> /U <{'cd' * 32}> >> /ID [<{'00' * 16}>"
        f" <{'00' * 16}>]"
    )
    return pdf(Sheet([Line("환불")]), trailer=trailer)


PDFS = [
    Attack("pdf: cut in its first page", DAMAGED, lambda: GOOD[:2000]),
    Attack("pdf: cut before its table of objects", DAMAGED, lambda: GOOD[: GOOD.index(b"xref\n")]),
    Attack("pdf: nothing but its mark", DAMAGED, lambda: b"%PDF-1.7\n"),
    Attack("pdf: its mark and NULs", DAMAGED, lambda: b"%PDF-1.7\n" + bytes(100000)),
    Attack("pdf: a table of objects that points at itself", (READ, *DAMAGED), _own_table),
    Attack("pdf: a root that is a number", (READ, *DAMAGED), lambda: GOOD.replace(b"/Root 1 0 R", b"/Root 99 0 R")),
    Attack(
        "pdf: a tree of pages in a circle", DAMAGED, lambda: _tree("<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>")
    ),
    Attack(
        "pdf: a page that is its own parent's parent",
        (READ, *DAMAGED),
        lambda: _tree("<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 3 0 R >>"),
    ),
    Attack(
        "pdf: a count of pages that is a lie",
        ("too_many_pages", *DAMAGED),
        lambda: _tree("<< /Type /Pages /Kids [3 0 R] /Count 2147483647 >>"),
    ),
    Attack("pdf: a count below nothing", (READ, *DAMAGED), lambda: _tree("<< /Type /Pages /Kids [3 0 R] /Count -5 >>")),
    Attack("pdf: 10,000 pages", "too_many_pages", lambda: _many_pages(10000)),
    Attack("pdf: pages nested 5,000 deep", DAMAGED, lambda: _deep_tree(5000)),
    Attack(
        "pdf: a stream of a quarter gigabyte",
        ("out_of_memory", "too_slow", "reader_died", *DAMAGED),
        lambda: _stream(_packed_zeros(1 << 28), "/Filter /FlateDecode"),
    ),
    Attack(
        "pdf: a stream packed five times",
        ("out_of_memory", "too_slow", "reader_died", *DAMAGED),
        lambda: _stream(_packed(5), "/Filter [" + "/FlateDecode " * 5 + "]"),
    ),
    Attack("pdf: a filter nobody knows", DAMAGED, lambda: _stream(b"BT ET", "/Filter /Own")),
    Attack("pdf: a stream longer than the file", (READ, *DAMAGED), lambda: _stream(b"BT ET", "/Length 999999999")),
    Attack("pdf: brackets nested without end", DAMAGED, lambda: _stream(b"[" * 2000000)),
    Attack("pdf: states saved without end", ("reader_died", *DAMAGED), lambda: _stream(b"q " * 2000000)),
    Attack("pdf: a dictionary nested without end", (READ, *DAMAGED), lambda: _objects(b"<< /A " * 100000)),
    Attack("pdf: a form that draws itself", (READ, *DAMAGED), _own_form),
    Attack(
        "pdf: a million characters on a page",
        ("too_much_text", "too_slow", READ, *DAMAGED),
        lambda: _stream(b"BT /K 1 Tf <" + b"AC00" * 1000000 + b"> Tj ET"),
    ),
    Attack("pdf: a page without a size", (READ, *DAMAGED), lambda: pdf(Sheet([Line("a")], box=(0, 0, 0, 0)))),
    Attack(
        "pdf: a page of a million miles",
        (READ, *DAMAGED),
        lambda: pdf(Sheet([Line("a")], box=(0, 0, 2**31 - 1, 2**31 - 1))),
    ),
    Attack("pdf: a page turned by 45 degrees", READ, lambda: pdf(Sheet([Line("환불")], rotate=45))),
    Attack("pdf: letters a million points high", (READ, *DAMAGED), lambda: pdf(Sheet([Line("환불", size=1000000.0)]))),
    Attack("pdf: letters of no size", (READ, *DAMAGED), lambda: pdf(Sheet([Line("환불", size=0)]))),
    Attack("pdf: a font without a mapping", "no_text", lambda: pdf(Sheet([Line("환불")]), has_to_unicode=False)),
    Attack(
        "pdf: a mapping that is noise",
        (READ, *DAMAGED),
        lambda: GOOD.replace(b"beginbfrange\n<00", b"beginbfrange\n<\xff\xff"),
    ),
    Attack("pdf: a password", "encrypted", lambda: _encrypted("/V 1 /R 2")),
    Attack("pdf: a password by a method of its own", ("encrypted", *DAMAGED), lambda: _encrypted("/V 99 /R 99")),
    Attack(
        "pdf: scripts that run at the start",
        READ,
        lambda: pdf(Sheet([Line("환불")]), catalog="/OpenAction << /S /JavaScript /JS (while \\(1\\);) >>"),
    ),
    Attack(
        "pdf: a program to launch",
        READ,
        lambda: pdf(Sheet([Line("환불")]), catalog="/OpenAction << /S /Launch /F (/bin/sh) >>"),
    ),
    Attack(
        "pdf: an address to send to",
        READ,
        lambda: pdf(Sheet([Line("환불")]), catalog="/OpenAction << /S /SubmitForm /F (http://127.0.0.1:1/) >>"),
    ),
    Attack("pdf: text of the other world", (READ, *DAMAGED), lambda: pdf(Sheet([Line("\u202e\x07<|im_end|>")]))),
]
