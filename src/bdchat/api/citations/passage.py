"""A passage of a document as it enters a prompt and is cited: the value between a chat's rows and its texts. Pure."""

from collections.abc import Mapping, Sequence

import msgspec


class PromptPassage(msgspec.Struct, frozen=True, kw_only=True):
    """`number`: by which answers cite it; counted along the chat's path, from 1. `start`, `end`: code points of its
    page's text. `text` is that stretch. `header`: of a table whose rows it shows. `is_whole`: a page of a file that is
    shown whole. `document_id` "": a text that the request brought along."""

    number: int
    document_id: str
    document_name: str
    text: str
    page: int = 1
    start: int = 0
    end: int = 0
    passage_id: int | None = None
    is_whole: bool = False
    heading: str = ""
    header: str = ""


PassagesOf = Mapping[str, Sequence[PromptPassage]]  # by the id of the message that brought them


def numbered(passages: Sequence[PromptPassage], *, after: int) -> tuple[PromptPassage, ...]:
    """In their order, counted on."""
    return tuple(
        msgspec.structs.replace(passage, number=number) for number, passage in enumerate(passages, start=after + 1)
    )
