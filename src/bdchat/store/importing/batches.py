"""An import file as batches of rows that are ready to be written. One thread at a time, `stop` from any.

A batch is small enough to share a commit. Of a large chat it holds the first slice and is then over; the others are
asked for one by one, until the next batch.
"""

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from bdchat.store.transfer.allowance import Allowance
from bdchat.store.transfer.chat import BadChat
from bdchat.store.transfer.reading import FoundChat, Problem, read_chats
from bdchat.store.transfer.reasons import because
from bdchat.store.transfer.writing import ChatSlice, PreparedChat, prepare

BATCH_CHATS = 8
BATCH_BYTES = 64 * 1024  # of text: some 20 ms of the writer
BATCH_MESSAGES = 100


@dataclass(frozen=True, slots=True)
class ImportBounds:
    """`num_bytes`: of the file; `max_bytes`: of any; `cpu_s`: of a thread, for the smallest file."""

    num_bytes: int
    max_bytes: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class ReadyChat:
    prepared: PreparedChat
    file: str

    @property
    def source_id(self) -> str:
        return self.prepared.source_id


class Batches:
    """`user_id`: whose the chats will be."""

    def __init__(self, source: IO[bytes], user_id: str, bounds: ImportBounds) -> None:
        self._user_id = user_id
        self._allowance = Allowance(bounds.num_bytes, max_bytes=bounds.max_bytes, cpu_s=bounds.cpu_s)
        self._entries = read_chats(source, self._allowance)
        self._slices: Iterator[ChatSlice] = iter(())

    def next_batch(self) -> list[ReadyChat | Problem]:
        """Empty: that was all, or it was stopped."""
        batch: list[ReadyChat | Problem] = []
        num_bytes = num_messages = 0
        with self._allowance.working():
            for found in self._entries:
                entry = found if isinstance(found, Problem) else self._ready(found)
                batch.append(entry)
                if isinstance(entry, ReadyChat):
                    num_bytes += entry.prepared.num_bytes
                    num_messages += entry.prepared.num_messages
                if len(batch) >= BATCH_CHATS or num_bytes >= BATCH_BYTES or num_messages >= BATCH_MESSAGES:
                    break
        return batch

    def next_slice(self) -> ChatSlice | None:
        """Of the last batch's last chat; None: it is whole."""
        return next(self._slices, None)

    def stop(self) -> None:
        """Reading; slices are still given."""
        self._allowance.stop()

    def close(self) -> None:
        self._entries.close()

    def _ready(self, found: FoundChat) -> ReadyChat | Problem:
        chat = found.chat
        try:
            prepared, self._slices = prepare(chat, self._user_id)
        except BadChat as error:
            return Problem(error.reason, found.file, title=chat.title)
        except MemoryError:
            raise
        except Exception:  # as in reading.py: its fault is no other chat's
            return Problem(because("unreadable"), found.file, title=chat.title, fault=traceback.format_exc())
        return ReadyChat(prepared, found.file)
