"""/api/admin/users, /invitations and /keys: what they take and give.

`password`, `code` and links with them are shown once, in the answer to the request that made them.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.identity import Scope
from bdchat.api.http.parsing import Strict, Text
from bdchat.api.schemas.accounts import DisplayName, Email, NewUsername
from bdchat.store.accounts.oversight import KeyRow, UserRow
from bdchat.store.tables import ApiKey, Invitation

Role = Literal["admin", "user"]
Cursor = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
PageSize = Annotated[int, Field(ge=1, le=200)]
MAX_QUOTA_BYTES = 1 << 50


class UserQuery(Strict):
    search: Annotated[Text, Field(max_length=100)] = ""  # in either name and in the email
    limit: PageSize = 50
    cursor: Cursor | None = None


class NewUser(Strict):
    username: NewUsername
    display_name: DisplayName = ""
    email: Email = ""
    role: Role = "user"


class UserChange(Strict):
    """What is absent stays; an empty email is taken away."""

    role: Role | None = None
    is_disabled: bool | None = None
    display_name: DisplayName | None = None
    email: Email | None = None


class QuotaChange(Strict):
    """Without `quota_bytes` the server's own holds again (store.user_quota_bytes)."""

    quota_bytes: Annotated[int, Field(ge=0, le=MAX_QUOTA_BYTES)] | None = None


class LimitsChange(Strict):
    """What is absent is the server's own again (limits.account_…). 0: no bound."""

    max_running: Annotated[int, Field(ge=0, le=10_000)] | None = None
    max_queued: Annotated[int, Field(ge=0, le=10_000)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None


class NewInvitation(Strict):
    note: Annotated[Text, Field(max_length=200)] = ""
    expires_in_days: Annotated[int, Field(ge=1, le=365)] = 7


class KeyQuery(Strict):
    user_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,64}$")] | None = None
    with_revoked: bool = False
    limit: PageSize = 50
    cursor: Cursor | None = None


# --- answers ----------------------------------------------------------------------------------------------------------


class ManagedUser(View):
    user_id: str
    username: str
    display_name: str
    email: str | None
    role: Role
    is_disabled: bool
    must_change_password: bool
    quota_bytes: int | None  # None: the server's own; the next three too
    max_running: int | None  # answers at once, per model; 0: no bound
    max_queued: int | None  # waiting requests, per model
    tokens_per_minute: int | None
    created_at_ms: int
    last_seen_at_ms: int | None
    num_sessions: int
    num_keys: int
    num_logins: int


class ManagedUsers(View):
    data: list[ManagedUser]
    next_cursor: str | None


class InvitationView(View):
    """`used_by` None and `used_at_ms` set: by an account that is gone."""

    invitation_id: str
    note: str
    created_by: str
    created_at_ms: int
    expires_at_ms: int
    used_at_ms: int | None
    used_by: str | None


class PassedLink(View):
    """To be handed to somebody else. `is_local_only`: it opens on the server's own machine alone. `qr`: its picture, as
    an image's `data:` address."""

    address: str
    is_local_only: bool
    qr: str


class UserWithPassword(View):
    user: ManagedUser
    password: str  # to be changed at the first sign-in
    link: PassedLink  # opens the form with both in it


class CreatedInvitation(InvitationView):
    code: str
    link: PassedLink  # opens the form with the code in it


class InvitationList(View):
    data: list[InvitationView]


class ManagedKey(View):
    key_id: str
    user_id: str
    username: str
    name: str
    prefix: str
    scopes: list[Scope]
    is_bulk: bool
    created_at_ms: int
    last_used_at_ms: int | None
    expires_at_ms: int | None
    revoked_at_ms: int | None


class ManagedKeys(View):
    data: list[ManagedKey]
    next_cursor: str | None


def to_managed_user(row: UserRow) -> ManagedUser:
    shown = row.user.model_dump(include=set(ManagedUser.model_fields))
    return ManagedUser(**shown, num_sessions=row.num_sessions, num_keys=row.num_keys, num_logins=row.num_logins)


def invitation_fields(invitation: Invitation) -> dict[str, Any]:
    return {name: getattr(invitation, name) for name in InvitationView.model_fields}


def to_managed_key(row: KeyRow) -> ManagedKey:
    shown = row.key.model_dump(include=set(ManagedKey.model_fields))
    return ManagedKey(**shown | {"scopes": _scopes(row.key)}, username=row.username)


def _scopes(key: ApiKey) -> list[str]:
    return key.scopes.split()
