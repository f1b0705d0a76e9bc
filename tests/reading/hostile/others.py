"""Compound files, PDFs, texts, and files that are not what their names say."""

import json
import random
import zlib
from functools import partial

from tests.reading.compound_files import compound_file
from tests.reading.hostile.attack import READ, SECRET, Attack
from tests.reading.hwp_files import Note, Paragraph, Table, deflated, hwp_file, record
from tests.reading.office_files import docx_file, xls_file, xls_workbook
from tests.reading.pdf_files import Line, Objects, Sheet, pdf

HWP = [Paragraph(("read", Note("note"), Table((("a", "b"),))))]


def patched(content: bytes, at: int, data: bytes) -> bytes:
    return content[:at] + data + content[at + len(data) :]


def cut(content: bytes, percent: int) -> bytes:
    return content[: len(content) * percent // 100]


def directory_in_a_circle() -> bytes:
    """The second entry's right sibling is itself."""
    content = hwp_file(HWP)
    at = content.index("FileHeader".encode("utf-16-le"))
    return patched(content, at + 72, b"\1\0\0\0" * 2)


def zipped_twice() -> bytes:
    objects = Objects()
    root, tree, page = objects.add(b""), objects.add(b""), objects.add(b"")
    inner = zlib.compress(zlib.compress(b"0" * (1 << 30), 9), 9)
    content = objects.stream(inner, "/Filter [/FlateDecode /FlateDecode]")
    objects.bodies[root - 1] = f"<< /Type /Catalog /Pages {tree} 0 R >>".encode()
    objects.bodies[tree - 1] = f"<< /Type /Pages /Kids [{page} 0 R] /Count 1 >>".encode()
    objects.bodies[page - 1] = (
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 9 9] /Contents {content} 0 R >>".encode()
    )
    return objects.file(root)


def tree_of_pages(kids: str, count: int = 1) -> bytes:
    objects = Objects()
    objects.add(b"<< /Type /Catalog /Pages 2 0 R >>")
    objects.add(f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode())
    return objects.file(1)


def form_in_itself() -> bytes:
    objects = Objects()
    objects.add(b"<< /Type /Catalog /Pages 2 0 R >>")
    objects.add(b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
    resources = "/Resources << /XObject << /F 5 0 R >> >>"
    objects.add(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] {resources} /Contents 4 0 R >>".encode())
    objects.stream(b"/F Do")
    objects.stream(b"/F Do /F Do", f"/Type /XObject /Subtype /Form /BBox [0 0 9 9] {resources}")
    return objects.file(1)


def locked() -> str:
    return (
        f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'ab' * 32}> /U <{'cd' * 32}> >>"
        f" /ID [<{'00' * 16}> <{'00' * 16}>]"
    )


def letters(depth: int) -> bytes:
    letter = b"From: a@b\nTo: c@d\nSubject: deep\n\nread"
    for _ in range(depth):
        letter = b"From: a@b\nTo: c@d\nSubject: deep\nContent-Type: message/rfc822\n\n" + letter
    return letter


def parts(number: int) -> bytes:
    head = b'From: a@b\nTo: c@d\nSubject: parts\nContent-Type: multipart/mixed; boundary="x"\n\n'
    return head + b"--x\nContent-Type: text/plain\n\nread\n" * number + b"--x--\n"


def noise(num_bytes: int) -> bytes:
    return random.Random(1).randbytes(num_bytes)


