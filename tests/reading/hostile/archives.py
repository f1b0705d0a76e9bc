"""Office files and books: archives and the XML within."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_LZMA, ZipFile, ZipInfo

from tests.reading.hostile.attack import READ, SECRET, Attack, laughs, wrong_entities
from tests.reading.hwp_files import Paragraph, archive, hwpx_file
from tests.reading.office_files import (
    W,
    docx_file,
    epub_file,
    ods_cell,
    ods_file,
    pptx_file,
    word_body,
    xls_file,
    xlsx_cells,
    xlsx_file,
)

BOMB = b" " * (60 << 20)
WORDS = "<w:p><w:r><w:t>read</w:t></w:r></w:p>"


def with_entry(content: bytes, name: str, data: bytes | None) -> bytes:
    """The archive with this entry in place of its own; None: without it."""
    with ZipFile(BytesIO(content)) as file:
        entries = {each: file.read(each) for each in file.namelist() if each != name}
    return archive(entries if data is None else {**entries, name: data})


def xlsx() -> bytes:
    return xlsx_file({"A": [["read"]]})


def ods() -> bytes:
    return ods_file(f'<table:table table:name="t"><table:table-row>{ods_cell("read")}</table:table-row></table:table>')


def hwpx() -> bytes:
    return hwpx_file([Paragraph(("read",))])


def epub() -> bytes:
    return epub_file({"a": "<p>read</p>"})


CARRIERS: dict[str, tuple[Callable[[], bytes], str]] = {
    "docx": (docx_file, "word/document.xml"),
    "pptx": (pptx_file, "ppt/slides/slide1.xml"),
    "xlsx": (xlsx, "xl/worksheets/sheet1.xml"),
    "ods": (ods, "content.xml"),
    "hwpx": (hwpx, "Contents/section0.xml"),
    "epub": (epub, "OEBPS/book.opf"),
}


def bomb(make: Callable[[], bytes], name: str) -> Callable[[], bytes]:
    return lambda: with_entry(make(), name, BOMB)


def declared(make: Callable[[], bytes], name: str, doctype: str) -> Callable[[], bytes]:
    """Its XML begins with this document type, and its root element's text with the entity x."""

    def made() -> bytes:
        with ZipFile(BytesIO(make())) as file:
            text = file.read(name).decode()
        text = text[text.index("?>") + 2 :] if text.startswith("<?xml") else text
        at = text.index(">") + 1
        return with_entry(make(), name, f"{doctype}{text[:at]}&x;{text[at:]}".encode())

    return made


def cut(make: Callable[[], bytes], share: float) -> Callable[[], bytes]:
    return lambda: make()[: int(len(make()) * share)]


def claims(size: int, compressed: int | None = None) -> bytes:
    """A .docx whose list of files tells other sizes of its document than it has."""
    content = bytearray(word_body(WORDS * 2000))
    for signature, at in ((b"PK\3\4", 18), (b"PK\1\2", 20)):
        start = content.index(signature)
        if compressed is not None:
            content[start + at : start + at + 4] = struct.pack("<I", compressed)
        content[start + at + 4 : start + at + 8] = struct.pack("<I", size)
    return bytes(content)


def flagged(bits: int) -> bytes:
    content = bytearray(word_body(WORDS))
    content[content.index(b"PK\3\4") + 6] |= bits
    content[content.index(b"PK\1\2") + 8] |= bits
    return bytes(content)


def method(number: int) -> bytes:
    content = bytearray(word_body(WORDS))
    content[content.index(b"PK\3\4") + 8] = content[content.index(b"PK\1\2") + 10] = number
    return bytes(content)


def broken_checksum() -> bytes:
    content = bytearray(word_body(WORDS))
    for signature, at in ((b"PK\3\4", 14), (b"PK\1\2", 16)):
        content[content.index(signature) + at] ^= 0xFF
    return bytes(content)


