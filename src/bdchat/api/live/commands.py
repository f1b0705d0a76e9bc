"""Commands of a socket's client on the answers in its session: frames in, DurableGenerations called, `accepted` out.
Event loop.

Ids in a frame name what is in this socket's session; of others, its user's own included, there is nothing here.
"""

import re

from bdchat.api.durable.service import DurableGenerations, StartedGeneration, request_of
from bdchat.api.http.errors import UnsupportedParameter
from bdchat.api.http.identity import Identity
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.live import Accepted, ChatMessage, Continue, Edit, Regenerate
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import LimitSettings
from bdchat.store.chats import generations, messages
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database

Command = ChatMessage | Edit | Regenerate | Continue


class Commands:
    """Of one socket."""

    def __init__(
        self,
        durable: DurableGenerations,
        database: Database,
        limits: LimitSettings,
        *,
        identity: Identity,
        session_id: str,
    ) -> None:
        self._durable = durable
        self._database = database
        self._limits = limits
        self._identity = identity
        self._session_id = session_id

    async def stop(self, generation_id: str) -> None:
        """Raises NotFound, NotAllowed."""
        if await self._database.read(lambda db: generations.get(db, generation_id).session_id) != self._session_id:
            raise NotFound("completion", generation_id)
        await self._durable.stop(self._identity, generation_id)

    async def handle(self, frame: Command) -> Accepted:
        """Raises what the error table knows. Whoever stops waiting stops nothing: what has begun is finished."""
        try:
            started = await self._begin(frame)
        except (InvalidRequest, UnsupportedParameter) as error:
            raise _as_named_in(frame, error) from error
        return Accepted(
            answers=frame.type,
            client_message_id=getattr(frame, "client_message_id", None),
            generation_id=started.generation_id,
            message_id=started.message_id,
            user_message_id=started.user_message_id,
            is_new=started.is_new,
        )

    async def _begin(self, frame: Command) -> StartedGeneration:
        if isinstance(frame, ChatMessage):
            return await self._durable.begin(self._identity, self._request(frame))
        message_id = frame.message_id
        await self._database.read(lambda db: messages.get_in(db, self._session_id, message_id))
        if isinstance(frame, Edit):
            return await self._durable.edit(
                self._identity,
                message_id,
                frame.content,
                client_message_id=frame.client_message_id,
                params=frame.params,
            )
        if isinstance(frame, Regenerate):
            return await self._durable.regenerate(self._identity, message_id, params=frame.params)
        return await self._durable.go_on(self._identity, message_id)

    def _request(self, frame: ChatMessage) -> ChatCompletionRequest:
        place = {
            "session_id": self._session_id,
            "parent_id": None if frame.is_below_head else frame.parent_id or "",
            "client_message_id": frame.client_message_id,
        }
        metadata = {name: value for name, value in place.items() if value is not None}
        return request_of(frame.params, frame.content, self._limits, metadata=metadata)


def _as_named_in(frame: Command, error: InvalidRequest | UnsupportedParameter) -> Exception:
    """A field of /v1/chat/completions is one of `params` here."""
    name = re.split(r"[.\[]", error.param, maxsplit=1)[0]
    if isinstance(frame, Continue) or name not in frame.params:
        return error
    return type(error)(f"params.{error.param}", error.reason)
