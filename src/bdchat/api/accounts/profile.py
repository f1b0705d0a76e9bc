"""/api/profile, POST /api/auth/password and /api/auth/sessions: a user's profile, password and logins."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.accounts.erasure import Erasure
from bdchat.api.accounts.sign_in import BODY_BYTES
from bdchat.api.auth.authenticator import DAY_MS, Authenticator
from bdchat.api.auth.password_check import PasswordCheck
from bdchat.api.auth.passwords import WEAKNESSES, Passwords, weakness_of
from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.chats.messages import long_texts
from bdchat.api.http.endpoints import Endpoint, Nothing, declared, path_id, read_query, reply
from bdchat.api.http.errors import LoginFailed
from bdchat.api.http.identity import Identity, require_login, require_user
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.long_answer import LongAnswer, long_reply
from bdchat.api.http.parsing import parse
from bdchat.api.http.peer import Peer
from bdchat.api.schemas.accounts import (
    MAX_DAYS,
    AccountDeletion,
    HistoryQuery,
    LoginList,
    LoginsEnded,
    PasswordChange,
    ProfileChange,
    SentMessage,
    SentMessages,
    UsageQuery,
    UsageReport,
    UsageSums,
    UserView,
    check_preferences,
    to_login_view,
    to_usage_row,
    to_user_view,
)
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import Settings
from bdchat.store.accounts import audit, logins, usage, users
from bdchat.store.accounts.zoned_days import ZonedDays, days_before, today, zone_of
from bdchat.store.chats import history
from bdchat.store.db import Db
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import User

DEFAULT_DAYS = 30
PROFILE_BYTES = 64 * 1024


class Accounts:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        authenticator: Authenticator,
        passwords: Passwords,
        password_check: PasswordCheck,
        *,
        writes: Writes,
        erasure: Erasure,
    ) -> None:
        self._limits = settings.limits
        self._idle_ms = settings.auth.idle_days * DAY_MS
        self._database = database
        self._writes = writes
        self._erasure = erasure
        self._authenticator = authenticator
        self._passwords = passwords
        self._password_check = password_check

    def routes(self) -> list[Route]:
        return declared(
            Endpoint("GET", "/api/profile", self.profile, "Your account", response=UserView),
            Endpoint(
                "PATCH",
                "/api/profile",
                self.change_profile,
                "Change your account",
                body=ProfileChange,
                response=UserView,
            ),
            Endpoint(
                "GET",
                "/api/profile/usage",
                self.usage,
                "What you have used, per day and model",
                query=UsageQuery,
                response=UsageReport,
            ),
            Endpoint(
                "GET",
                "/api/profile/messages",
                self.messages,
                "What you have written, newest first",
                query=HistoryQuery,
                response=SentMessages,
            ),
            Endpoint(
                "POST",
                "/api/auth/password",
                self.change_password,
                "Change your password; every other login ends",
                body=PasswordChange,
                response=LoginsEnded,
                errors=(429,),
            ),
            Endpoint(
                "POST",
                "/api/profile/delete",
                self.delete,
                "Delete your account with all chats that you own; no way back",
                body=AccountDeletion,
                response=Nothing,
                errors=(409, 429),
            ),
            Endpoint("GET", "/api/auth/sessions", self.logins, "Where you are signed in", response=LoginList),
            Endpoint(
                "DELETE",
                "/api/auth/sessions",
                self.end_others,
                "Sign out everywhere else",
                response=LoginsEnded,
            ),
            Endpoint("DELETE", "/api/auth/sessions/{login_id}", self.end_login, "Sign out there", response=Nothing),
        )

    # --- profile ------------------------------------------------------------------------------------------------------

    async def profile(self, request: Request) -> Response:
        identity = require_user(request)
        return reply(to_user_view(await self._database.read(lambda db: users.get(db, identity.user_id))))

    async def change_profile(self, request: Request) -> Response:
        identity = require_user(request)
        body = parse(ProfileChange, await read_json_body(request, limit_bytes=PROFILE_BYTES), self._limits)

        def change(db: Db) -> User:
            fields = body.model_dump(include={"display_name", "locale"}, exclude_none=True)
            if body.preferences:
                merged = users.get(db, identity.user_id).preferences | body.preferences
                kept = {name: value for name, value in merged.items() if value is not None}
                if (reason := check_preferences(kept)) is not None:
                    raise InvalidRequest("preferences", reason, code="preferences_too_large")
                fields["preferences"] = kept
            if body.email is not None:
                users.set_email(db, identity.user_id, body.email)
            return users.change(db, identity.user_id, **fields)

        return reply(to_user_view(await self._database.write(change)))

    async def usage(self, request: Request) -> Response:
        identity = require_user(request)
        query = read_query(UsageQuery, request, self._limits)
        days = usage_days(query)
        rows = await self._database.read(lambda db: usage.sums(db, days, by=("day", "model"), user_id=identity.user_id))
        shown = [to_usage_row(row) for row in rows]
        total = UsageSums(**{name: sum(row.counts[name] for row in rows) for name in usage.COUNTS})
        return reply(
            UsageReport(first_day=days.first, last_day=days.last, time_zone=query.time_zone, data=shown, total=total)
        )

    async def messages(self, request: Request) -> Response:
        identity = require_user(request)
        query = read_query(HistoryQuery, request, self._limits)
        user_id = identity.user_id

        def read(db: Db) -> LongAnswer:
            found, has_more = history.sent_by(db, user_id, limit=query.limit, before=query.cursor)
            page = SentMessages(
                data=[
                    SentMessage(
                        message_id=sent.message_id,
                        session_id=sent.session_id,
                        session_title=sent.session_title,
                        content=sent.content or "",
                        created_at_ms=sent.created_at_ms,
                    )
                    for sent in found
                ],
                next_cursor=found[-1].place if has_more else None,
            )
            document = page.model_dump()
            contents = {sent.message_id: sent.content for sent in found}
            # the author's own words: leaving a chat takes them from the next page, not from this one
            return LongAnswer(document, long_texts(document["data"], contents), lambda _: None)

        return await long_reply(request, self._database, read)

    # --- password and logins ------------------------------------------------------------------------------------------

    async def change_password(self, request: Request) -> Response:
        """The current password is asked for again, and counted like a login: a borrowed browser is no password."""
        identity = require_login(request)
        body = parse(PasswordChange, await read_json_body(request, limit_bytes=BODY_BYTES), self._limits)
        peer = self._authenticator.peer(request.scope)
        await self._check_password(identity, body.current_password, peer)
        if body.new_password == body.current_password:
            raise InvalidRequest("new_password", "is the one that you have.", code="password_same")
        if (weakness := weakness_of(body.new_password, identity.username)) is not None:
            raise InvalidRequest("new_password", WEAKNESSES[weakness], code=weakness)
        password_hash = await self._passwords.hash(body.new_password)

        def change(db: Db, news: News) -> list[str]:
            users.change(db, identity.user_id, password_hash=password_hash, must_change_password=False)
            audit.record(db, identity, "password.change", identity.user_id, ip=peer.address)
            return _end_others(db, news, identity)

        # who had to change it may go on at once, in this process: what is remembered of the login says otherwise
        ended = await self._writes.run(change, then=lambda _: self._authenticator.forget(identity.user_id))
        return reply(LoginsEnded(num_ended=len(ended)))

    async def delete(self, request: Request) -> Response:
        """With the password, as above. What was written in others' chats stays with them."""
        identity = require_login(request)
        body = parse(AccountDeletion, await read_json_body(request, limit_bytes=BODY_BYTES), self._limits)
        peer = self._authenticator.peer(request.scope)
        await self._check_password(identity, body.current_password, peer)

        def record(db: Db, user: User) -> None:
            audit.record(db, identity, "user.delete", user.user_id, {"username": user.username}, peer.address)

        await self._erasure.erase(identity.user_id, record, error=None)
        cookie = self._authenticator.cookies.set_login("", is_https=peer.is_https, max_age_s=0)
        return reply(Nothing(), headers={"set-cookie": cookie})

    async def _check_password(self, identity: Identity, password: str, peer: Peer) -> None:
        """Raises InvalidRequest, TooManyAttempts."""
        try:
            await self._password_check.check(identity.username, password, peer, login_id=identity.login_id)
        except LoginFailed as error:
            raise InvalidRequest("current_password", "is not your password.", code="wrong_password") from error

    async def logins(self, request: Request) -> Response:
        identity = require_login(request)
        used_after_ms = now_ms() - self._idle_ms
        found = await self._database.read(lambda db: logins.list_of(db, identity.user_id, used_after_ms=used_after_ms))
        return reply(LoginList(data=[to_login_view(login, identity) for login in found]))

    async def end_login(self, request: Request) -> Response:
        identity = require_login(request)
        login_id = path_id(request, "login_id")
        peer = self._authenticator.peer(request.scope)

        def end(db: Db, news: News) -> None:
            logins.end(db, identity.user_id, login_id)
            audit.record(db, identity, "login.end", login_id, ip=peer.address)
            news.rights_ended(identity.user_id, login_id=login_id)

        await self._writes.run(end)
        return reply(Nothing())

    async def end_others(self, request: Request) -> Response:
        identity = require_login(request)
        peer = self._authenticator.peer(request.scope)

        def end(db: Db, news: News) -> list[str]:
            login_ids = _end_others(db, news, identity)
            audit.record(db, identity, "login.end", identity.user_id, {"num_ended": len(login_ids)}, peer.address)
            return login_ids

        ended = await self._writes.run(end)
        return reply(LoginsEnded(num_ended=len(ended)))


def _end_others(db: Db, news: News, identity: Identity) -> list[str]:
    """Every login of the caller's but the one that asks."""
    ended = logins.end_all(db, identity.user_id, but=identity.login_id)
    for login_id in ended:
        news.rights_ended(identity.user_id, login_id=login_id)
    return ended


def usage_days(query: UsageQuery) -> ZonedDays:
    """Raises InvalidRequest."""
    zone = None if query.time_zone is None else zone_of(query.time_zone)
    last_day = query.to_day or today(zone)
    first_day = query.from_day or days_before(last_day, DEFAULT_DAYS - 1)
    if first_day > last_day:
        raise InvalidRequest("from", "must not be after 'to'.")
    if first_day < days_before(last_day, MAX_DAYS - 1):
        raise InvalidRequest("from", f"must be at most {MAX_DAYS} days before 'to'.")
    return ZonedDays(first_day, last_day, zone)
