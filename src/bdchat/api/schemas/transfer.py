"""Exports and imports on the wire of /api: what is asked, and the lines of an import's report.

A report is JSON lines: a `chat` for each chat, a `file` for each that held none or broke off, `progress` now and then,
`omitted` where the client read too slowly, and in the end always one `summary`.
"""

from datetime import UTC, tzinfo
from typing import Any, Literal

from pydantic import RootModel

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict
from bdchat.api.schemas.accounts import ZoneName
from bdchat.store.accounts.zoned_days import zone_of
from bdchat.store.transfer.reasons import Reason
from bdchat.store.transfer.rendering import Format, Language


class ExportQuery(Strict):
    """bdchat: JSON, lossless; markdown: what is shown; jsonl: training examples. `time_zone`: of the dates in Markdown
    and in names of files; UTC without it. `language`: of the headings in Markdown."""

    format: Format = "bdchat"
    time_zone: ZoneName | None = None
    language: Language = "en"

    @property
    def zone(self) -> tzinfo:
        return UTC if self.time_zone is None else zone_of(self.time_zone)


class WholeExportQuery(ExportQuery):
    """`files`: with format=bdchat a ZIP of it and of your documents."""

    files: bool = False


class Explained(View):
    """`reason` in English; the same for a program with words of its own: what it is called, and what belongs into it
    (store/transfer/reasons.py)."""

    reason: str | None
    reason_code: str | None
    reason_values: dict[str, int | str]


class ChatLine(Explained):
    """imported: `session_id` is the new session. skipped: `session_id` is the one that says the same already.
    `not_kept`: what of the file is not in the session, how many of each kind (store/transfer/reasons.py)."""

    type: Literal["chat"] = "chat"
    title: str
    status: Literal["imported", "skipped", "failed"]
    session_id: str | None
    num_messages: int
    num_branches: int  # ends of the tree
    file: str  # in the ZIP; "" when the body was the file itself
    not_kept: dict[str, int]


class FileLine(Explained):
    type: Literal["file"] = "file"
    file: str
    status: Literal["skipped", "failed"]


class ProgressLine(View):
    type: Literal["progress"] = "progress"
    num_read_bytes: int
    num_bytes: int
    num_chats: int  # so far


class OmittedLine(View):
    """Lines that the client was too slow for; the summary counts their chats."""

    type: Literal["omitted"] = "omitted"
    num_lines: int


class SummaryLine(Explained):
    """The last line. finished: all of the file was read; incomplete: not all of it could be; empty: there was no chat
    in it; stopped: by the client or by the server's end; failed: by `reason`."""

    type: Literal["summary"] = "summary"
    status: Literal["finished", "incomplete", "empty", "stopped", "failed"]
    num_imported: int
    num_skipped: int
    num_failed: int  # chats
    num_messages: int  # of what was imported
    num_documents: int  # beside the chats of a bdchat export with files: those that are there now


class ReportLine(RootModel[ChatLine | FileLine | ProgressLine | OmittedLine | SummaryLine]):
    """Told apart by `type`."""


def explained(reason: Reason | None) -> dict[str, Any]:
    """The fields of Explained."""
    if reason is None:
        return {"reason": None, "reason_code": None, "reason_values": {}}
    return {"reason": str(reason), "reason_code": reason.code, "reason_values": dict(reason.values)}
