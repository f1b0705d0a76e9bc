"""Reasons why a chat, or a file of chats, was not imported: a code with values, and a sentence in English. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

Values = Mapping[str, int | str]

SENTENCES: Mapping[str, str] = {
    # of a chat
    "no_messages": "It has no messages.",
    "unknown_program": "It is of a program, or of a version of one, that is not known here.",
    "unknown_message": "A message in it is of a kind that is not known here.",
    "too_many_messages": "It has more than {num} messages.",
    "same_ids": "Two of its messages have the same id.",
    "message_too_large": "A message is larger than {num_bytes} bytes.",
    "part_too_large": "A message's {name} is larger than {num_bytes} bytes.",
    "other_version": "It was not written as version {version} of bdchat's format.",
    "malformed": "{field}: {detail}",
    "too_deep": "It is nested more than {num} levels deep.",
    "too_large": "It is too large.",
    "unreadable": "The server had an error while reading it.",
    "unchanged": "It is there already, unchanged.",
    "changed_since": "It was imported before and has changed since: this is a session of its own.",
    "imported_already": "It was imported already.",
    # of a file
    "no_chats": "It holds no chats.",
    "single_value": "It holds no chats, only a single value.",
    "other_entries": "{num} of its entries are no chats.",
    "no_json": "It is no JSON from here on: {detail}",
    "zip_without_json": "The ZIP holds no JSON files.",
    "zip_too_many_files": "The ZIP holds more than {num} files.",
    "zip_bomb": "A file in the ZIP unpacks to more than {num} times its size.",
    "zip_too_large": "The ZIP unpacks to more than an import may hold.",
    "zip_barren": "The ZIP unpacks to more than {num_mib} MiB that are no chats; the rest was not read.",
    "zip_overlaps": "Files in the ZIP lie over each other.",
    "zip_unknown_packing": "The ZIP is packed in a way that is not known here.",
    "zip_encrypted": "The ZIP is encrypted.",
    "zip_damaged": "The ZIP is damaged.",
    "file_damaged": "The file beside the chats is not what it says, or larger than a document may be.",
    "too_many_files": "An account has at most {num} documents.",
    # of the import
    "too_much_work": "Reading it takes more than {num_s} seconds of the processor; the rest was not read.",
    "too_many_chats": "An import holds at most {num} chats; the rest was not read.",
    "quota_exceeded": "It does not fit into what this account may store.",
    "disk_full": "The server's disk is full.",
    "storage": "It cannot be stored: {detail}",
    "server_error": "The server had an error while storing it.",
}

KINDS_NOT_KEPT = (
    "images",  # pictures: a note with the name stands for each
    "recordings",  # sound and video: the same
    "files",  # what is in attached files: the same
    "citations",  # marks in a text of which the file does not say what they point to
    "ratings",  # thumbs up and down
    "settings",  # of a model or of a chat
    "details",  # what a program noted of how it worked
)


@dataclass(frozen=True, slots=True)
class Reason:
    code: str  # of SENTENCES
    values: Values

    def __str__(self) -> str:
        return SENTENCES[self.code].format(**self.values)


def because(code: str, **values: int | str) -> Reason:
    return Reason(code, values)


class Refused(Exception):
    """Carries its reason; str() is the sentence."""

    def __init__(self, code: str, **values: int | str) -> None:
        self.reason = because(code, **values)
        super().__init__(str(self.reason))
