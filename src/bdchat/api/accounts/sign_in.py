"""POST /api/auth/register, login and logout, GET /api/auth/me. Event loop; hashing is passwords.py's.

Whether a name exists is told by no text and no time: an unknown name costs one hashing and one write too. Registration
asks first whether there is a right to register, and only then whether the name is taken.
"""

import hmac
import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.auth.authenticator import (
    DAY_MS,
    LOGIN_PREFIX,
    Authenticator,
    new_token,
    token_hash,
)
from bdchat.api.auth.password_check import PasswordCheck
from bdchat.api.auth.passwords import WEAKNESSES, Passwords, weakness_of
from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.http.endpoints import Endpoint, Nothing, declared, reply
from bdchat.api.http.errors import Forbidden
from bdchat.api.http.identity import Identity, identity_of, require_login
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.http.peer import Peer
from bdchat.api.schemas.accounts import Credentials, Me, Registration, SignedIn, to_user_view
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import Settings
from bdchat.store.accounts import audit, devices, invitations, logins, users
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database
from bdchat.store.tables import LoginToken, User

DEVICE_PREFIX = "bdd-"
BODY_BYTES = 16 * 1024  # of a request with a password in it
CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that is read as something else
CODE_GROUPS = 5  # of four characters: 99 bits
SETUP_MINUTES = 60  # a set-up code is for who sits at the console now


