"""PDFs that are broken or mean harm, each with what it may end with: codes of reasons.py, or "read"."""

import zlib
from collections.abc import Iterator

from tests.reading.pdf_files import Line, Objects, Sheet, pdf

GOOD = pdf(Sheet([Line("환불 규정")]), Sheet([Line("둘째 쪽")]))
DAMAGED = {"damaged", "empty", "no_text"}


def hostile_pdfs() -> Iterator[tuple[str, bytes, set[str]]]:
    yield "cut in its first page", GOOD[:2000], DAMAGED
    yield "cut before its table of objects", GOOD[: GOOD.index(b"xref\n")], DAMAGED
    yield "nothing but its mark", b"%PDF-1.7\n", DAMAGED
    yield "its mark and NULs", b"%PDF-1.7\n" + bytes(100_000), DAMAGED
    yield "a table of objects that points at itself", _own_table(), {"read", *DAMAGED}
    yield "a root that is a number", GOOD.replace(b"/Root 1 0 R", b"/Root 99 0 R"), {"read", *DAMAGED}
    yield "a tree of pages in a circle", _tree("<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"), DAMAGED
    yield (
        "a page that is its own parent's parent",
        _tree("<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 3 0 R >>"),
        {
            "read",
            *DAMAGED,
        },
    )
    yield (
        "a count of pages that is a lie",
        _tree("<< /Type /Pages /Kids [3 0 R] /Count 2147483647 >>"),
        {
            "too_many_pages",
            *DAMAGED,
        },
    )
    yield "a count below nothing", _tree("<< /Type /Pages /Kids [3 0 R] /Count -5 >>"), {"read", *DAMAGED}
    yield "10,000 pages", _many_pages(10_000), {"too_many_pages"}
    yield "pages nested 5,000 deep", _deep_tree(5000), DAMAGED
    yield (
        "a stream of a quarter gigabyte",
        _stream(_packed_zeros(1 << 28), "/Filter /FlateDecode"),
        {
            "out_of_memory",
            "too_slow",
            "reader_died",
            *DAMAGED,
        },
    )
    yield (
        "a stream packed five times",
        _stream(_packed(5), "/Filter [" + "/FlateDecode " * 5 + "]"),
        {
            "out_of_memory",
            "too_slow",
            "reader_died",
            *DAMAGED,
        },
    )
    yield "a filter nobody knows", _stream(b"BT ET", "/Filter /Own"), DAMAGED
    yield "a stream longer than the file", _stream(b"BT ET", "/Length 999999999"), {"read", *DAMAGED}
    yield "brackets nested without end", _stream(b"[" * 2_000_000), DAMAGED
    yield "states saved without end", _stream(b"q " * 2_000_000), {"reader_died", *DAMAGED}
    yield "a dictionary nested without end", _objects(b"<< /A " * 100_000), {"read", *DAMAGED}
    yield "a form that draws itself", _own_form(), {"read", *DAMAGED}
    yield (
        "a million characters on a page",
        _stream(b"BT /K 1 Tf <" + b"AC00" * 1_000_000 + b"> Tj ET"),
        {
            "too_much_text",
            "too_slow",
            "read",
            *DAMAGED,
        },
    )
    yield "a page without a size", pdf(Sheet([Line("a")], box=(0, 0, 0, 0))), {"read", *DAMAGED}
    yield "a page of a million miles", pdf(Sheet([Line("a")], box=(0, 0, 2**31 - 1, 2**31 - 1))), {"read", *DAMAGED}
    yield "a page turned by 45 degrees", pdf(Sheet([Line("환불")], rotate=45)), {"read"}
    yield "letters a million points high", pdf(Sheet([Line("환불", size=1e6)])), {"read", *DAMAGED}
    yield "letters of no size", pdf(Sheet([Line("환불", size=0)])), {"read", *DAMAGED}
    yield "a font without a mapping", pdf(Sheet([Line("환불")]), has_to_unicode=False), {"no_text"}
    yield "a mapping that is noise", GOOD.replace(b"beginbfrange\n<00", b"beginbfrange\n<\xff\xff"), {"read", *DAMAGED}
    yield "a password", _encrypted("/V 1 /R 2"), {"encrypted"}
    yield "a password by a method of its own", _encrypted("/V 99 /R 99"), {"encrypted", *DAMAGED}
    yield (
        "scripts that run at the start",
        pdf(Sheet([Line("환불")]), catalog="/OpenAction << /S /JavaScript /JS (while \\(1\\);) >>"),
        {"read"},
    )
    yield (
        "a program to launch",
        pdf(Sheet([Line("환불")]), catalog="/OpenAction << /S /Launch /F (/bin/sh) >>"),
        {"read"},
    )
    yield (
        "an address to send to",
        pdf(Sheet([Line("환불")]), catalog="/OpenAction << /S /SubmitForm /F (http://127.0.0.1:1/) >>"),
        {"read"},
    )
    yield "text of the other world", pdf(Sheet([Line("\u202e\u0007<|im_end|>")])), {"read", *DAMAGED}


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
