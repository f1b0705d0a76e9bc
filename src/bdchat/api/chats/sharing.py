"""Sharing a session: members by name, read-only links, and the view that a link opens. Event loop only.

Only the owner invites and makes links; a member may leave. Who is invited comes in by accepting (invitations.py);
whether a name is anybody's is told by no answer and no time. /api/shared/{token} is open to whoever has the token, of
which only the SHA-256 is stored; for everything that opens nothing it says 404.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.auth.attempts import Attempts
from bdchat.api.auth.authenticator import Authenticator
from bdchat.api.auth.right_watch import rests_on_link
from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.chats.messages import contents_of, long_texts
from bdchat.api.http.endpoints import Endpoint, declared, path_id, read_query, reply
from bdchat.api.http.errors import TooManyAttempts
from bdchat.api.http.identity import require_user
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.long_answer import LongAnswer, long_reply
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.sharing import (
    ChatInvitationView,
    LinkList,
    LinkView,
    MemberList,
    MemberView,
    NewLink,
    NewLinkView,
    NewMember,
    PersonList,
    PersonView,
    SharedMessage,
    SharedQuery,
    SharedSession,
)
from bdchat.settings import Settings
from bdchat.store.accounts import users
from bdchat.store.chats import invites as chat_invites
from bdchat.store.chats import messages, sessions, sharing
from bdchat.store.db import Db
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.sql.database import Database
from bdchat.store.tables import ChatSession, ShareLink, User

DAY_MS = 86_400_000
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # 256 bits


@dataclass(frozen=True, slots=True)
class _Put:
    """What came of a name."""

    view: MemberView
    is_member: bool = False
    is_new: bool = False


class Sharing:
    def __init__(self, settings: Settings, database: Database, writes: Writes, authenticator: Authenticator) -> None:
        self._database = database
        self._writes = writes
        self._limits = settings.limits
        self._authenticator = authenticator
        self._wrong_tokens = Attempts(settings.auth.attempts_per_address)
        self._sent = Attempts(settings.auth.invitations_per_day, window_s=DAY_MS / 1000)  # by account

    def routes(self) -> list[Route]:
        members, links = "/api/sessions/{session_id}/members", "/api/sessions/{session_id}/links"
        return declared(
            Endpoint("GET", members, self.list_members, "Who is invited", response=MemberList),
            Endpoint(
                "POST",
                members,
                self.put_member,
                "Invite somebody, or change what they may",
                body=NewMember,
                response=MemberView,
                also=(202,),
                errors=(409,),
                description="202: the name was asked. That says nothing of whether anybody has it, or will accept.",
            ),
            Endpoint("DELETE", f"{members}/{{user_id}}", self.remove_member, "End a membership, or leave", status=204),
            Endpoint(
                "DELETE",
                "/api/sessions/{session_id}/invitations/{invitation_id}",
                self.withdraw,
                "Withdraw an invitation",
                status=204,
            ),
            Endpoint(
                "GET",
                "/api/people",
                self.list_people,
                "Those whom you share a chat with; nobody else is named",
                response=PersonList,
            ),
            Endpoint("GET", links, self.list_links, "Read-only links", response=LinkList),
            Endpoint(
                "POST",
                links,
                self.create_link,
                "Make a read-only link; its token is shown this once",
                body=NewLink,
                response=NewLinkView,
                status=201,
                errors=(409,),
            ),
            Endpoint("DELETE", f"{links}/{{link_id}}", self.revoke_link, "Revoke a link", status=204),
            Endpoint(
                "GET",
                "/api/shared/{token}",
                self.show,
                "What a link shows",
                query=SharedQuery,
                response=SharedSession,
                auth="open",
                errors=(429,),
            ),
        )

    # --- members ------------------------------------------------------------------------------------------------------

    async def list_members(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")

        def read(db: Db) -> list[MemberView]:
            sessions.get_owned(db, user_id, session_id)
            there = [MemberView.of(member, user) for member, user in sharing.members(db, session_id)]
            return there + [MemberView.asked(invite) for invite in chat_invites.of_chat(db, session_id)]

        return reply(MemberList(data=await self._database.read(read)))

    async def put_member(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        body = parse(NewMember, await read_json_body(request), self._limits)

        left_s = self._sent.left_s(user_id)
        if left_s is None:
            self._sent.count(user_id)  # before it is made: many at once are not all let through
        is_new = False
        try:
            done = await self._writes.run(lambda db, news: _put(db, news, user_id, session_id, body, left_s))
            is_new = done.is_new
        finally:
            if left_s is None and not is_new:
                self._sent.give_back(user_id)
        return reply(done.view, status=200 if done.is_member else 202)

    async def withdraw(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        invitation_id = path_id(request, "invitation_id")

        def withdraw(db: Db) -> None:
            sessions.get_owned(db, user_id, session_id)
            chat_invites.withdraw(db, session_id, invitation_id)

        await self._database.write(withdraw)
        return Response(status_code=204)

    async def remove_member(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        member_id = path_id(request, "user_id")

        def remove(db: Db, news: News) -> None:
            if member_id == user_id:
                sessions.get_readable(db, user_id, session_id)
            else:
                sessions.get_owned(db, user_id, session_id)
            sharing.remove_member(db, session_id, member_id)
            news.member_left(session_id, member_id)

        await self._writes.run(remove)
        return Response(status_code=204)

    async def list_people(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        found = await self._database.read(lambda db: sharing.companions(db, user_id))
        return reply(PersonList(data=[PersonView.of(user) for user in found]))

    # --- links --------------------------------------------------------------------------------------------------------

    async def list_links(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")

        def read(db: Db) -> list[LinkView]:
            sessions.get_owned(db, user_id, session_id)
            return [LinkView.of(link) for link in sharing.links(db, session_id)]

        return reply(LinkList(data=await self._database.read(read)))

    async def create_link(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        body = parse(NewLink, await read_json_body(request), self._limits)
        token = secrets.token_urlsafe(32)
        days = body.expires_in_days
        expires_at_ms = now_ms() + days * DAY_MS if days is not None else None

        def create(db: Db) -> ShareLink:
            sessions.get_owned(db, user_id, session_id)
            return sharing.create_link(db, session_id, token_hash=_hash(token), expires_at_ms=expires_at_ms)

        link = await self._database.write(create)
        shown = LinkView.of(link).model_dump()
        return reply(NewLinkView(**shown, token=token, path=f"/api/shared/{token}"), status=201)

    async def revoke_link(self, request: Request) -> Response:
        user_id, session_id = require_user(request).user_id, path_id(request, "session_id")
        link_id = path_id(request, "link_id")

        def revoke(db: Db, news: News) -> None:
            sessions.get_owned(db, user_id, session_id)
            sharing.revoke_link(db, session_id, link_id)
            news.link_revoked(link_id)

        await self._writes.run(revoke)
        return Response(status_code=204)

    async def show(self, request: Request) -> Response:
        """A token that opens nothing is counted by address; one that does always opens: it is no guess."""
        token = str(request.path_params["token"])
        query = read_query(SharedQuery, request, self._limits)
        try:
            if not TOKEN.fullmatch(token):
                raise NotFound("link")
            session, _, link = await self._opened(token)
            rests_on_link(request, link, session.user_id, check=lambda: self._opened(token))
            return await long_reply(request, self._database, lambda db: _shared(db, token, query))
        except NotFound:
            self._wrong_tokens.take(self._authenticator.peer(request.scope).limited_as)
            raise

    async def _opened(self, token: str) -> tuple[ChatSession, User, ShareLink]:
        """Raises NotFound."""
        return await self._database.read(lambda db: sharing.opened_by(db, _hash(token)))


def _put(  # noqa: PLR0917
    db: Db, news: News, user_id: str, session_id: str, body: NewMember, left_s: float | None
) -> _Put:
    """The same queries for a name that somebody has and for one that nobody has. `left_s`: until one more may be asked.
    Raises NotFound, NotAllowed, Conflict, TooManyAttempts."""
    session = sessions.get_owned(db, user_id, session_id)
    owner, key = users.get(db, user_id), users.username_key(body.username)
    if key == owner.username_key:
        raise Conflict("The owner is in the session already.", code="owner_is_there", param="username")
    if (there := sharing.member_named(db, session_id, key)) is not None:
        member = sharing.put_member(db, session, there, body.role)
        news.session_changed_for(there.user_id, sessions.see(db, there.user_id, session_id))
        return _Put(MemberView.of(member, there), is_member=True)
    invite, is_new = chat_invites.put(db, session, body.username, body.role)
    if is_new and left_s is not None:
        raise TooManyAttempts(left_s)
    invited = users.by_name(db, body.username)
    hears = is_new and invited is not None and not invited.is_disabled
    told_id = invited.user_id if hears and invited is not None else new_id()  # nobody's: told at the same cost
    news.invited(told_id, ChatInvitationView.of(invite, session, owner))
    return _Put(MemberView.asked(invite), is_new=is_new)


def _shared(db: Db, token: str, query: SharedQuery) -> LongAnswer:
    session, owner, _ = sharing.opened_by(db, _hash(token))
    head_id = session.head_message_id
    page = messages.path(db, session.session_id, head_id, limit=query.limit, before=query.before)
    is_whole = not page or page[0].message.parent_id is None
    shown = [entry for entry in page if entry.message.role != "system"]
    document = SharedSession(
        title=session.title,
        owner_name=owner.display_name or owner.username,
        updated_at_ms=session.updated_at_ms,
        data=[SharedMessage.of(entry) for entry in shown],
        next_cursor=None if is_whole else page[0].message.message_id,
    ).model_dump()
    texts = long_texts(document["data"], contents_of(shown))
    return LongAnswer(document, texts, lambda db: sharing.opened_by(db, _hash(token)))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