class SignIn:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        authenticator: Authenticator,
        passwords: Passwords,
        password_check: PasswordCheck,
        *,
        writes: Writes,
    ) -> None:
        self._settings = settings
        self._database = database
        self._writes = writes
        self._authenticator = authenticator
        self._cookies = authenticator.cookies
        self._passwords = passwords
        self._password_check = password_check
        self._lifetime_ms = settings.auth.absolute_days * DAY_MS
        self._device_s = settings.auth.known_device_days * DAY_MS // 1000

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "POST",
                "/api/auth/register",
                self.register,
                "Make an account and sign in",
                body=Registration,
                response=SignedIn,
                status=201,
                auth="open",
                errors=(403, 409, 429),
                description="The first account is the admin's: made on the server itself, or with its set-up code.",
            ),
            Endpoint(
                "POST",
                "/api/auth/login",
                self.login,
                "Sign in",
                body=Credentials,
                response=SignedIn,
                auth="open",
                errors=(401, 403, 429),
            ),
            Endpoint("POST", "/api/auth/logout", self.logout, "Sign out", response=Nothing),
            Endpoint("GET", "/api/auth/me", self.me, "Who am I, and who may register", response=Me, auth="open"),
        )

    # --- register -----------------------------------------------------------------------------------------------------

    async def register(self, request: Request) -> Response:
        body = parse(Registration, await read_json_body(request, limit_bytes=BODY_BYTES), self._settings.limits)
        peer = self._authenticator.peer(request.scope)
        self._password_check.take_address(peer)
        is_first = not await self._database.read(users.has_any)
        invitation_hash = await self._check_may_register(body, peer, is_first=is_first)
        if (weakness := weakness_of(body.password, body.username)) is not None:
            raise InvalidRequest("password", WEAKNESSES[weakness], code=weakness)
        password_hash = await self._passwords.hash(body.password)
        token, device = new_token(LOGIN_PREFIX), new_token(DEVICE_PREFIX)

        def register(db: Db) -> tuple[User, LoginToken]:
            user = (users.create_first if is_first else users.create_user)(
                db,
                username=body.username,
                password_hash=password_hash,
                display_name=body.display_name,
                locale=body.locale,
                email=body.email,
            )
            if invitation_hash is not None:
                invitations.use(db, invitation_hash, user.user_id)
            actor = audit.NamedActor(user.user_id, user.username)
            audit.record(db, actor, "register", user.user_id, {"role": user.role}, peer.address)
            if body.cookie:
                devices.remember(db, user.user_id, token_hash(device))
            return user, self._begin(db, user, token, request, peer)

        user, login = await self._database.write(register)
        return self._answer(
            user, login, token, peer, named=body.username, device=device if body.cookie else None, status=201
        )

    async def _check_may_register(self, body: Registration, peer: Peer, *, is_first: bool) -> str | None:
        """The invitation's hash when one is used. Raises Forbidden."""
        mode = self._settings.auth.registration
        if is_first:
            if peer.is_local or (body.setup_code and await self._is_setup_code(body.setup_code)):
                return None
            raise Forbidden(
                "The first account is made on the server's own machine, or with the set-up code that it printed.",
                code="setup_code_needed",
                param="setup_code",
            )
        if body.invitation is not None:  # an admin made it: it is the permission, whatever else holds
            code_hash = token_hash(body.invitation.strip())
            if await self._database.read(lambda db: invitations.is_good(db, code_hash)):
                return code_hash
            raise Forbidden(
                "This invitation does not exist, was used, or is too old.", code="invitation_over", param="invitation"
            )
        if mode == "open":
            return None
        if mode == "invitation":
            raise Forbidden("Registration needs an invitation.", code="invitation_needed", param="invitation")
        raise Forbidden("Registration is closed.", code="registration_closed")

    async def _is_setup_code(self, code: str) -> bool:
        stored = await self._database.read(users.setup_code_hash)
        return stored is not None and hmac.compare_digest(stored, token_hash(_plain_code(code)))

    # --- login and logout ---------------------------------------------------------------------------------------------

    async def login(self, request: Request) -> Response:
        body = parse(Credentials, await read_json_body(request, limit_bytes=BODY_BYTES), self._settings.limits)
        peer = self._authenticator.peer(request.scope)
        device = self._cookies.device_of(request.scope, body.username, is_https=peer.is_https)
        checked = await self._password_check.check(body.username, body.password, peer, device=device)
        user = checked.user
        password_hash = user.password_hash
        if self._passwords.is_outdated(password_hash):
            password_hash = await self._passwords.hash(body.password)
        token = new_token(LOGIN_PREFIX)
        if device is None or not checked.is_known:  # never one that somebody else may have put into this browser
            device = new_token(DEVICE_PREFIX)
        device_hash = token_hash(device)
        former = identity_of(request)
        former_id = former.login_id if former is not None and body.cookie else None

        def begin(db: Db, news: News) -> LoginToken:
            if password_hash != user.password_hash:
                users.change(db, user.user_id, password_hash=password_hash)
            if former is not None and former_id is not None:  # this browser's cookie is about to be replaced
                logins.end_one(db, former.user_id, former_id)
            audit.record(db, audit.NamedActor(user.user_id, user.username), "login", user.user_id, ip=peer.address)
            if body.cookie:
                devices.remember(db, user.user_id, device_hash)
            for ended_id in logins.make_room(db, user.user_id):
                news.rights_ended(user.user_id, login_id=ended_id)
            if former is not None and former_id is not None:
                news.rights_ended(former.user_id, login_id=former_id)
            return self._begin(db, user, token, request, peer)

        login = await self._writes.run(begin)
        return self._answer(user, login, token, peer, named=body.username, device=device if body.cookie else None)

    async def logout(self, request: Request) -> Response:
        identity = require_login(request)
        peer = self._authenticator.peer(request.scope)
        login_id = identity.login_id
        assert login_id is not None

        def end(db: Db, news: News) -> None:
            logins.end(db, identity.user_id, login_id)
            audit.record(db, identity, "logout", identity.user_id, ip=peer.address)
            news.rights_ended(identity.user_id, login_id=login_id)

        await self._writes.run(end)
        return reply(
            Nothing(), headers={"set-cookie": self._cookies.set_login("", is_https=peer.is_https, max_age_s=0)}
        )

    # --- me -----------------------------------------------------------------------------------------------------------

    async def me(self, request: Request) -> Response:
        identity = identity_of(request)
        peer = self._authenticator.peer(request.scope)
        user = await self._user_of(identity)
        needs_first = user is None and not await self._database.read(users.has_any)
        document = Me(
            user=to_user_view(user) if user else None,
            role=identity.role if identity else None,
            scopes=sorted(identity.scopes) if identity else [],
            registration=self._settings.auth.registration,
            needs_first_account=needs_first,
            needs_setup_code=needs_first and not peer.is_local,
        )
        is_stale = identity is None and self._cookies.login_of(request.scope, is_https=peer.is_https) is not None
        headers = {"set-cookie": self._cookies.set_login("", is_https=peer.is_https, max_age_s=0)} if is_stale else {}
        return reply(document, headers=headers)

    async def _user_of(self, identity: Identity | None) -> User | None:
        if identity is None or identity.is_guest:
            return None
        try:
            return await self._database.read(lambda db: users.get(db, identity.user_id))
        except NotFound:  # deleted within the last seconds
            return None

    # --- what register and login share --------------------------------------------------------------------------------

    def _begin(self, db: Db, user: User, token: str, request: Request, peer: Peer) -> LoginToken:
        return logins.create(
            db,
            user.user_id,
            token_hash=token_hash(token),
            client=request.headers.get("user-agent", ""),
            ip=peer.address,
            lifetime_ms=self._lifetime_ms,
        )

    def _answer(
        self,
        user: User,
        login: LoginToken,
        token: str,
        peer: Peer,
        *,
        named: str,
        device: str | None,
        status: int = 200,
    ) -> Response:
        """`named`: what was typed, the name or the email. `device` None: no cookies, the token in the answer."""
        document = SignedIn(
            user=to_user_view(user),
            login_id=login.login_id,
            expires_at_ms=login.expires_at_ms,
            token=token if device is None else None,
        )
        response = reply(document, status=status)
        if device is not None:
            is_https, login_s = peer.is_https, self._lifetime_ms // 1000
            for cookie in (
                self._cookies.set_login(token, is_https=is_https, max_age_s=login_s),
                self._cookies.set_device(device, named, is_https=is_https, max_age_s=self._device_s),
            ):
                response.headers.append("set-cookie", cookie)
        return response


async def new_setup_code(database: Database) -> str | None:
    """Lets somebody far away make the first account, once and for SETUP_MINUTES; earlier codes end. None when there is
    an account."""
    code = "-".join("".join(secrets.choice(CODE_ALPHABET) for _ in range(4)) for _ in range(CODE_GROUPS))
    code_hash = token_hash(_plain_code(code))

    def replace(db: Db) -> bool:
        if users.has_any(db):
            return False
        users.set_setup_code(db, code_hash, lifetime_ms=SETUP_MINUTES * 60_000)
        return True

    return code if await database.write(replace) else None


def _plain_code(code: str) -> str:
    return "".join(code.upper().replace("-", " ").split())
