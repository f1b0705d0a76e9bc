"""/api/invitations: a user's pending invitations to chats, accepted or declined. Event loop only.

Until it is accepted a chat is in no list, cannot be read and is heard of no further. That somebody has declined is told
to nobody.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.bus.news import News
from bdchat.api.bus.writes import Writes
from bdchat.api.http.endpoints import Endpoint, declared, path_id, reply
from bdchat.api.http.identity import require_user
from bdchat.api.schemas.sessions import SessionView
from bdchat.api.schemas.sharing import ChatInvitationList, ChatInvitationView
from bdchat.store.accounts import users
from bdchat.store.chats import invites as chat_invites
from bdchat.store.chats import sessions
from bdchat.store.chats.sessions import Seen
from bdchat.store.db import Db
from bdchat.store.sql.database import Database


class Invitations:
    def __init__(self, database: Database, writes: Writes) -> None:
        self._database = database
        self._writes = writes

    def routes(self) -> list[Route]:
        one = "/api/invitations/{invitation_id}"
        return declared(
            Endpoint(
                "GET",
                "/api/invitations",
                self.list,
                "Chats that you were asked into, the newest first",
                response=ChatInvitationList,
            ),
            Endpoint("POST", f"{one}/accept", self.accept, "Come into the chat", response=SessionView, errors=(409,)),
            Endpoint("POST", f"{one}/decline", self.decline, "Stay out; who asked is not told", status=204),
        )

    async def list(self, request: Request) -> Response:
        user_id = require_user(request).user_id
        found = await self._database.read(lambda db: chat_invites.waiting_for(db, users.get(db, user_id)))
        return reply(ChatInvitationList(data=[ChatInvitationView.of(*row) for row in found]))

    async def accept(self, request: Request) -> Response:
        user_id, invitation_id = require_user(request).user_id, path_id(request, "invitation_id")

        def accept(db: Db, news: News) -> Seen:
            session = chat_invites.accept(db, users.get(db, user_id), invitation_id)
            owner_id, session_id = session.user_id, session.session_id
            seen = sessions.see(db, user_id, session_id)
            news.session_changed_for(user_id, seen)
            owners = sessions.see(db, owner_id, session_id)
            news.session_changed_for(owner_id, owners)  # who has it open is not alone in it any more
            return seen

        return reply(SessionView.of(await self._writes.run(accept)))

    async def decline(self, request: Request) -> Response:
        user_id, invitation_id = require_user(request).user_id, path_id(request, "invitation_id")
        await self._database.write(lambda db: chat_invites.decline(db, users.get(db, user_id), invitation_id))
        return Response(status_code=204)
