"""/api/admin/storage and /api/admin/backups: what they give."""

from bdchat.api.http.endpoints import View


class AccountView(View):
    user_id: str
    username: str
    num_messages: int
    num_bytes: int
    quota_bytes: int  # its own, or the server's


class GuestView(View):
    """What is kept for all who come without an account."""

    num_bytes: int
    quota_bytes: int
    num_completions: int


class Storage(View):
    database_version: str
    database_warning: str | None
    database_bytes: int
    database_free_bytes: int | None  # inside the file, to be given back; null: the database does it by itself
    wal_bytes: int | None  # SQLite's log beside the file
    num_rows: dict[str, int]
    model_bytes: int
    partial_bytes: int  # of unfinished pulls
    cache_bytes: int  # measurements, and states of conversations
    backup_bytes: int
    free_disk_bytes: int
    quota_bytes: int  # per account, unless it has its own
    largest_accounts: list[AccountView]
    guest: GuestView
    charged_bytes: int  # to all accounts and the guest; the rest of the database is indexes, logs and free room


class Compacted(View):
    num_bytes_given_back: int


class BackupView(View):
    name: str
    num_bytes: int
    made_at_ms: int


class BackupList(View):
    data: list[BackupView]