COMPOUNDS = [
    Attack("sectors in a circle", "damaged", lambda: hwp_file([], flags=0, section=noise(9000),
           cycle_in="BodyText/Section0"), is_sample=True),
    Attack("a directory in a circle", READ, directory_in_a_circle),
    Attack("a directory that starts nowhere", "damaged", lambda: patched(hwp_file(HWP), 48, b"\xf0\xff\xff\x0f")),
    Attack("a table of sectors of 4 billion", READ, lambda: patched(hwp_file(HWP), 44, b"\xff\xff\xff\x7f")),
    Attack("a list of tables without end", "damaged", lambda: patched(hwp_file(HWP), 68, b"\0\0\0\0\xff\xff\xff\x7f")),
    Attack("sectors of one byte", "damaged", lambda: patched(hwp_file(HWP), 30, b"\0\0")),
    Attack("sectors of 2 GiB", "damaged", lambda: patched(hwp_file(HWP), 30, b"\x1f\0")),
    Attack("small sectors that start nowhere", "damaged", lambda: patched(hwp_file(HWP), 60, b"\x77\0\0\0")),
    *(Attack(f"hwp cut at {share}%", "damaged", partial(cut, hwp_file(HWP), share))
      for share in (30, 60, 90)),
    Attack("a bomb in a section", "too_large_unpacked", lambda: hwp_file([], section=record(66, 0, bytes(22))
           + record(67, 1, bytes(1 << 20)) * 60)),
    Attack("a section of many small records", "damaged", lambda: hwp_file([], section=(
        record(66, 0, bytes(22)) + record(67, 1, b"") * 2_100_000))),
    Attack("records nested 900 deep", "damaged", lambda: hwp_file([], section=b"".join(
        record(66, level, bytes(22)) for level in range(900)))),
    Attack("a record of 4 GiB", "damaged", lambda: hwp_file([], section=b"\x42\0\xf0\xff\xff\xff\xff\xff" + bytes(99))),
    Attack("a section that is not zipped", "damaged", lambda: hwp_file(HWP, others={"BodyText/Section0": noise(5000)})),
    Attack("a section whose zip is cut", "damaged", lambda: hwp_file(HWP, others={"BodyText/Section0": deflated(
        record(66, 0, noise(3000)))[:-20]})),
    Attack("an hwp with a password", "encrypted", lambda: hwp_file(HWP, flags=3), is_sample=True),
    Attack("an hwp for distribution", "encrypted", lambda: hwp_file(HWP, flags=5)),
    Attack("halves of characters", READ, lambda: hwp_file([], section=record(66, 0, bytes(22)) + record(
        67, 1, b"\x00\xd8a\0\x00\xdc\0\0b\0\r\0"))),
    Attack("a control without its record", READ, lambda: hwp_file([], section=record(66, 0, bytes(22)) + record(
        67, 1, b"a\0\x0b\0" + bytes(12) + b"\x0b\0b\0\r\0"))),
    Attack("an office file with a password", "encrypted", lambda: compound_file(
        {"EncryptionInfo": bytes(200), "EncryptedPackage": noise(5000)}), is_sample=True),
    Attack("an .xls with a password", "encrypted", lambda: compound_file({"Workbook": xls_workbook([["a"]])[:20]
           + b"\x2f\0\x36\0" + b"\1\0\1\0\1\0" + noise(48) + xls_workbook([["a"]])[20:]})),
    Attack("an .xls of noise", "damaged", lambda: compound_file({"Workbook": noise(9000)})),
    Attack("an .xls cut in the middle", "damaged", lambda: xls_file([["a" * 100] * 100] * 9)[:5000]),
    Attack("an .hwp of 1997", "unknown_format", lambda: b"HWP Document File V3.00 \x1a\1\2\3\4\5" + noise(500)),
]  # fmt: skip

PDFS = [
    *(Attack(f"pdf cut at {share}%", code, partial(cut, pdf(Sheet([Line("read")])), share))
      for share, code in ((2, "damaged"), (40, "damaged"))),
    Attack("a tree of pages in a circle", "damaged", lambda: tree_of_pages("2 0 R")),
    Attack("pages that are not there", "damaged", lambda: tree_of_pages("77 0 R", 2_000_000_000)),
    Attack("a pdf with a password", "encrypted", lambda: pdf(Sheet(), trailer=locked())),
    Attack("10,000 pages", "too_many_pages", lambda: pdf(*[Sheet()] * 10_000), is_sample=True),
    Attack("fonts without mapping", "no_text", lambda: pdf(Sheet([Line("읽기")]), has_to_unicode=False)),
    Attack("a script at the opening", READ, lambda: pdf(Sheet([Line("read")]), catalog=(
        "/OpenAction << /S /JavaScript /JS (app.launchURL\\(1\\)) >>"))),
    Attack("a stream that unpacks to 1 GB", "reader_died", zipped_twice),
    Attack("a form drawn in itself", "reader_died", form_in_itself),
    Attack("a cross-reference that names itself", READ, lambda: pdf(Sheet([Line("read")]), trailer="/Prev 20")),
    Attack("arrays 200,000 deep", "damaged", lambda: b"%PDF-1.7\n1 0 obj\n" + b"[" * 200_000),
    Attack("a page of 1e9 points", "damaged", lambda: pdf(Sheet([Line("read")], box=(0, 0, 10**9, 10**9)))),
    Attack("a pdf of noise", "damaged", lambda: b"%PDF-1.7\n" + noise(100_000)),
    Attack("pictures of pages", "no_text", lambda: pdf(Sheet(has_image=True))),
    Attack("1 GB that begins as a pdf", "damaged", lambda: b"%PDF-1.7\n", is_sparse=True),
]  # fmt: skip

