"""/api/admin/usage and /api/admin/audit: what they take and give."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text, invalid
from bdchat.api.schemas.accounts import UsageQuery, UsageSums
from bdchat.api.schemas.admin_people import Cursor
from bdchat.store.accounts.usage import DIMENSIONS, Dimension
from bdchat.store.tables import AuditEntry

Milliseconds = Annotated[int, Field(ge=0, le=1 << 53)]


def _as_dimensions(value: str) -> str:
    names = value.split(",") if value else []
    if len(set(names)) != len(names) or not set(names) <= set(DIMENSIONS):
        raise invalid(f"must be some of {','.join(DIMENSIONS)}, separated by commas.")
    return value


class AllUsageQuery(UsageQuery):
    """`by`: what is told apart; "" sums everything up."""

    by: Annotated[str, Field(max_length=20), AfterValidator(_as_dimensions)] = "day,user,model"
    user_id: Annotated[Text, Field(max_length=64)] | None = None  # "": who has no account
    model: Annotated[Text, Field(max_length=300)] | None = None

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        return tuple(name for name in DIMENSIONS if name in self.by.split(","))


class AuditFilters(Strict):
    action: Annotated[Text, Field(max_length=64)] | None = None  # "key" finds "key.create" too
    actor: Annotated[Text, Field(max_length=64)] | None = None  # an id or a name
    since_ms: Milliseconds | None = None
    until_ms: Milliseconds | None = None


class AuditQuery(AuditFilters):
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Cursor | None = None


class AllUsageRow(UsageSums):
    """Null: not told apart."""

    day: str | None
    user_id: str | None
    username: str | None
    model: str | None


class AllUsage(View):
    first_day: str
    last_day: str
    time_zone: str | None
    data: list[AllUsageRow]
    total: UsageSums


class AuditView(View):
    entry_id: str
    at_ms: int
    actor_id: str
    actor_name: str
    action: str
    target: str
    detail: dict[str, Any]
    ip: str


class AuditPage(View):
    data: list[AuditView]
    names: dict[str, str]  # by id, of what stands in `target` and in a detail's `user_id`, as far as it has one
    next_cursor: str | None


def to_audit_view(entry: AuditEntry) -> AuditView:
    return AuditView(**entry.model_dump())
