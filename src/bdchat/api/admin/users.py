"""/api/admin/users: lists, creates, changes, signs out and deletes accounts. Event loop only.

What is changed here is recorded in its transaction, and holds at once: the account's cached credentials are dropped and
its sockets and streams hear of it (Authenticator.ended).
"""

import secrets
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.accounts.erasure import Erasure
from bdchat.api.admin.links import Links
from bdchat.api.auth.authenticator import Authenticator
from bdchat.api.auth.passwords import Passwords
from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.generation.account_limits import AccountLimits
from bdchat.api.http.endpoints import Endpoint, Nothing, declared, path_id, read_query, reply
from bdchat.api.http.errors import EndedByAdmin
from bdchat.api.http.identity import Identity, require_admin
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.accounts import LoginsEnded
from bdchat.api.schemas.admin_people import (
    LimitsChange,
    ManagedUser,
    ManagedUsers,
    NewUser,
    QuotaChange,
    UserChange,
    UserQuery,
    UserWithPassword,
    to_managed_user,
)
from bdchat.settings import Settings
from bdchat.store.accounts import audit, logins, oversight, users
from bdchat.store.accounts.users import OwnLimits
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database
from bdchat.store.tables import User

BODY_BYTES = 16 * 1024
NUM_WORDS = 4  # of five characters each: 99 bits
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is read as something else