TEXTS = [
    Attack("1 GB of nothing", "unknown_format", bytes, is_sparse=True, is_sample=True),
    Attack("1 GB that begins as an archive", "damaged", lambda: b"PK\3\4", is_sparse=True),
    Attack("1 GB that begins as text", "too_much_text", lambda: b"hello " * 50_000, is_sparse=True),
    Attack("nothing", "empty", lambda: b""),
    Attack("white space", "empty", lambda: b" \n\t" * 9),
    Attack("noise", "unknown_format", lambda: noise(1 << 20)),
    Attack("NULs in a text", "unknown_format", lambda: b"a\0b\0\0\0c" * 9999),
    Attack("40 MB of text", "too_much_text", lambda: b"word " * (8 << 20), is_sample=True),
    Attack("a line of 10 MB", READ, lambda: b"a" * (10 << 20)),
    Attack("lists 100,000 deep", READ, lambda: b"[" * 100_000 + b"]" * 100_000, "deep.json"),
    Attack("objects 100,000 deep", READ, lambda: b'{"a":' * 100_000, "deep.json"),
    Attack("a number of a million digits", READ, lambda: b'{"a": ' + b"9" * 1_000_000 + b"}", "long.json"),
    Attack("a notebook that lies", READ, lambda: json.dumps(
        {"cells": [{"cell_type": 7, "source": {"a": [None]}}, 5, None], "x": "read"}).encode(), "a.ipynb"),
    Attack("elements 100,000 deep, in HTML", (READ, "too_slow"), lambda: b"<html>" + b"<div>" * 100_000 + b"read"),
    Attack("tables in tables, in HTML", READ, lambda: b"<html>" + b"<table><tr><td>" * 3000 + b"read"),
    Attack("500,000 attributes, in HTML", (READ, "too_slow"), lambda: b"<html><p " + b" ".join(
        b"a%d=1" % n for n in range(500_000)) + b">read"),
    Attack("scripts and hidden text", READ, lambda: b"<html><script>%(x)s</script><p hidden>%(x)s</p>"
           b'<p style="display:none">%(x)s</p>read<iframe src="file:///etc/passwd"></iframe>' % {b"x": SECRET.encode()},
           secret=SECRET),
    Attack("a table of a million columns", READ, lambda: b"a," * 1_000_000 + b"\n" + b"1," * 1_000_000, "wide.csv"),
    Attack("a quote that never ends", READ, lambda: b'a,"b\n' * 200_000, "open.csv"),
    Attack("a letter of 10,000 parts", READ, lambda: parts(10_000), "parts.eml"),
    Attack("letters in letters, 500 deep", READ, lambda: letters(500), "deep.eml"),
    Attack("quotations 100,000 deep", READ, lambda: b">" * 100_000 + b" read", "deep.md"),
    Attack("emphasis without end", READ, lambda: b"*a_ `[(" * 100_000, "marks.md"),
    Attack("half of a UTF-16", READ, lambda: "read this text, please\n".encode("utf-16") * 50 + b"\xd8"),
    Attack("a program named .pdf", "unknown_format", lambda: b"\x7fELF" + noise(999), "invoice.pdf"),
    Attack("a picture named .docx", "unknown_format", lambda: b"\x89PNG\r\n\x1a\n" + noise(999), "letter.docx"),
    Attack("a .docx named .txt", READ, docx_file, "notes.txt"),
    Attack("a name that climbs and has NULs", READ, lambda: b"read", "../../\0etc/passwd\0.pdf"),
]  # fmt: skip