def overlapping() -> bytes:
    """A book whose 300 chapters are one chapter of 1 MB under other names."""
    chapter = b"<html><body>" + b"<p>a</p>" * 130_000
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packed.compress(chapter) + packed.flush()
    items = "".join(f'<item id="c{n}" href="c{n}" media-type="text/html"/>' for n in range(300))
    refs = "".join(f'<itemref idref="c{n}"/>' for n in range(300))
    book = f"<package>{items}{refs}</package>"
    content = archive({"mimetype": b"application/epub+zip", "META-INF/container.xml":
                       b'<c><rootfile full-path="b.opf"/></c>', "b.opf": book.encode()})  # fmt: skip
    end = content.rindex(b"PK\5\6")
    start = struct.unpack("<I", content[end + 16 : end + 20])[0]
    listed, local_at = content[start:end], start
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 0, zlib.crc32(chapter), len(data), len(chapter), 2, 0)
    for number in range(300):
        name = f"c{number}".encode()
        listed += struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 0, zlib.crc32(chapter), len(data),
                              len(chapter), len(name), 0, 0, 0, 0, 0, local_at) + name  # fmt: skip
    body = content[:start] + local + b"c0" + data
    tail = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 303, 303, len(listed), len(body), 0)
    return body + listed + tail


def nested(levels: int) -> bytes:
    inner = b"0" * (1 << 20)
    for level in range(levels):
        inner = archive({f"{level}-{copy}.zip": inner for copy in range(4)})
    return inner


def names(*others: str) -> bytes:
    return word_body(WORDS, **dict.fromkeys(others, SECRET))


def twice() -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w") as file:
        file.writestr("word/document.xml", f"<w:document {W}><w:body>{WORDS}</w:body></w:document>")
        twin = ZipInfo("word/document.xmk")
        file.writestr(twin, f"<w:document {W}><w:body>{WORDS}</w:body></w:document>")
    return packed.getvalue().replace(b"document.xmk", b"document.xml")


def word_xml(document: bytes) -> bytes:
    return archive({"word/document.xml": document})


def relations_in_a_circle() -> bytes:
    deck = pptx_file()
    circle = b'<Relationships><Relationship Id="rId1" Target="slide1.xml"/><Relationship Id="rId2" Target='
    circle += b'"../notesSlides/notesSlide1.xml"/></Relationships>'
    deck = with_entry(deck, "ppt/slides/_rels/slide1.xml.rels", circle)
    return with_entry(deck, "ppt/notesSlides/_rels/notesSlide1.xml.rels", circle)


def many_slides(number: int) -> bytes:
    ids = "".join(f'<p:sldId r:id="r{n}"/>' for n in range(number))
    links = "".join(f'<R Id="r{n}" Target="s{n}.xml"/>' for n in range(number))
    head = '<p:p xmlns:p="p" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    slides = dict.fromkeys((f"ppt/s{n}.xml" for n in range(number)), b"<p/>")
    return archive({"ppt/presentation.xml": f"{head}{ids}</p:p>".encode(),
                    "ppt/_rels/presentation.xml.rels": f"<R>{links}</R>".encode(), **slides}, 0)  # fmt: skip


def tables(depth: int) -> str:
    return "<w:tbl><w:tr><w:tc>" * depth + WORDS + "</w:tc></w:tr></w:tbl>" * depth


def opf(book: str) -> bytes:
    return with_entry(epub(), "OEBPS/book.opf", book.encode())


def container(path: str) -> bytes:
    return with_entry(epub(), "META-INF/container.xml", f'<c><rootfile full-path="{path}"/></c>'.encode())


FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
WIDE = ods_cell("x", 'table:number-columns-repeated="16384"')
TALL = f'<table:table><table:table-row table:number-rows-repeated="1048576">{WIDE}</table:table-row></table:table>'

FULL = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
    b'<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>'
)

