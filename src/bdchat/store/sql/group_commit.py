"""Group commit: writes that wait together run in one transaction, each in a savepoint of its own. Writer thread only.

Invariant: a write is reported done only after the driver has confirmed the commit of the transaction that it ran in.

SQLite ends a transaction by itself when a statement meets a full disk, an I/O error, too little memory or an interrupt
(sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction), and a server of PostgreSQL's may go away in
the middle. The driver then takes further statements, each as a transaction of its own, and its commit() does nothing.
So the connection is asked before every statement, after every write and before the commit whether the transaction
still is there. A write runs once: what it has changed outside its Session cannot be undone. When a transaction is lost,
what ran in it has failed; what had not begun goes into the next one.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from bdchat.store.db import Db
from bdchat.store.errors import StoreError, StoreUnavailable
from bdchat.store.sql.driver_errors import named_error, named_errors
from bdchat.store.sql.engines import can_commit, has_transaction
from bdchat.store.sql.room import DiskRoom
from bdchat.store.sql.write_queue import MAX_GROUP

log = logging.getLogger(__name__)

Work: TypeAlias = Callable[[Db], Any]


@dataclass(frozen=True, slots=True)
class Job:
    work: Work
    done: Future[Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    job: Job
    result: Any
    failure: BaseException | None


class _TransactionLost(Exception):
    """It ended before its commit."""


class GroupCommit:
    """Owns the writer's connection while `run` runs. `max_group`: how many jobs the next commit may share: one after a
    lost transaction, so that what fails again takes no neighbour with it, then twice as many after each commit."""

    def __init__(self, writer: Engine, info: Mapping[str, object], room: DiskRoom | None) -> None:
        """`info`: what each write's Session carries. `room` None: the disk is another machine's affair."""
        self.max_group = MAX_GROUP
        self._room = room
        self._writer = writer
        self._info = info
        self._connection: Connection | None = None
        self._has_begun = False
        self._has_inserted = False  # by the write that runs
        self._lost_by: Exception | None = None
        event.listen(writer, "before_cursor_execute", self._require_transaction_for)
        event.listen(writer, "handle_error", self._note_loss)

    def run(self, jobs: list[Job]) -> list[Job]:
        """Tells each job its outcome but those that it returns: they have not begun."""
        if self._room is not None:
            self._room.look()
        outcomes = self._run(jobs)
        if self._room is not None:
            self._room.make(self._writer)
        _tell(outcomes)
        return jobs[len(outcomes) :]

    def _run(self, jobs: list[Job]) -> list[_Outcome]:
        """In their order, of those that were begun."""
        outcomes: list[_Outcome] = []
        self._has_begun, self._lost_by = False, None
        try:
            with named_errors(), self._writer.connect() as self._connection, self._connection.begin():
                for job in jobs:
                    outcomes.append(self._attempt(self._connection, job))
                    self._require_transaction(self._connection)
        except Exception as error:  # the border: whatever it was, nothing of this transaction is stored
            self.max_group = 1
            failure = self._named_loss(error)
            begun = outcomes or [_Outcome(job, None, failure) for job in jobs]  # not even BEGIN
            return [_failed(each, failure) for each in begun]
        finally:
            self._connection = None
        self.max_group = min(MAX_GROUP, 2 * self.max_group)
        return outcomes

    def _attempt(self, connection: Connection, job: Job) -> _Outcome:
        """In a savepoint of its own, so that a neighbour in the same commit is not undone with it."""
        session = Session(
            bind=connection,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info=dict(self._info),
        )
        outcome: _Outcome
        try:
            with named_errors(), session.begin():
                result = self._work(connection, session, job)
            outcome = _Outcome(job, result, None)
        except BaseException as error:
            outcome = _Outcome(job, None, error)
        try:
            session.close()
        except (_TransactionLost, SQLAlchemyError) as error:  # its savepoint went with the transaction
            self._lost_by = self._lost_by or error
        return outcome

    def _work(self, connection: Connection, session: Db, job: Job) -> Any:
        if self._room is None:
            return job.work(session)
        before = self._room.measure(connection)
        self._has_inserted = False
        result = job.work(session)
        session.flush()
        self._room.require_room(connection, before, has_inserted=self._has_inserted)
        return result

    def _require_transaction(self, connection: Connection) -> None:
        if self._lost_by is not None or (self._has_begun and not can_commit(connection)):
            raise _TransactionLost

    def _require_transaction_for(self, connection: Connection, _: object, statement: str, *__: object) -> None:
        """Before each statement. The first begins the transaction; a later one outside would commit by itself."""
        if connection is not self._connection:  # a reader's: PostgreSQL's share the engine
            return
        if self._has_begun and not has_transaction(connection):
            raise _TransactionLost
        self._has_begun = True
        self._has_inserted |= statement.startswith("INSERT")

    def _note_loss(self, context: ExceptionContext) -> None:
        """What ended it is known here alone: undoing a savepoint that is gone fails too, and hides it."""
        error = context.sqlalchemy_exception or context.original_exception
        if (
            context.connection is not None
            and context.connection is self._connection
            and self._lost_by is None
            and isinstance(error, Exception)
            and (_ends_savepoint(context.statement) or not has_transaction(context.connection))
        ):
            self._lost_by = error

    def _named_loss(self, error: Exception) -> Exception:
        named = named_error(self._lost_by) if self._lost_by is not None else error
        if isinstance(named, StoreError):
            return named
        log.error("a commit failed", exc_info=named)
        return StoreUnavailable("what was to be written is not stored")


def _ends_savepoint(statement: str | None) -> bool:
    """When that fails, nobody knows what of the write is still there."""
    return statement is not None and statement.startswith(("RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT"))


def _failed(outcome: _Outcome, failure: Exception) -> _Outcome:
    """A reason of its own stays; that a savepoint was gone is none."""
    own = outcome.failure
    is_own = own is not None and not isinstance(own, _TransactionLost | SQLAlchemyError)
    return _Outcome(outcome.job, None, own if is_own else failure)


def _tell(outcomes: list[_Outcome]) -> None:
    for outcome in outcomes:
        done = outcome.job.done
        if not done.set_running_or_notify_cancel():
            continue
        if outcome.failure is not None:
            done.set_exception(outcome.failure)
        else:
            done.set_result(outcome.result)
