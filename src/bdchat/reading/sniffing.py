"""What a file is, by its content. A name only chooses among kinds of text, never what a parser of binary data gets.

Reads the beginning, and of an archive its list of names; nothing is unpacked but EPUB's and OpenDocument's own line
that says what they are.
"""

import re
import zipfile
from pathlib import PurePosixPath
from typing import IO, NamedTuple

from bdchat.reading.bounds import Unreadable
from bdchat.reading.texts.decoding import SAMPLE_BYTES, cleaned, decode, looks_like_text


class FileKind(NamedTuple):
    """`detail`: of one that nobody reads, what it is."""

    format: str
    media_type: str
    detail: str = ""


PDF = FileKind("pdf", "application/pdf")
_OFFICE = "application/vnd.openxmlformats-officedocument."
_ARCHIVES = {  # a name in the archive → what it is then
    "word/document.xml": FileKind("docx", _OFFICE + "wordprocessingml.document"),
    "ppt/presentation.xml": FileKind("pptx", _OFFICE + "presentationml.presentation"),
    "xl/workbook.xml": FileKind("xlsx", _OFFICE + "spreadsheetml.sheet"),
    "xl/workbook.bin": FileKind("xlsb", "application/vnd.ms-excel.sheet.binary.macroEnabled.12"),
    "META-INF/container.xml": FileKind("epub", "application/epub+zip"),
    "Contents/content.hpf": FileKind("hwpx", "application/hwp+zip"),
    "Contents/header.xml": FileKind("hwpx", "application/hwp+zip"),
}
_NAMED_ARCHIVES = {  # the first entry, "mimetype"
    kind.media_type: kind
    for kind in (
        FileKind("epub", "application/epub+zip"),
        FileKind("hwpx", "application/hwp+zip"),
        FileKind("ods", "application/vnd.oasis.opendocument.spreadsheet"),
        FileKind("odt", "application/vnd.oasis.opendocument.text", "an OpenDocument text; save it as .docx"),
        FileKind(
            "odp", "application/vnd.oasis.opendocument.presentation", "an OpenDocument presentation; save it as .pptx"
        ),
    )
}
_OLE_NAMES = {  # a stream's name → what it is then
    "EncryptedPackage": FileKind("encrypted", "application/x-ole-storage"),
    "HwpSummaryInformation": FileKind("hwp", "application/x-hwp"),
    "BodyText": FileKind("hwp", "application/x-hwp"),
    "Workbook": FileKind("xls", "application/vnd.ms-excel"),
    "Book": FileKind("xls", "application/vnd.ms-excel"),
    "WordDocument": FileKind("doc", "application/msword", "a .doc of Word 97 to 2003; save it as .docx"),
    "PowerPoint Document": FileKind(
        "ppt", "application/vnd.ms-powerpoint", "a .ppt of PowerPoint 97 to 2003; save as .pptx"
    ),
}
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_OLE_ENTRY_BYTES = 128  # of its directory; they lie at multiples of it
_OTHERS = {
    b"{\\rtf": "RTF; save it as .docx",
    b"\x89PNG\r\n\x1a\n": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"II*\0": "a picture (TIFF)",
    b"MM\0*": "a picture (TIFF)",
    b"%!PS": "PostScript; save it as PDF",
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"HWP Document File V": "an .hwp of version 3 or older; save it as .hwpx",
    b"SQLite format 3": "a database",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}
