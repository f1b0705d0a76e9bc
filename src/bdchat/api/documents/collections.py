"""/api/collections: documents under one name, for several people. Event loop only; each handler is one transaction.

Members are found among those whom the owner shares a chat with: for every other name, somebody's or nobody's, the
answer is the same.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.documents.telling import CollectionViews, DocumentViews, delete_collection
from bdchat.api.http.endpoints import Endpoint, declared, path_id, reply
from bdchat.api.http.identity import require_user
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.collections import (
    CollectionChanges,
    CollectionList,
    CollectionMemberList,
    CollectionMemberView,
    CollectionView,
    NewCollection,
    NewCollectionMember,
)
from bdchat.settings import LimitSettings
from bdchat.store.accounts import audit, users
from bdchat.store.chats import sharing
from bdchat.store.db import Db
from bdchat.store.document_tables import Collection
from bdchat.store.documents import collections, documents
from bdchat.store.documents.listing import people, shown
from bdchat.store.errors import NotAllowed, NotFound
from bdchat.store.sql.database import Database

ALL = "/api/collections"
ONE = f"{ALL}/{{collection_id}}"
ME = "me"
MAX_USERNAME_CHARS = 64


class Collections:
    def __init__(
        self,
        limits: LimitSettings,
        database: Database,
        writes: Writes,
        *,
        views: CollectionViews,
        document_views: DocumentViews,
    ) -> None:
        self._limits = limits
        self._database = database
        self._writes = writes
        self._views = views
        self._document_views = document_views

    def routes(self) -> list[Route]:
        of_document, of_member = f"{ONE}/documents/{{document_id}}", f"{ONE}/members/{{username}}"
        view = CollectionView
        return declared(
            Endpoint("GET", ALL, self.list, "Collections that you see, by name", response=CollectionList),
            Endpoint("POST", ALL, self.create, "Make a collection", body=NewCollection, response=view, status=201),
            Endpoint("GET", ONE, self.show, "A collection", response=view),
            Endpoint("PATCH", ONE, self.change, "Rename, describe", body=CollectionChanges, response=view),
            Endpoint(
                "DELETE",
                ONE,
                self.delete,
                "Delete a collection, not its documents; it can be restored for 30 days (store.undo_days)",
                status=204,
            ),
            Endpoint("POST", f"{ONE}/restore", self.restore, "Bring a deleted collection back", response=view),
            Endpoint("PUT", of_document, self.put_document, "Put a document in", response=view, errors=(409,)),
            Endpoint("DELETE", of_document, self.take_document, "Take a document out", response=view),
            Endpoint(
                "GET", f"{ONE}/members", self.members, "Who sees it beside its owner", response=CollectionMemberList
            ),
            Endpoint(
                "PUT",
                of_member,
                self.put_member,
                "Let somebody in whom you share a chat with, or change what they may",
                body=NewCollectionMember,
                response=CollectionMemberView,
                errors=(409,),
                description="404 for every name that is not among /api/people, whether anybody has it or not.",
            ),
            Endpoint("DELETE", of_member, self.remove_member, "End a membership; `me`: leave", status=204),
        )

    # --- collections --------------------------------------------------------------------------------------------------

    async def list(self, request: Request) -> Response:
        user_id = require_user(request).user_id

        def read(db: Db) -> CollectionList:
            return CollectionList(data=[CollectionView.of(each) for each in collections.listing(db, user_id)])

        return reply(await self._database.read(read))

    async def create(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        body = parse(NewCollection, await read_json_body(request), self._limits)

        def create(db: Db, news: News) -> CollectionView:
            collection = collections.create(db, user_id, body.name, body.description)
            self._views.tell(db, news, collection)
            return self._views.one(db, user_id, collection.collection_id)

        return reply(await self._writes.run(create), status=201)

    async def show(self, request: Request) -> Response:
        user_id, collection_id = require_user(request).user_id, path_id(request, "collection_id")

        def read(db: Db) -> CollectionView:
            return self._views.one(db, user_id, collection_id)

        return reply(await self._database.read(read))

    async def change(self, request: Request) -> Response:
        require_user(request)
        changes = parse(CollectionChanges, await read_json_body(request), self._limits).to_columns()

        def change(db: Db, user_id: str, collection_id: str) -> Collection:
            collection = collections.get_owned(db, user_id, collection_id)
            collections.change(db, collection, changes)
            return collection

        return await self._changed(request, change)

    async def restore(self, request: Request) -> Response:
        def restore(db: Db, user_id: str, collection_id: str) -> Collection:
            collection = collections.get_owned(db, user_id, collection_id, is_deleted=True)
            collections.restore(db, collection)
            return collection

        return await self._changed(request, restore)

    async def delete(self, request: Request) -> Response:
        user_id, collection_id = require_user(request).user_id, path_id(request, "collection_id")

        def delete(db: Db, news: News) -> None:
            delete_collection(db, news, collections.get_owned(db, user_id, collection_id))

        await self._writes.run(delete)
        return Response(status_code=204)

    async def _changed(self, request: Request, change: Callable[[Db, str, str], Collection]) -> Response:
        user_id, collection_id = require_user(request).user_id, path_id(request, "collection_id")

        def run(db: Db, news: News) -> CollectionView:
            collection = change(db, user_id, collection_id)
            self._views.tell(db, news, collection)
            return self._views.one(db, user_id, collection_id)

        return reply(await self._writes.run(run))

    # --- their documents ----------------------------------------------------------------------------------------------

    async def put_document(self, request: Request) -> Response:
        return await self._move(request, collections.put_document)

    async def take_document(self, request: Request) -> Response:
        return await self._move(request, collections.take_document)

    async def _move(self, request: Request, move: Callable[[Db, str, str, str], object]) -> Response:
        """All who see the document, before or after, are told."""
        user_id, collection_id = require_user(request).user_id, path_id(request, "collection_id")
        document_id = path_id(request, "document_id")

        def run(db: Db, news: News) -> CollectionView:
            document = documents.get(db, document_id, user_id)
            before = shown.audience(db, document)
            move(db, user_id, collection_id, document_id)
            collection = collections.see(db, user_id, collection_id).collection
            views = self._document_views.to_all(db, document)
            news.document_changed(views)
            news.document_deleted(document_id, [each for each in before if each not in views])
            self._views.tell(db, news, collection)
            return self._views.one(db, user_id, collection_id)

        return reply(await self._writes.run(run))

    # --- members ------------------------------------------------------------------------------------------------------

    async def members(self, request: Request) -> Response:
        user_id, collection_id = require_user(request).user_id, path_id(request, "collection_id")

        def read(db: Db) -> CollectionMemberList:
            collections.see(db, user_id, collection_id)
            found = collections.members(db, collection_id)
            return CollectionMemberList(data=[CollectionMemberView.of(member, user) for member, user in found])

        return reply(await self._database.read(read))

    async def put_member(self, request: Request) -> Response:
        identity, collection_id = require_user(request), path_id(request, "collection_id")
        user_id, key = identity.user_id, _username_key(request)
        role = parse(NewCollectionMember, await read_json_body(request), self._limits).role

        def put(db: Db, news: News) -> CollectionMemberView:
            collection = collections.get_owned(db, user_id, collection_id)
            user = sharing.companion_named(db, user_id, key)
            member = collections.put_member(db, collection, user, role)
            assert member is not None  # nobody is a companion of their own
            audit.record(db, identity, "collection.share", collection_id, {"username": user.username})
            self._views.tell(db, news, collection)
            return CollectionMemberView.of(member, user)

        return reply(await self._writes.run(put))

    async def remove_member(self, request: Request) -> Response:
        identity, collection_id = require_user(request), path_id(request, "collection_id")
        user_id = identity.user_id
        name, key = str(request.path_params["username"]), _username_key(request)

        def remove(db: Db, news: News) -> None:
            collection = collections.see(db, user_id, collection_id).collection
            if collection.user_id == user_id:
                member_id = people.member_named(db, collection_id, key).user_id
            elif name == ME:
                member_id = user_id
            else:
                raise NotAllowed("Only the collection's owner may do that.", code="owner_only")
            collections.remove_member(db, collection, member_id)
            audit.record(
                db, identity, "collection.unshare", collection_id, {"username": users.get(db, member_id).username}
            )
            news.collection_deleted(collection_id, [member_id])
            self._views.tell(db, news, collection)

        await self._writes.run(remove)
        return Response(status_code=204)


def _username_key(request: Request) -> str:
    """Raises NotFound for what cannot be a name."""
    name = str(request.path_params["username"])
    if not 0 < len(name) <= MAX_USERNAME_CHARS or "\x00" in name:
        raise NotFound("person")
    return users.username_key(name)
