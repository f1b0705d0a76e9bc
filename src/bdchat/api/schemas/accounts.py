"""/api/auth, /api/profile and /api/keys: what they take and give.

Passwords are in requests alone. `token` and `key` are shown once, in the answer to the request that made them.
"""

import datetime
import re
import unicodedata
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.identity import Identity, Scope
from bdchat.api.http.parsing import Strict, Text, invalid
from bdchat.store.accounts.lookalikes import is_one_script, is_plainly_visible, words
from bdchat.store.accounts.usage import UsageSum
from bdchat.store.accounts.zoned_days import zone_of
from bdchat.store.tables import ApiKey, LoginToken, User

MAX_PREFERENCES_BYTES = 16 * 1024
MAX_PREFERENCES = 100
MAX_DAYS = 366  # of usage in one answer
MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3, without its brackets
EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)*")
USERNAME = re.compile(r"\w[\w .@+-]*[\w.@+-]")
KEY_LIFETIME_DAYS = 3650


def as_username(value: str) -> str:
    """Letters and digits of one script, and . @ + - _ and blanks between them. Raises ValueError."""
    name = unicodedata.normalize("NFKC", value).strip()
    if not 2 <= len(name) <= 64 or not USERNAME.fullmatch(name) or not is_plainly_visible(name):
        raise invalid("must have 2 to 64 letters, digits, blanks or any of . @ + - _", code="username_form")
    if not is_one_script(name):
        raise invalid(
            "must be written in one script; Korean, Japanese and Chinese may have Latin letters beside it.",
            code="username_script",
        )
    return name


def _as_email(value: str) -> str:
    """ "" stays: none. Raises ValueError."""
    email = unicodedata.normalize("NFKC", value).strip()
    if email and not (len(email) <= MAX_EMAIL and EMAIL.fullmatch(email) and is_plainly_visible(email)):
        raise invalid("must be an email address, as ann@example.com.", code="email_form")
    return email


def _as_display_name(value: str) -> str:
    """Several scripts are several words: what looks like one word is one."""
    if not is_plainly_visible(value) or not all(is_one_script(word) for word in words(value)):
        raise invalid(
            "must not have invisible characters, piles of marks, or letters of several scripts in one word.",
            code="display_name_form",
        )
    return value


def _as_day(value: str) -> str:
    try:
        return datetime.date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise invalid("must be a day, as 2026-11-22.") from error


def _as_zone_name(value: str) -> str:
    try:
        zone_of(value)
    except ValueError as error:
        raise invalid("must be a time zone, as Asia/Seoul or +09:00.") from error
    return value


def check_preferences(value: dict[str, Any]) -> str | None:
    """What is wrong with them, as the end of a sentence."""
    if len(value) > MAX_PREFERENCES or any(not 1 <= len(name) <= 64 for name in value):
        return f"must have at most {MAX_PREFERENCES} names of 1 to 64 characters."
    encoded = msgspec.json.encode(value)
    if len(encoded) > MAX_PREFERENCES_BYTES or b"\\u0000" in encoded:
        return f"must be at most {MAX_PREFERENCES_BYTES} bytes of JSON, without NUL."
    return None


def _as_preferences(value: dict[str, Any]) -> dict[str, Any]:
    if (reason := check_preferences(value)) is not None:
        raise invalid(reason, code="preferences_too_large")
    return value


NewUsername = Annotated[str, Field(max_length=200), AfterValidator(as_username)]
GivenPassword = Annotated[str, Field(min_length=1, max_length=256)]
NewPassword = Annotated[str, Field(max_length=1024)]  # whether it is good enough, passwords.py says
DisplayName = Annotated[Text, Field(max_length=100), AfterValidator(_as_display_name)]
Email = Annotated[str, Field(max_length=1000), AfterValidator(_as_email)]  # "": none
Locale = Literal["", "ko", "en"]  # "" = the browser's
Preferences = Annotated[dict[str, Any], AfterValidator(_as_preferences)]
ZoneName = Annotated[str, Field(max_length=64), AfterValidator(_as_zone_name)]
Day = Annotated[str, Field(max_length=10), AfterValidator(_as_day)]


class Registration(Strict):
    """`setup_code`: the console's, for the first account. `invitation`: an admin's, for any other."""

    username: NewUsername
    password: NewPassword
    email: Email = ""
    display_name: DisplayName = ""
    locale: Locale = ""
    setup_code: Annotated[str, Field(max_length=64)] | None = None
    invitation: Annotated[str, Field(max_length=64)] | None = None
    cookie: bool = True  # False: no cookie, the token in the answer