class AdminUsers:
    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        authenticator: Authenticator,
        writes: Writes,
        passwords: Passwords,
        erasure: Erasure,
        account_limits: AccountLimits,
    ) -> None:
        self._account_limits = account_limits
        self._limits = settings.limits
        self._links = Links(settings, authenticator)
        self._database = database
        self._authenticator = authenticator
        self._writes = writes
        self._passwords = passwords
        self._erasure = erasure

    def routes(self) -> list[Route]:
        one = "/api/admin/users/{user_id}"
        return declared(
            Endpoint(
                "GET",
                "/api/admin/users",
                self.list,
                "All accounts, the newest first",
                query=UserQuery,
                response=ManagedUsers,
                auth="admin",
            ),
            Endpoint(
                "POST",
                "/api/admin/users",
                self.create,
                "Make an account; its first password is shown this once",
                body=NewUser,
                response=UserWithPassword,
                status=201,
                auth="admin",
                errors=(409, 429),
            ),
            Endpoint("GET", one, self.show, "An account", response=ManagedUser, auth="admin"),
            Endpoint(
                "PATCH",
                one,
                self.change,
                "Change role, name, email, or whether it may sign in",
                body=UserChange,
                response=ManagedUser,
                auth="admin",
                errors=(409,),
            ),
            Endpoint(
                "DELETE",
                one,
                self.delete,
                "Delete an account with all that it owns; no way back",
                response=Nothing,
                auth="admin",
                errors=(409,),
            ),
            Endpoint(
                "PUT",
                f"{one}/quota",
                self.set_quota,
                "How much an account may store",
                body=QuotaChange,
                response=ManagedUser,
                auth="admin",
            ),
            Endpoint(
                "PUT",
                f"{one}/limits",
                self.set_limits,
                "What an account may ask of the models at once and in a minute",
                body=LimitsChange,
                response=ManagedUser,
                auth="admin",
            ),
            Endpoint(
                "POST",
                f"{one}/password",
                self.reset_password,
                "Replace its password by one that is shown this once; its logins end",
                response=UserWithPassword,
                auth="admin",
                errors=(429,),
            ),
            Endpoint(
                "DELETE",
                f"{one}/sessions",
                self.sign_out,
                "Sign an account out everywhere; its keys stay",
                response=LoginsEnded,
                auth="admin",
            ),
        )

    async def list(self, request: Request) -> Response:
        require_admin(request)
        query = read_query(UserQuery, request, self._limits)
        found = await self._database.read(
            lambda db: oversight.users(db, limit=query.limit + 1, before=query.cursor, search=query.search)
        )
        shown = [to_managed_user(row) for row in found[: query.limit]]
        return reply(ManagedUsers(data=shown, next_cursor=shown[-1].user_id if len(found) > query.limit else None))

    async def show(self, request: Request) -> Response:
        require_admin(request)
        user_id = path_id(request, "user_id")
        return reply(await self._database.read(lambda db: _shown(db, user_id)))

    async def create(self, request: Request) -> Response:
        admin = require_admin(request)
        body = parse(NewUser, await read_json_body(request, limit_bytes=BODY_BYTES), self._limits)
        password = new_password()
        password_hash = await self._passwords.hash(password)

        def create(db: Db) -> ManagedUser:
            fields = body.model_dump(include={"username", "display_name", "email", "role"})
            user = users.create_user(db, password_hash=password_hash, must_change_password=True, **fields)
            self._record(db, request, admin, "user.create", user.user_id, {"role": user.role})
            return _shown(db, user.user_id)

        return reply(self._with_password(request, await self._database.write(create), password), status=201)

    async def change(self, request: Request) -> Response:
        admin = require_admin(request)
        user_id = path_id(request, "user_id")
        body = parse(UserChange, await read_json_body(request, limit_bytes=BODY_BYTES), self._limits)
        changes = body.model_dump(exclude_none=True)

        def change(db: Db, news: News) -> ManagedUser:
            before = users.get(db, user_id)
            ends = _ends_what_it_may(before, body)
            if body.role == "user":
                users.keep_an_admin(db, user_id)
            if body.is_disabled is not None:
                users.set_disabled(db, user_id, is_disabled=body.is_disabled)
            if body.email is not None:
                users.set_email(db, user_id, body.email)
            plain = {name: changes[name] for name in changes if name not in {"is_disabled", "email"}}
            users.change(db, user_id, **plain)
            self._record(db, request, admin, "user.change", user_id, changes)
            if ends:
                news.rights_ended(user_id)
            return _shown(db, user_id)

        shown = await self._writes.run(change)
        if body.is_disabled:
            self._erasure.end_generations(user_id, EndedByAdmin())
        return reply(shown)

    async def set_quota(self, request: Request) -> Response:
        admin = require_admin(request)
        user_id = path_id(request, "user_id")
        body = parse(QuotaChange, await read_json_body(request, limit_bytes=BODY_BYTES), self._limits)

        def change(db: Db) -> ManagedUser:
            users.change(db, user_id, quota_bytes=body.quota_bytes)
            self._record(db, request, admin, "user.quota", user_id, {"quota_bytes": body.quota_bytes})
            return _shown(db, user_id)

        return reply(await self._database.write(change))

    async def set_limits(self, request: Request) -> Response:
        admin = require_admin(request)
        user_id = path_id(request, "user_id")
        body = parse(LimitsChange, await read_json_body(request, limit_bytes=BODY_BYTES), self._limits)
        own = OwnLimits(**body.model_dump())

        def change(db: Db) -> ManagedUser:
            users.change(db, user_id, **asdict(own))
            self._record(db, request, admin, "user.limits", user_id, asdict(own))
            return _shown(db, user_id)

        shown = await self._database.write(change)
        self._account_limits.note_change(user_id, own)
        return reply(shown)

    async def reset_password(self, request: Request) -> Response:
        admin = require_admin(request)
        user_id = path_id(request, "user_id")
        await self._database.read(lambda db: users.get(db, user_id))  # before the work of hashing
        password = new_password()
        password_hash = await self._passwords.hash(password)

        def change(db: Db, news: News) -> ManagedUser:
            users.change(db, user_id, password_hash=password_hash, must_change_password=True)
            logins.end_all(db, user_id)
            news.rights_ended(user_id)
            self._record(db, request, admin, "user.reset_password", user_id)
            return _shown(db, user_id)

        shown = await self._writes.run(change)
        return reply(self._with_password(request, shown, password))

    async def sign_out(self, request: Request) -> Response:
        admin = require_admin(request)
        user_id = path_id(request, "user_id")

        def end(db: Db, news: News) -> list[str]:
            users.get(db, user_id)
            ended = logins.end_all(db, user_id)
            self._record(db, request, admin, "user.sign_out", user_id, {"num_ended": len(ended)})
            for login_id in ended:
                news.rights_ended(user_id, login_id=login_id)
            return ended

        ended = await self._writes.run(end)
        return reply(LoginsEnded(num_ended=len(ended)))

    async def delete(self, request: Request) -> Response:
        admin = require_admin(request)
        user_id = path_id(request, "user_id")

        def record(db: Db, user: User) -> None:
            self._record(db, request, admin, "user.delete", user_id, {"username": user.username})

        await self._erasure.erase(user_id, record, error=EndedByAdmin())
        return reply(Nothing())

    def _with_password(self, request: Request, user: ManagedUser, password: str) -> UserWithPassword:
        """The link keeps both behind its "#", which no browser sends anywhere and no log has."""
        link = self._links.to(f"/login#{urlencode({'name': user.username, 'password': password})}", request)
        return UserWithPassword(user=user, password=password, link=link)

    def _record(  # noqa: PLR0917
        self, db: Db, request: Request, admin: Identity, action: str, target: str, detail: dict[str, Any] | None = None
    ) -> None:
        audit.record(db, admin, action, target, detail, self._authenticator.peer(request.scope).address)


def new_password() -> str:
    words = ("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(NUM_WORDS))
    return "-".join(words)


def _shown(db: Db, user_id: str) -> ManagedUser:
    row = oversight.user_row(db, user_id)
    if row is None:
        raise NotFound("user", user_id)
    return to_managed_user(row)


def _ends_what_it_may(user: User, body: UserChange) -> bool:
    """Another role, or shut out: what was let in before must come again."""
    return bool(body.is_disabled) or (body.role is not None and body.role != user.role)
