"""The errors that the store raises. Each carries data; api/http/errors.py gives it a status.

StoreError
├── StoreUnavailable      the store as a whole; at start one line and exit 1, later 503
│   ├── StoreLocked       another server owns the data directory
│   ├── StoreDamaged      the file is no sound database; never replaced
│   ├── StoreMissing      there is no file, and there was one
│   ├── StoreTooNew       written by a later bdchat
│   ├── StoreBusy         another program, or another server's transaction, stands in the way: try again
│   └── StoreFull         nothing can be written: no room on the disk, or it fails
│       └── StoreReadOnly the disk, or this user's right to it, is read-only
├── NotFound              no such row, or not for this user: never told apart
├── NotAllowed            the user may read the row, and knows of it, but not do that
├── QuotaExceeded         the account, or the guest, has no room for more
└── Conflict              the row's state or a unique name stands against it
"""

import errno

NO_ROOM = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the file system's quota is used up"}


class StoreError(Exception):
    pass


class StoreUnavailable(StoreError):
    pass


class StoreLocked(StoreUnavailable):
    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is in use by another bdchat server: stop it, or use another --data-dir")
        self.path = path


class StoreDamaged(StoreUnavailable):
    def __init__(self, path: str, reason: str, *, is_backup: bool = False) -> None:
        """`is_backup`: it is what was to be restored, and nobody's chats are in danger."""
        super().__init__(
            f"the backup {path} is damaged ({reason}): nothing was changed; take another one"
            if is_backup
            else f"{path} is damaged ({reason}). It was left as it is: `bdchat restore FILE` puts a backup in its"
            " place, `bdchat serve --begin-anew` an empty database; both keep it beside, its -wal with it"
        )
        self.path = path
        self.reason = reason


class StoreMissing(StoreUnavailable):
    def __init__(self, path: str, trace: str) -> None:
        super().__init__(
            f"{path} is missing, and there was one ({trace} is of its time): put it back, or `bdchat restore FILE` a"
            " backup, or begin with an empty database by `bdchat serve --begin-anew`"
        )
        self.path = path
        self.trace = trace


class StoreTooNew(StoreUnavailable):
    def __init__(self, revision: str) -> None:
        super().__init__(f"the database was written by a newer bdchat (revision {revision}): update bdchat")
        self.revision = revision


class StoreBusy(StoreUnavailable):
    def __init__(self) -> None:
        super().__init__("the database is busy: try again")


class StoreFull(StoreUnavailable):
    def __init__(self, reason: str, *, may_be_failing: bool = False) -> None:
        """`may_be_failing`: SQLite has one code for a disk that is full and for one that breaks; then nothing is said
        of what is sound."""
        super().__init__(
            f"nothing can be written: {reason}. It was left as it is: free some of the disk; where there is room, copy"
            " the data directory to another disk first"
            if may_be_failing
            else f"nothing can be written: {reason}. Nothing is damaged: free some of it, and try again"
        )
        self.reason = reason
        self.may_be_failing = may_be_failing


class StoreReadOnly(StoreFull):
    def __init__(self, what: str) -> None:
        StoreUnavailable.__init__(
            self,
            f"nothing can be written: {what} is read-only. Nothing is damaged: let this user write there; a disk that"
            " was writable may have failed, `dmesg` says so",
        )
        self.reason = f"{what} is read-only"
        self.may_be_failing = False


def no_room(error: BaseException) -> StoreFull | None:
    """What a full disk, a full quota of the file system or a read-only one says, wherever a file is written."""
    if not isinstance(error, OSError):
        return None
    if error.errno == errno.EROFS:
        return StoreReadOnly("the disk")  # no path: this may be told to whoever asked
    reason = NO_ROOM.get(error.errno or 0)
    return StoreFull(reason) if reason is not None else None


class NotFound(StoreError):
    def __init__(self, kind: str, name: str = "", *, param: str | None = None) -> None:
        """`param`: the field that named it, of a body that names several."""
        super().__init__(f"There is no such {kind}.")
        self.kind = kind
        self.name = name
        self.param = param


class NotAllowed(StoreError):
    """`code` names the reason for programs that have words of their own."""

    def __init__(self, reason: str, *, code: str = "forbidden") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class QuotaExceeded(StoreError):
    def __init__(self, quota_bytes: int, *, is_guest: bool = False) -> None:
        super().__init__(
            f"Who comes without an account may keep {quota_bytes:,} bytes here, all together, and there is no room for"
            " this: delete stored completions, ask without store, or use an account's key."
            if is_guest
            else f"The account may keep {quota_bytes:,} bytes, and has no room for this: delete chats, documents"
            " or stored completions for good, or ask an admin for more."
        )
        self.quota_bytes = quota_bytes


class Conflict(StoreError):
    """`code` names the reason for programs that have words of their own; `param` the field that cannot be, or None."""

    def __init__(self, reason: str, *, code: str = "conflict", param: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.param = param
