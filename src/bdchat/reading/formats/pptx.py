"""PowerPoint's .pptx: a page for each slide, with its title, text, tables and speaker's notes."""

from collections.abc import Iterator
from typing import IO

from bdchat.reading.bounds import Bounds
from bdchat.reading.formats.archive import Archive, beside
from bdchat.reading.formats.xml import Element, attribute, child, descendants, local, root_of, within
from bdchat.reading.paging import FlowBlock, one_page
from bdchat.reading.pieces import PageText

_PRESENTATION = "ppt/presentation.xml"
_TITLES = {"title", "ctrTitle"}
_LEFT_OUT = {"sldNum", "dt", "ftr", "hdr", "sldImg"}  # number, date, footer, header, the slide's picture on its notes


def pages(data: IO[bytes], bounds: Bounds) -> Iterator[PageText]:
    archive = Archive(data, bounds)
    slides = _slides(archive)
    bounds.expect_pages(len(slides))
    for number, name in enumerate(slides, start=1):
        blocks = [*_blocks(_shapes(root_of(archive, name))), *_speaker_notes(archive, name)]
        title = next((block.text for block in blocks if block.kind == "heading"), "")
        yield one_page(number, blocks, label=" ".join(title.split()))


def _slides(archive: Archive) -> list[str]:
    relations = _relations(archive, _PRESENTATION)
    targets = [
        relations.get(_relation_id(entry), "") for entry in descendants(root_of(archive, _PRESENTATION), "sldId")
    ]
    return [target for target in targets if target in archive.names]


def _relation_id(entry: Element) -> str:
    """r:id, beside an `id` without a namespace."""
    return next((value for key, value in entry.items() if key.endswith("}id")), "")


def _relations(archive: Archive, name: str) -> dict[str, str]:
    """Id → entry. What lies outside the archive is left out."""
    folder, _, own = name.rpartition("/")
    path = f"{folder}/_rels/{own}.rels"
    if path not in archive.names:
        return {}
    return {
        attribute(each, "Id"): beside(name, attribute(each, "Target"))
        for each in root_of(archive, path)
        if attribute(each, "TargetMode") != "External"
    }


def _shapes(root: Element) -> Iterator[Element]:
    tree = within(root, "cSld", "spTree")
    return iter(tree) if tree is not None else iter(())


def _blocks(shapes: Iterator[Element]) -> Iterator[FlowBlock]:
    for shape in shapes:
        name = local(shape)
        if name == "grpSp":
            yield from _blocks(iter(shape))
        elif name == "AlternateContent":
            yield from _blocks(iter(choice) if (choice := child(shape, "Choice")) is not None else iter(()))
        elif name == "graphicFrame":
            for table in descendants(shape, "tbl"):
                yield from _table(table)
        elif name in {"sp", "cxnSp"}:
            yield from _text_of(shape)


def _text_of(shape: Element) -> Iterator[FlowBlock]:
    place = within(shape, "nvSpPr", "nvPr", "ph")
    kind = attribute(place, "type") if place is not None else ""
    body = child(shape, "txBody")
    if kind in _LEFT_OUT or body is None:
        return
    lines = [_line(paragraph) for paragraph in body if local(paragraph) == "p"]
    lines = [line for line in lines if line.strip()]
    if not lines:
        return
    if kind in _TITLES:
        yield FlowBlock("heading", " ".join(" ".join(lines).split()), 1)
    else:
        yield FlowBlock("list" if place is not None and len(lines) > 1 else "paragraph", "\n".join(lines))


def _line(paragraph: Element) -> str:
    parts = []
    for each in paragraph.iter():
        name = local(each)
        if name == "t":
            parts.append(each.text or "")
        elif name == "br":
            parts.append("\n")
    return "".join(parts).strip()


def _table(table: Element) -> Iterator[FlowBlock]:
    rows = [
        " | ".join(
            " ".join(" ".join(_line(paragraph) for paragraph in descendants(cell, "p")).split())
            for cell in row
            if local(cell) == "tc"
        )
        for row in table
        if local(row) == "tr"
    ]
    if any(row.strip(" |") for row in rows):
        yield FlowBlock("table", "\n".join(rows))


def _speaker_notes(archive: Archive, slide: str) -> Iterator[FlowBlock]:
    for target in _relations(archive, slide).values():
        if target.startswith("ppt/notesSlides/") and target in archive.names:
            for block in _blocks(_shapes(root_of(archive, target))):
                yield FlowBlock("note", block.text)
