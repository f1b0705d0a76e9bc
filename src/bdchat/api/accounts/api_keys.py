"""/api/keys: a user's own API keys. Made, changed and revoked by somebody who signed in; never by a key."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.auth.authenticator import DAY_MS, KEY_PREFIX, Authenticator, new_token, token_hash
from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.http.endpoints import Endpoint, Nothing, declared, path_id, reply
from bdchat.api.http.errors import Forbidden
from bdchat.api.http.identity import require_login
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.accounts import CreatedKey, KeyChange, KeyList, KeyView, NewKey, key_fields
from bdchat.settings import LimitSettings
from bdchat.store.accounts import audit, keys
from bdchat.store.db import Db
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import ApiKey

SHOWN_CHARS = len(KEY_PREFIX) + 6  # enough to tell keys apart, far too little to guess one
BODY_BYTES = 16 * 1024


class ApiKeys:
    def __init__(self, limits: LimitSettings, database: Database, writes: Writes, authenticator: Authenticator) -> None:
        self._limits = limits
        self._database = database
        self._writes = writes
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        return declared(
            Endpoint("GET", "/api/keys", self.list, "Your API keys, newest first", response=KeyList),
            Endpoint(
                "POST",
                "/api/keys",
                self.create,
                "Make an API key; it is shown this once",
                body=NewKey,
                response=CreatedKey,
                status=201,
                errors=(409,),
            ),
            Endpoint("PATCH", "/api/keys/{key_id}", self.change, "Rename a key", body=KeyChange, response=KeyView),
            Endpoint("DELETE", "/api/keys/{key_id}", self.revoke, "Revoke a key, at once", response=Nothing),
        )

    async def list(self, request: Request) -> Response:
        identity = require_login(request)
        found = await self._database.read(lambda db: keys.list_of(db, identity.user_id))
        return reply(KeyList(data=[KeyView(**key_fields(key)) for key in found]))

    async def create(self, request: Request) -> Response:
        identity = require_login(request)
        body = parse(NewKey, await read_json_body(request, limit_bytes=BODY_BYTES), self._limits)
        if "admin" in body.scopes and not identity.is_admin:
            raise Forbidden("Only an admin's key may have the scope 'admin'.")
        peer = self._authenticator.peer(request.scope)
        secret = new_token(KEY_PREFIX)
        lifetime_ms = body.expires_in_days * DAY_MS if body.expires_in_days is not None else None

        def create(db: Db) -> ApiKey:
            key = keys.create(
                db,
                identity.user_id,
                key_hash=token_hash(secret),
                prefix=secret[:SHOWN_CHARS],
                name=body.name,
                scopes=set(body.scopes),
                expires_at_ms=None if lifetime_ms is None else now_ms() + lifetime_ms,
                is_bulk=body.is_bulk,
            )
            detail = {"scopes": key.scopes} | ({"is_bulk": True} if key.is_bulk else {})
            audit.record(db, identity, "key.create", key.key_id, detail, peer.address)
            return key

        key = await self._database.write(create)
        return reply(CreatedKey(**key_fields(key), key=secret), status=201)

    async def change(self, request: Request) -> Response:
        identity = require_login(request)
        key_id = path_id(request, "key_id")
        body = parse(KeyChange, await read_json_body(request, limit_bytes=BODY_BYTES), self._limits)
        key = await self._database.write(lambda db: keys.rename(db, identity.user_id, key_id, body.name))
        return reply(KeyView(**key_fields(key)))

    async def revoke(self, request: Request) -> Response:
        identity = require_login(request)
        key_id = path_id(request, "key_id")
        peer = self._authenticator.peer(request.scope)

        def revoke(db: Db, news: News) -> None:
            keys.revoke(db, identity.user_id, key_id)
            audit.record(db, identity, "key.revoke", key_id, ip=peer.address)
            news.rights_ended(identity.user_id, key_id=key_id)

        await self._writes.run(revoke)
        return reply(Nothing())