class Credentials(Strict):
    """`username`: the name, or the account's email."""

    username: Annotated[str, Field(min_length=1, max_length=200)]
    password: GivenPassword
    cookie: bool = True  # False: no cookie, the token in the answer


class PasswordChange(Strict):
    current_password: GivenPassword
    new_password: NewPassword


class AccountDeletion(Strict):
    current_password: GivenPassword


class ProfileChange(Strict):
    """What is absent stays; an empty email is taken away. Of `preferences` the named ones change; null takes one
    away."""

    display_name: DisplayName | None = None
    email: Email | None = None
    locale: Locale | None = None
    preferences: Preferences | None = None


class NewKey(Strict):
    name: Annotated[Text, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3, default_factory=lambda: ["chat"])]
    expires_in_days: Annotated[int, Field(ge=1, le=KEY_LIFETIME_DAYS)] | None = None
    is_bulk: bool = False  # nobody waits for what it asks: others go first, unless a request says otherwise


class KeyChange(Strict):
    name: Annotated[Text, Field(min_length=1, max_length=100)]


class UsageQuery(Strict):
    """Days are the zone's, both included; without them the last thirty. Without a zone they are the server's (TZ)."""

    from_day: Annotated[Day | None, Field(alias="from")] = None
    to_day: Annotated[Day | None, Field(alias="to")] = None
    time_zone: ZoneName | None = None


class HistoryQuery(Strict):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(pattern=r"^\d{1,15}\.[A-Za-z0-9_-]{1,64}$")] | None = None


# --- answers ----------------------------------------------------------------------------------------------------------


class UserView(View):
    user_id: str
    username: str
    display_name: str
    email: str | None
    role: Literal["admin", "user"]
    locale: str
    preferences: dict[str, Any]
    must_change_password: bool  # an admin made it: until then nothing else is answered
    created_at_ms: int


class SignedIn(View):
    user: UserView
    login_id: str
    expires_at_ms: int
    token: str | None = None  # only without a cookie


class Me(View):
    """`user` None: not signed in. `identity`: what requests like this one may do, None: nothing."""

    user: UserView | None
    role: Literal["admin", "user", "guest"] | None
    scopes: list[Scope]
    registration: Literal["closed", "invitation", "open"]
    needs_first_account: bool
    needs_setup_code: bool  # the first account can be made from here only with the console's code


class LoginView(View):
    login_id: str
    client: str
    ip: str
    created_at_ms: int
    last_used_at_ms: int
    expires_at_ms: int
    is_current: bool


class LoginList(View):
    data: list[LoginView]


class LoginsEnded(View):
    num_ended: int


class KeyView(View):
    key_id: str
    name: str
    prefix: str
    scopes: list[Scope]
    created_at_ms: int
    last_used_at_ms: int | None
    expires_at_ms: int | None
    is_bulk: bool


class CreatedKey(KeyView):
    key: str


class KeyList(View):
    data: list[KeyView]


class UsageSums(View):
    num_requests: int = 0
    num_messages: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    engine_ms: int = 0


class UsageRow(UsageSums):
    day: str
    model: str


class UsageReport(View):
    """`time_zone`: whose days they are, as it was asked for; null: the server's."""

    first_day: str
    last_day: str
    time_zone: str | None
    data: list[UsageRow]
    total: UsageSums


class SentMessage(View):
    message_id: str
    session_id: str
    session_title: str
    content: str
    created_at_ms: int


class SentMessages(View):
    data: list[SentMessage]
    next_cursor: str | None


def to_user_view(user: User) -> UserView:
    return UserView(
        user_id=user.user_id,
        username=user.username,
        display_name=user.display_name,
        email=user.email,
        must_change_password=user.must_change_password,
        role="admin" if user.role == "admin" else "user",
        locale=user.locale,
        preferences=user.preferences,
        created_at_ms=user.created_at_ms,
    )


def to_login_view(login: LoginToken, identity: Identity) -> LoginView:
    shown = login.model_dump(include=set(LoginView.model_fields) - {"is_current"})
    return LoginView(**shown, is_current=login.login_id == identity.login_id)


def key_fields(key: ApiKey) -> dict[str, Any]:
    """Of KeyView."""
    return key.model_dump(include=set(KeyView.model_fields)) | {"scopes": key.scopes.split()}


def to_usage_row(row: UsageSum) -> UsageRow:
    assert row.day is not None, "told apart by day"
    assert row.model is not None, "and by model"
    return UsageRow(day=row.day, model=row.model, **row.counts)