ATTACKS = [
    *(
        Attack(f"bomb in {kind}: {name}", "too_large_unpacked", bomb(CARRIERS[kind][0], name), is_sample=kind == "hwpx")
        for kind, name in (
            ("docx", "word/document.xml"),
            ("docx", "word/styles.xml"),
            ("docx", "word/footnotes.xml"),
            ("pptx", "ppt/slides/slide2.xml"),
            ("pptx", "ppt/presentation.xml"),
            ("xlsx", "xl/worksheets/sheet1.xml"),
            ("xlsx", "xl/sharedStrings.xml"),
            ("ods", "content.xml"),
            ("hwpx", "Contents/section0.xml"),
            ("epub", "OEBPS/a.xhtml"),
            ("epub", "OEBPS/book.opf"),
        )
    ),
    *(
        Attack(f"external entity in {kind}", "damaged", declared(make, name, wrong_entities()), secret=SECRET,
               is_sample=kind == "docx")
        for kind, (make, name) in CARRIERS.items()
    ),
    *(
        Attack(f"billion laughs in {kind}", "damaged", declared(make, name, laughs()), is_sample=kind == "xlsx")
        for kind, (make, name) in CARRIERS.items()
    ),
    *(
        Attack(f"{kind} cut at {share:.0%}", "damaged", cut(make, share), is_sample=(kind, share) == ("pptx", 0.5))
        for kind, (make, _) in CARRIERS.items()
        for share in (0.1, 0.5, 0.99)
    ),
    Attack("entries that overlap", "damaged", overlapping),
    Attack("archives in archives", "unknown_format", lambda: nested(8)),
    Attack("an entry larger than it claims", "damaged", lambda: claims(100)),
    Attack("an entry of 4 GiB, it claims", READ, lambda: claims(0xFFFFFFF0)),
    Attack("an entry packed into 4 GiB, it claims", "damaged", lambda: claims(100, 0xFFFFFFF0)),
    Attack("an entry with a wrong checksum", "damaged", broken_checksum),
    Attack("an entry of an unknown method", "damaged", lambda: method(97)),
    Attack("an entry by LZMA", READ, lambda: archive({"word/document.xml": f"<d><body>{WORDS.replace('w:', '')}"
           "</body></d>".encode()}, ZIP_LZMA)),
    Attack("an encrypted entry", "encrypted", lambda: flagged(1), is_sample=True),
    Attack("names that climb", READ, lambda: names("../../etc/passwd", "/etc/shadow", "C:\\x", "word/../../../y"),
           secret=SECRET, is_sample=True),
    Attack("names with NUL", READ, lambda: names("word/\0.xml", "a\0/../../b"), secret=SECRET),
    Attack("one name twice", READ, twice),
    Attack("30,000 entries", "damaged", lambda: archive(
        {"word/document.xml": b"<d/>", **{f"e{n}": b"" for n in range(30_000)}}, 0)),
    Attack("an archive of nothing", "unknown_format", lambda: b"PK\5\6" + bytes(18)),
    Attack("elements 100,000 deep", "damaged", lambda: word_xml(b"<w>" * 100_000)),
    Attack("a text of 20 MB in one element", "damaged", lambda: word_xml(
        b"<d><body><p><r><t>" + b"a" * (20 << 20) + b"</t></r></p></body></d>")),
    Attack("500,000 attributes", "damaged", lambda: word_xml(
        b"<d " + b" ".join(b'a%d=""' % n for n in range(500_000)))),
    Attack("an encoding that is none", "damaged", lambda: word_xml(b'<?xml version="1.0" encoding="x-evil"?><d/>')),
    Attack("bytes that are no UTF-8", "damaged", lambda: word_xml(
        b"<d><body><p><r><t>\xff\xfe</t></r></p></body></d>")),
    Attack("a DTD elsewhere", READ, lambda: word_xml(b'<!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd"><d><body><p><r><t>'
           b"read</t></r></p></body></d>")),
    Attack("tables in tables, 60 deep", READ, lambda: word_body(tables(60))),
    Attack("tables in tables, 300 deep", "damaged", lambda: word_body(tables(300))),
    Attack("a document without a body", "empty", lambda: word_xml(b"<d/>")),
    Attack("slides whose relations go in a circle", READ, relations_in_a_circle),
    Attack("6,000 slides", "too_many_pages", lambda: many_slides(6000)),
    Attack("cells in far corners", "too_much_text", lambda: xlsx_cells(FAR), is_sample=True),
    Attack("a sheet that claims to be full", READ, lambda: with_entry(xlsx(), "xl/worksheets/sheet1.xml", FULL)),
    Attack("a row beyond any sheet", "too_much_text", lambda: xlsx_cells(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="99999999"><c r="A99999999"><v>1</v></c></row>')),
    Attack("cells repeated 17 billion times", "too_much_text", lambda: ods_file(TALL)),
    Attack("a spine that names itself", "damaged", lambda: opf(
        '<package><item id="a" href="book.opf" media-type="application/oebps-package+xml"/><itemref idref="a"/>'
        "</package>")),
    Attack("a spine of one chapter 200,000 times", READ, lambda: epub_file(
        {"a": "<p>read</p>"}, spine=["a"] * 200_000)),
    Attack("a book elsewhere", "damaged", lambda: container("../../../../etc/passwd")),
    Attack("a container that is its book", "damaged", lambda: container("META-INF/container.xml")),
    Attack("chapters elsewhere", "damaged", lambda: opf(
        '<p><item id="a" href="../../../etc/passwd" media-type="text/html"/><itemref idref="a"/></p>'), secret=SECRET),
    Attack("an .xls in a circle", "damaged", lambda: xls_file([["a" * 200] * 200], cycle=True), is_sample=True),
]  # fmt: skip
