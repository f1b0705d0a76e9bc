"""POST /api/messages/{id}/regenerate, /continue and /edit: actions on a chat's answers.

Each begins an answer and returns at once (202); its events are at /v1/chat/completions/{generation_id}/events and on
the chat's socket. Event loop only.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.durable.service import DurableGenerations, StartedGeneration
from bdchat.api.http.endpoints import Endpoint, declared, path_id, reply
from bdchat.api.http.identity import require_user
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.stored import EditBody, RegenerateBody, StartedView
from bdchat.settings import LimitSettings

BEGUN = 202
ERRORS = (403, 404, 409)


class AnswerActions:
    def __init__(self, durable: DurableGenerations, limits: LimitSettings) -> None:
        self._durable = durable
        self._limits = limits

    def routes(self) -> list[Route]:
        one = "/api/messages/{message_id}"
        return declared(
            Endpoint(
                "POST",
                f"{one}/regenerate",
                self.regenerate,
                "Another answer beside this one",
                body=RegenerateBody,
                response=StartedView,
                status=BEGUN,
                errors=ERRORS,
            ),
            Endpoint(
                "POST",
                f"{one}/continue",
                self.go_on,
                "The answer goes on where it was cut off",
                response=StartedView,
                status=BEGUN,
                errors=ERRORS,
            ),
            Endpoint(
                "POST",
                f"{one}/edit",
                self.edit,
                "The message said otherwise, beside this one, and an answer to it",
                body=EditBody,
                response=StartedView,
                status=BEGUN,
                errors=ERRORS,
            ),
        )

    async def regenerate(self, request: Request) -> Response:
        identity, message_id = require_user(request), path_id(request, "message_id")
        body = parse(RegenerateBody, await read_json_body(request), self._limits)
        started = await self._durable.regenerate(identity, message_id, params=body.params)
        return reply(_view(started), status=BEGUN)

    async def go_on(self, request: Request) -> Response:
        started = await self._durable.go_on(require_user(request), path_id(request, "message_id"))
        return reply(_view(started), status=BEGUN)

    async def edit(self, request: Request) -> Response:
        identity, message_id = require_user(request), path_id(request, "message_id")
        body = parse(EditBody, await read_json_body(request), self._limits)
        started = await self._durable.edit(
            identity,
            message_id,
            body.content,
            client_message_id=body.client_message_id,
            params=body.params,
            answers=body.answers,
        )
        return reply(_view(started), status=BEGUN)


def _view(started: StartedGeneration) -> StartedView:
    return StartedView(
        generation_id=started.generation_id or None,
        session_id=started.session_id,
        message_id=started.message_id,
        user_message_id=started.user_message_id,
        is_new=started.is_new,
    )
