"""What SQLite would else do inside somebody's commit: done between turns, in small parts. Writer thread only.

Each commit that indexes a text makes a segment of FTS5's index. Left to itself FTS5 merges segments in whichever commit
finds enough of them, and the log is folded into the file in whichever commit fills it: 20 to 60 ms of processor time in
a write of 4 ms, far more where a whole level is due. So both happen here, while nobody waits; a slice of a long job
waits for it, so that no job leaves more segments behind than its own next slice may find.
Merging needs no fsync of its own: it changes nothing that anybody was told is stored.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator

from sqlalchemy import Engine

log = logging.getLogger(__name__)

MIN_SEGMENTS = 8  # of one size that are merged into one; a search asks each segment
CRISIS_SEGMENTS = 256  # where FTS5 merges a level at once, in a commit: nobody had a moment for so long
MERGED_PAGES = 16  # in a step: 1 to 2 ms
MOST_TURNS_BEFORE_A_STEP = 8  # that others take while there is something to do
LOG_PAGES = 600  # of the log, about; SQLite itself folds it in a commit at 1,000 (engines.py)
PAGE_BYTES = 4096
JOB_PAGES = 12  # that a short write changes
TURNS_AFTER_FAILURE = 256  # before the next attempt
OPTIONS = {"automerge": 0, "crisismerge": CRISIS_SEGMENTS, "usermerge": MIN_SEGMENTS}


class Upkeep:
    """Of the SQLite database that `writer` writes. `num_steps`, `num_checkpoints`: so far."""

    def __init__(self, writer: Engine) -> None:
        self.num_steps = 0
        self.num_checkpoints = 0
        self._writer = writer
        self._num_new_segments = MIN_SEGMENTS  # at most; what an earlier process left is looked for
        self._num_log_pages = 0  # about
        self._num_turns = 0  # that went before it while something was to do

    @property
    def is_due(self) -> bool:
        return self._num_new_segments >= MIN_SEGMENTS or self._num_log_pages >= LOG_PAGES

    def begin(self) -> None:
        """Takes the index's upkeep over from FTS5; its options stand in the file. Before the first turn. Where they
        cannot be written, FTS5 goes on as it did."""
        try:
            with self._driver() as driver:
                found = dict(driver.execute("SELECT k, v FROM search_index_config").fetchall())
                for name, value in OPTIONS.items():
                    if found.get(name) != value:
                        driver.execute("INSERT INTO search_index (search_index, rank) VALUES (?, ?)", (name, value))
        except sqlite3.Error as error:
            log.warning("the search index keeps its own upkeep: %s", error)

    def after_turn(self, *, num_jobs: int, num_bytes: int, is_awaited: Callable[[], bool]) -> None:
        """`num_jobs` wrote, slices `num_bytes` together. Goes on while it is due and `is_awaited` says that nobody
        waits for the writer. What fails (a full disk) is tried again later."""
        self._num_new_segments += 1
        self._num_log_pages += JOB_PAGES * num_jobs + 2 * num_bytes // PAGE_BYTES
        if not self.is_due:
            return
        self._num_turns += 1
        if is_awaited() and self._num_turns <= MOST_TURNS_BEFORE_A_STEP:
            return
        self._num_turns = 0
        try:
            with self._driver() as driver:
                self._step(driver)
                while self.is_due and not is_awaited():
                    self._step(driver)
        except sqlite3.Error as error:
            log.warning("the search index could not be tended: %s", error)
            self._num_new_segments = MIN_SEGMENTS - TURNS_AFTER_FAILURE
            self._num_log_pages = 0

    def _step(self, driver: sqlite3.Connection) -> None:
        self.num_steps += 1
        if self._num_log_pages >= LOG_PAGES:
            self._checkpoint(driver)
        elif _merge(driver):
            self._num_log_pages += 2 * MERGED_PAGES
        else:
            self._num_new_segments = 0

    def _checkpoint(self, driver: sqlite3.Connection) -> None:
        """What no reader still needs; nobody is waited for."""
        self.num_checkpoints += 1
        driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self._num_log_pages = 0

    @contextlib.contextmanager
    def _driver(self) -> Iterator[sqlite3.Connection]:
        connection = self._writer.raw_connection()
        try:
            driver = connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            yield driver
        except BaseException:
            connection.invalidate()  # a new one has every setting as it should be
            raise
        finally:
            connection.close()


def _merge(driver: sqlite3.Connection) -> bool:
    """Some pages of it. False: there was nothing to merge."""
    driver.execute("PRAGMA synchronous=NORMAL")
    driver.execute("BEGIN IMMEDIATE")
    before = driver.total_changes
    driver.execute("INSERT INTO search_index (search_index, rank) VALUES ('merge', ?)", (MERGED_PAGES,))
    num_changes = driver.total_changes - before
    driver.execute("COMMIT")
    driver.execute("PRAGMA synchronous=FULL")
    return num_changes >= 2  # sqlite.org/fts5.html#the_merge_command
