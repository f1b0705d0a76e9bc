"""/api/admin/invitations and /api/admin/keys: registration codes and API keys, for admins. Event loop only."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.admin.links import Links
from bdchat.api.auth.authenticator import DAY_MS, Authenticator, new_token, token_hash
from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.http.endpoints import Endpoint, Nothing, declared, path_id, read_query, reply
from bdchat.api.http.identity import require_admin
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.admin_people import (
    CreatedInvitation,
    InvitationList,
    InvitationView,
    KeyQuery,
    ManagedKeys,
    NewInvitation,
    invitation_fields,
    to_managed_key,
)
from bdchat.settings import Settings
from bdchat.store.accounts import audit, invitations, keys, oversight
from bdchat.store.db import Db
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database
from bdchat.store.tables import ApiKey, Invitation

BODY_BYTES = 16 * 1024
INVITATION_PREFIX = "bdi-"


class AdminAccess:
    def __init__(self, settings: Settings, database: Database, writes: Writes, authenticator: Authenticator) -> None:
        self._limits = settings.limits
        self._links = Links(settings, authenticator)
        self._database = database
        self._writes = writes
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "GET",
                "/api/admin/invitations",
                self.list_invitations,
                "Invitations, the newest first",
                response=InvitationList,
                auth="admin",
            ),
            Endpoint(
                "POST",
                "/api/admin/invitations",
                self.invite,
                "Let one person register, also where registration is closed; the code is shown this once",
                body=NewInvitation,
                response=CreatedInvitation,
                status=201,
                auth="admin",
            ),
            Endpoint(
                "DELETE",
                "/api/admin/invitations/{invitation_id}",
                self.revoke_invitation,
                "Take an invitation back",
                response=Nothing,
                auth="admin",
            ),
            Endpoint(
                "GET",
                "/api/admin/keys",
                self.list_keys,
                "API keys of all accounts, the newest first",
                query=KeyQuery,
                response=ManagedKeys,
                auth="admin",
            ),
            Endpoint(
                "DELETE",
                "/api/admin/keys/{key_id}",
                self.revoke_key,
                "Revoke a key, at once",
                response=Nothing,
                auth="admin",
            ),
        )

    async def list_invitations(self, request: Request) -> Response:
        require_admin(request)
        found = await self._database.read(invitations.list_all)
        return reply(InvitationList(data=[InvitationView(**invitation_fields(each)) for each in found]))

    async def invite(self, request: Request) -> Response:
        admin = require_admin(request)
        body = parse(NewInvitation, await read_json_body(request, limit_bytes=BODY_BYTES), self._limits)
        code = new_token(INVITATION_PREFIX)
        peer = self._authenticator.peer(request.scope)

        def create(db: Db) -> Invitation:
            lifetime_ms = body.expires_in_days * DAY_MS
            made = invitations.create(
                db, admin.user_id, code_hash=token_hash(code), lifetime_ms=lifetime_ms, note=body.note
            )
            audit.record(db, admin, "invitation.create", made.invitation_id, ip=peer.address)
            return made

        made = await self._database.write(create)
        link = self._links.to(f"/register?code={code}", request)
        return reply(CreatedInvitation(**invitation_fields(made), code=code, link=link), status=201)

    async def revoke_invitation(self, request: Request) -> Response:
        admin = require_admin(request)
        invitation_id = path_id(request, "invitation_id")
        peer = self._authenticator.peer(request.scope)

        def revoke(db: Db) -> None:
            invitations.delete(db, invitation_id)
            audit.record(db, admin, "invitation.revoke", invitation_id, ip=peer.address)

        await self._database.write(revoke)
        return reply(Nothing())

    async def list_keys(self, request: Request) -> Response:
        require_admin(request)
        query = read_query(KeyQuery, request, self._limits)
        found = await self._database.read(
            lambda db: oversight.keys(
                db,
                limit=query.limit + 1,
                before=query.cursor,
                user_id=query.user_id,
                with_revoked=query.with_revoked,
            )
        )
        shown = [to_managed_key(row) for row in found[: query.limit]]
        return reply(ManagedKeys(data=shown, next_cursor=shown[-1].key_id if len(found) > query.limit else None))

    async def revoke_key(self, request: Request) -> Response:
        admin = require_admin(request)
        key_id = path_id(request, "key_id")
        peer = self._authenticator.peer(request.scope)

        def revoke(db: Db, news: News) -> None:
            key = db.get(ApiKey, key_id)
            if key is None:
                raise NotFound("key", key_id)
            audit.record(db, admin, "key.revoke", key_id, {"user_id": key.user_id}, peer.address)
            keys.revoke(db, key.user_id, key_id)
            news.rights_ended(key.user_id, key_id=key_id)

        await self._writes.run(revoke)
        return reply(Nothing())
