"""The routes of OpenAI's wire and their aliases under /api/llm. Pure."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.http.endpoints import JSON, Endpoint, declared
from bdchat.api.http.identity import require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.openai.chat import ChatCompletions
from bdchat.api.openai.completions import Completions
from bdchat.api.openai.models import Models
from bdchat.api.openai.stored_completions import StoredCompletions
from bdchat.api.schemas.answers import ChatCompletion, TextCompletion
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.completions import CompletionRequest
from bdchat.api.schemas.llm import GenerateRequest
from bdchat.api.schemas.models import Model, ModelList
from bdchat.settings import LimitSettings

ANSWER_MEDIA = (JSON, "text/event-stream")  # the second with stream: true
ANSWER_ERRORS = (404, 409, 500)  # a model or session that is not there, a parent that is being written, a broken engine


def openai_routes(
    chat: ChatCompletions, completions: Completions, models: Models, stored: StoredCompletions
) -> list[Route]:
    return declared(
        Endpoint(
            "POST",
            "/v1/chat/completions",
            chat.create,
            "Answer a conversation",
            body=ChatCompletionRequest,
            response=ChatCompletion,
            response_media=ANSWER_MEDIA,
            auth="chat",
            errors=ANSWER_ERRORS,
            description="OpenAI's chat completions; with stream: true as server-sent events.",
        ),
        *stored.endpoints(),
        Endpoint(
            "POST",
            "/v1/completions",
            completions.create,
            "Go on with a text",
            body=CompletionRequest,
            response=TextCompletion,
            response_media=ANSWER_MEDIA,
            auth="chat",
            errors=ANSWER_ERRORS,
        ),
        Endpoint("GET", "/v1/models", models.list, "The models", response=ModelList, auth="chat"),
        Endpoint("GET", "/v1/models/{model_id:path}", models.retrieve, "A model", response=Model, auth="chat"),
    )


def llm_routes(chat: ChatCompletions, models: Models, limits: LimitSettings) -> list[Route]:
    """Thin aliases: the same handlers behind other paths."""

    async def generate(request: Request) -> Response:
        require_chat(request)
        body = parse(GenerateRequest, await read_json_body(request), limits)
        return await chat.answer(request, body.to_chat_request())

    return declared(
        Endpoint(
            "POST",
            "/api/llm/generate",
            generate,
            "Answer a prompt, in a session if one is named",
            body=GenerateRequest,
            response=ChatCompletion,
            response_media=ANSWER_MEDIA,
            auth="chat",
            errors=ANSWER_ERRORS,
            description=(
                "POST /v1/chat/completions said shorter: `prompt` or `message` is the turn, `session_id` the session it"
                " is written into."
            ),
        ),
        Endpoint("GET", "/api/llm/models", models.list, "The models", response=ModelList, auth="chat"),
    )
