"""Books (.epub): the chapters of the spine in their order, each of a page or several. No script, font or link of a book
is looked at."""

from collections.abc import Iterator
from typing import IO
from urllib.parse import unquote

from bdchat.reading.bounds import Bounds, Unreadable
from bdchat.reading.formats.archive import Archive, beside
from bdchat.reading.formats.xml import attribute, descendants, root_of
from bdchat.reading.paging import flowed
from bdchat.reading.pieces import PageText
from bdchat.reading.texts.decoding import cleaned, decode
from bdchat.reading.texts.html import html_blocks

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_TYPES = {"application/xhtml+xml", "text/html"}


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    archive = Archive(data, bounds)
    number = 1
    for chapter in _chapters(archive):
        blocks = list(html_blocks(cleaned(decode(archive.read(chapter))), bounds))
        label = next((block.text for block in blocks if block.kind == "heading"), "")
        for page in flowed(blocks, label=" ".join(label.split()), first_number=number):
            yield page
            number += 1


def _chapters(archive: Archive) -> list[str]:
    """Each once: a spine may name a chapter again and again."""
    root = next((attribute(each, "full-path") for each in descendants(root_of(archive, _CONTAINER), "rootfile")), "")
    book = root_of(archive, root)
    items = {attribute(item, "id"): item for item in descendants(book, "item")}
    chapters: dict[str, None] = {}
    for entry in descendants(book, "itemref"):
        item = items.get(attribute(entry, "idref"))
        if (
            item is None
            or attribute(item, "media-type") not in _TYPES
            or "nav" in attribute(item, "properties").split()
        ):
            continue
        name = beside(root, unquote(attribute(item, "href").partition("#")[0]))
        if name in archive.names:
            chapters[name] = None
    if not chapters:
        raise Unreadable("damaged", "no chapter that its spine names is in it")
    if _ENCRYPTION in archive.names:
        locked = {
            unquote(attribute(each, "URI")) for each in descendants(root_of(archive, _ENCRYPTION), "CipherReference")
        }
        if locked & chapters.keys():  # fonts may be locked in a book that is open
            raise Unreadable("encrypted")
    return list(chapters)