_TEXT = FileKind("text", "text/plain")
_HTML = FileKind("html", "text/html")
_EML = FileKind("eml", "message/rfc822")
_JSON = FileKind("json", "application/json")
_CODE = FileKind("code", "text/plain")
_CODE_ENDINGS = """
    asm bash bat bib bzl c cc cfg cjs cmake cmd conf cpp cs css cxx dart diff dockerfile env erl ex exs fish fs go
    gradle graphql h hh hpp hs ini java jl js jsx kt kts less lock log lua m make makefile mjs mk ml mm pas patch php
    pl pm properties proto ps1 py pyi r rb rs rst s scala scss sh sql svelte svg swift tex tf toml ts tsx vb vue xml xsd
    xsl yaml yml zsh
"""
_BY_ENDING = {
    **dict.fromkeys(("md", "markdown", "mdown", "mkd"), FileKind("markdown", "text/markdown")),
    "csv": FileKind("csv", "text/csv"),
    "tsv": FileKind("csv", "text/tab-separated-values"),
    **dict.fromkeys(("json", "jsonl", "ndjson", "geojson", "ipynb"), _JSON),
    **dict.fromkeys(("html", "htm", "xhtml"), _HTML),
    "eml": _EML,
    **dict.fromkeys(_CODE_ENDINGS.split(), _CODE),
}
_HTML_START = re.compile(  # atomic: comments without number are looked at once
    r"\s*+(?:<\?xml[^>]*+>\s*+)?+(?:(?><!--.*?-->)\s*+)*+<(?:!doctype\s++html|html|head|body)\b", re.I | re.S
)
_HEADER = re.compile(r"(?:From |([!-9;-~]{1,76}):[ \t])")
_MAIL_HEADERS = {
    "from",
    "to",
    "subject",
    "date",
    "mime-version",
    "received",
    "message-id",
    "return-path",
    "delivered-to",
}


def sniff(data: IO[bytes], name: str) -> FileKind:
    """Raises Unreadable: it is empty."""
    data.seek(0)
    start = data.read(SAMPLE_BYTES)
    if not start.strip(b"\0 \t\r\n\xef\xbb\xbf") and len(start) < SAMPLE_BYTES:
        raise Unreadable("empty")
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(data)
    if start.startswith(_OLE):
        return _ole(data)
    if b"%PDF-" in start[:1024] and not _is_mail(decode(start[:1024])):
        return PDF
    for magic, detail in _OTHERS.items():
        if start.startswith(magic) and not (magic == b"MZ" and looks_like_text(start)):
            return FileKind("unknown", "application/octet-stream", detail)
    if looks_like_text(start):
        return _text(cleaned(decode(start)), name)
    return FileKind("unknown", "application/octet-stream")


def _archive(data: IO[bytes]) -> FileKind:
    try:
        with zipfile.ZipFile(data) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            if (own := entries.get("mimetype")) and own.file_size <= 100 and not own.flag_bits & 1:
                media_type = archive.read(own).decode("ascii", "replace").strip()
                if kind := _NAMED_ARCHIVES.get(media_type):
                    return kind
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError) as error:
        raise Unreadable("damaged", "a ZIP archive whose list of files cannot be read") from error
    for entry_name, kind in _ARCHIVES.items():
        if entry_name in entries:
            return kind
    return FileKind("unknown", "application/zip", "a ZIP archive; unpack it first")


def _ole(data: IO[bytes]) -> FileKind:
    """Word, Excel and PowerPoint before 2007, HWP, and office files with a password: told by their streams' names."""
    found = set[str]()
    data.seek(0)
    while block := data.read(SAMPLE_BYTES):
        for at in range(0, len(block), _OLE_ENTRY_BYTES):
            length = int.from_bytes(block[at + 64 : at + 66], "little")  # of the name in bytes, its NUL included
            if 4 <= length <= 64 and length % 2 == 0 and block[at + 66 : at + 67] in {b"\1", b"\2"}:
                found.add(block[at : at + length - 2].decode("utf-16-le", "replace").lstrip("\x05"))
    for stream, kind in _OLE_NAMES.items():
        if stream in found:
            if kind.format == "encrypted":
                raise Unreadable("encrypted")
            return kind
    return FileKind("unknown", "application/x-ole-storage", "a compound file of no known program")


def _text(start: str, name: str) -> FileKind:
    path = PurePosixPath(name.replace("\\", "/").replace("\0", ""))
    ending = path.suffix[1:].lower() or path.name.lower()
    named = _BY_ENDING.get(ending)
    if named is not None and named is not _HTML:
        is_page = named.format == "csv" and _HTML_START.match(start)  # what some programs call a table
        return _HTML if is_page else named
    if named is _HTML or _HTML_START.match(start):
        return _HTML
    if _is_mail(start):
        return _EML
    return _TEXT


def _is_mail(start: str) -> bool:
    """Three of a letter's headers, and nothing else before its first blank line."""
    found = set[str]()
    for line in start.split("\n")[:200]:
        if not line.strip():
            break
        match = _HEADER.match(line)
        if match is None and not line.startswith((" ", "\t")):
            return False
        if match is not None and match[1]:
            found.add(match[1].lower())
    return len(found & _MAIL_HEADERS) >= 3
