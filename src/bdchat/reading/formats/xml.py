"""XML of strangers through lxml: no entities, no network, no DTD, libxml2's own limits of depth and size kept.

Tags and attributes are told by their local names: office programs write several namespaces for one format.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from lxml import etree

from bdchat.reading.bounds import Unreadable
from bdchat.reading.formats.archive import Archive


class Element(Protocol):
    """What is used of lxml's, which has no types of its own. `tag`: no string where it is no element."""

    tag: object
    text: str | None
    tail: str | None

    def __iter__(self) -> "Iterator[Element]": ...
    def __len__(self) -> int: ...
    def get(self, name: str) -> str | None: ...
    def items(self) -> Iterable[tuple[str, str]]: ...
    def iter(self) -> "Iterator[Element]": ...
    def getparent(self) -> "Element | None": ...
    def getprevious(self) -> "Element | None": ...
    def getroottree(self) -> Any: ...
    def remove(self, element: "Element") -> None: ...
    def clear(self) -> None: ...


def local(element: Element) -> str:
    """Empty of a comment, an instruction or an entity."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """By its local name, in whichever namespace; empty where there is none."""
    value = element.get(name)
    if value is not None:
        return value
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")


def child(element: Element, name: str) -> Element | None:
    return next((each for each in element if local(each) == name), None)


def within(element: Element, *path: str) -> Element | None:
    """The first child of that name, of it the first child of the next name, …"""
    found: Element | None = element
    for name in path:
        if found is None:
            return None
        found = child(found, name)
    return found


def descendants(element: Element, *names: str) -> Iterator[Element]:
    return (each for each in element.iter() if local(each) in names)


def root_of(archive: Archive, name: str) -> Element:
    """The whole of an entry. Raises Unreadable."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for chunk in archive.chunks(name):
            parser.feed(chunk)
        root: Element = parser.close()
    except etree.LxmlError as error:
        raise _damage(name, error) from error
    _check_entities(root)
    return root


def parts_of(archive: Archive, name: str, parent: str) -> Iterator[Element]:
    """The children of each `parent`, one after another, in whatever depth it stands; each is gone once the next is
    asked for. For entries that are too large to be held as a tree. A `parent` within a part belongs to that part."""
    parser = etree.XMLPullParser(
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    above: list[Element] = []
    inside = 0  # depth of the parent whose parts are told; 0 outside
    try:
        for chunk in _ended(archive.chunks(name)):
            if chunk is None:
                parser.close()
            else:
                parser.feed(chunk)
            for event, element in parser.read_events():
                if event == "start":
                    if not above:
                        _check_entities(element)
                    above.append(element)
                    if not inside and local(element) == parent:
                        inside = len(above)
                    continue
                above.pop()
                if inside and len(above) == inside:
                    yield element
                    _forget(element)
                elif inside and len(above) < inside:
                    inside = 0
                    _forget(element)
    except etree.LxmlError as error:
        raise _damage(name, error) from error


def _ended(chunks: Iterator[bytes]) -> Iterator[bytes | None]:
    yield from chunks
    yield None


def _forget(element: Element) -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)


def _check_entities(root: Element) -> None:
    """Office programs declare none. What is not resolved could still be named in an attribute."""
    document = root.getroottree().docinfo.internalDTD
    if document is not None and next(document.iterentities(), None) is not None:
        raise Unreadable("damaged", "its XML declares entities")


def _damage(name: str, error: Exception) -> Unreadable:
    return Unreadable("damaged", f"{name[:80]}: {type(error).__name__}")
