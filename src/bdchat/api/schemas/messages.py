"""Messages on the wire of /api.

1. `parent_id`: absent = below the session's head; null = a new root. The only null of /api that says something.
2. A running answer's `content` is empty: its text so far is in the events of `generation_id`.
3. Spans of citations and sources are half-open and count code points.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text
from bdchat.store.chats.messages import PathEntry
from bdchat.store.document_tables import DocumentPage, MessageSource
from bdchat.store.tables import Message, MessageMetadata

MAX_CONTENT_CHARS = 2_000_000
MAX_PAGE = 200

MessageId = Annotated[Text, Field(min_length=1, max_length=64)]

# --- in ---------------------------------------------------------------------------------------------------------------


class PathQuery(Strict):
    """A page of the path from `leaf` (absent: the session's head) to its root, the end first."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 30
    before: MessageId | None = None  # next_cursor of the page before
    leaf: MessageId | None = None


class NewMessage(Strict):
    content: Annotated[Text, Field(min_length=1, max_length=MAX_CONTENT_CHARS)]
    role: Literal["user", "system", "assistant"] = "user"
    parent_id: MessageId | None = None
    client_message_id: Annotated[Text, Field(min_length=1, max_length=128)] | None = None

    @property
    def is_below_head(self) -> bool:
        return "parent_id" not in self.model_fields_set


class NewHead(Strict):
    message_id: MessageId


class NewFork(Strict):
    message_id: MessageId | None = None  # none: the session's head


# --- out --------------------------------------------------------------------------------------------------------------


MAX_COUNT = 2**53 - 1  # that a page can count to


class SpentView(View):
    """What an answer took beside its three times. `saved_ms`: what reading the cached tokens would have taken, less
    what bringing them back took; below 0 it was dearer."""

    swapped_ms: int = 0  # paused for others
    saved_ms: int = 0
    num_computed_tokens: int = 0  # of the prompt
    num_cached_from_ram: int = 0
    num_cached_from_disk: int = 0
    num_drafted_tokens: int = 0
    num_accepted_tokens: int = 0
    num_preemptions: int = 0

    @classmethod
    def of(cls, kept: Any) -> "SpentView | None":
        """None: nothing is known. What is not a count is none."""
        if not isinstance(kept, dict):
            return None
        counts: dict[str, int] = {}
        for name in cls.model_fields:
            count = kept.get(name)
            if isinstance(count, int) and not isinstance(count, bool):
                counts[name] = max(-MAX_COUNT, min(count, MAX_COUNT))
        return cls(**counts)


class MetadataView(View):
    """How an answer came to be."""

    model: str
    model_version: str
    prompt_template: str
    model_params: dict[str, Any]
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    queue_ms: int
    prefill_ms: int
    decode_ms: int
    num_dropped_messages: int  # by the context-overflow policy
    spent: SpentView | None  # null: nothing is known of it

    @classmethod
    def of(cls, metadata: MessageMetadata, spent: Any) -> "MetadataView":
        columns = {name: getattr(metadata, name) for name in cls.model_fields if name != "spent"}
        return cls.model_construct(**columns, spent=SpentView.of(spent))


class FailureView(View):
    """Why an answer broke off."""

    code: str | None
    message: str


class CitationView(View):
    """A mark in an answer: `start` to `end` of its content; [1, 2] is two of them, side by side. `is_supported` false:
    its sentence shares no word with what it cites. `quote_start`, `quote_end`: of the page's text, the sentence that
    has most of the citing one."""

    number: int
    start: int
    end: int
    is_supported: bool
    quote_start: int
    quote_end: int


class MessageView(View):
    message_id: str
    session_id: str
    parent_id: str | None
    author_id: str | None
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    status: Literal["complete", "running", "stopped", "interrupted", "failed"]
    finish_reason: str | None  # "edited": an answer whose words a person changed
    token_count: int | None
    processing_time_ms: int | None
    client_message_id: str | None
    created_at_ms: int

    @classmethod
    def of(cls, message: Message) -> "MessageView":
        return cls.model_construct(**_columns(message, message.content))


class PathMessageView(MessageView):
    """With what is shown beside it."""

    sibling_ids: list[str]  # in order, its own among them
    sibling_index: int  # of its own in these, from 0
    num_elsewhere: int  # messages in the branches of the others
    author_name: str | None  # of who wrote it or asked for it; null: that account is gone, or it came without a name
    generation_id: str | None  # what is writing it now
    error: FailureView | None
    metadata: MetadataView | None
    num_sources: int  # passages of documents that a question brought
    citations: list[CitationView]  # of an answer; none of one that is too long to come with its page

    @classmethod
    def at(cls, entry: PathEntry, *, num_sources: int = 0, citations: Sequence[CitationView] = ()) -> "PathMessageView":
        return cls.model_construct(
            **_columns(entry.message, entry.content),
            sibling_ids=list(entry.sibling_ids),
            sibling_index=entry.sibling_ids.index(entry.message.message_id),
            num_elsewhere=entry.num_elsewhere,
            author_name=entry.author_name,
            generation_id=entry.generation_id,
            error=_failure(entry.error),
            metadata=MetadataView.of(entry.metadata, entry.spent) if entry.metadata else None,
            num_sources=num_sources,
            citations=list(citations),
        )


class MessagePage(View):
    """In reading order."""

    data: list[PathMessageView]
    next_cursor: str | None  # null: the root is on this page


class SourceView(View):
    """`number`: by which answers cite it. `passage_id` null: a page of a file that was shown whole, or a text that came
    with a request (`document_id` is "" then). `label`, `boxes`: of the page, while `is_there`: you may open the
    document. `text`: as the model was shown it; empty once the document was deleted for good with what quotes it."""

    number: int
    document_id: str
    document_name: str
    passage_id: int | None
    page: int
    label: str
    start: int
    end: int
    text: str
    heading: str
    is_whole: bool
    is_there: bool
    boxes: list[tuple[int, int, float, float, float, float]] = Field(
        description="Lines on the page, as [start, end, left, top, right, bottom] in points from the top left corner."
    )

    @classmethod
    def of(cls, row: MessageSource, page: DocumentPage | None, *, is_there: bool) -> "SourceView":
        boxes: Sequence[Any] = page.boxes if page is not None else ()
        named = ("number", "document_id", "document_name", "passage_id", "page", "start", "end", "text", "heading")
        return cls.model_construct(
            **{name: getattr(row, name) for name in named},
            label=page.label if page is not None else "",
            is_whole=row.is_whole,
            is_there=is_there,
            boxes=[tuple(box) for box in boxes if box[0] < row.end and box[1] > row.start],
        )


class SourceList(View):
    """Of a question by number; of an answer first those that it cites."""

    sources: list[SourceView]


def _failure(error: dict[str, Any]) -> FailureView | None:
    return FailureView(code=error.get("code"), message=error.get("message", "")) if error else None


def _columns(message: Message, content: str | None) -> dict[str, Any]:
    """`content` None: it comes later (long_answer.py)."""
    named = {name: getattr(message, name) for name in MessageView.model_fields if name != "content"}
    return named | {"content": content or ""}
