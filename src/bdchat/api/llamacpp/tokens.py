"""POST /v1/tokenize, /v1/detokenize and /v1/apply-template, also without /v1: text ↔ token ids of a model.

A text is as long as what the engine would take as a prompt; what cannot be one is refused before it is tokenised.
"""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.generation.streaming import unless_gone
from bdchat.api.http.endpoints import Endpoint, declared, reply
from bdchat.api.http.identity import require_chat
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.llamacpp import (
    DetokenizedText,
    DetokenizeRequest,
    TemplatedPrompt,
    TokenizeRequest,
    TokenPiece,
    Tokens,
)
from bdchat.engine.engine import Engine
from bdchat.engine.errors import ContextLengthExceeded, InvalidRequest
from bdchat.engine.request import TextPrompt, TokenText
from bdchat.engine.router import Router
from bdchat.settings import LimitSettings

CONTENT = "content"


class TokenTexts:
    def __init__(self, router: Router, limits: LimitSettings) -> None:
        self._router = router
        self._limits = limits

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "POST",
                "/v1/tokenize",
                self.tokenize,
                "A text's tokens",
                body=TokenizeRequest,
                response=Tokens,
                auth="chat",
                errors=(404, 500),
            ),
            Endpoint(
                "POST",
                "/v1/detokenize",
                self.detokenize,
                "What tokens say",
                body=DetokenizeRequest,
                response=DetokenizedText,
                auth="chat",
                errors=(404, 500),
            ),
            Endpoint(
                "POST",
                "/v1/apply-template",
                self.apply_template,
                "The text that the model is shown of a conversation",
                body=ChatCompletionRequest,
                response=TemplatedPrompt,
                auth="chat",
                errors=(404, 500),
            ),
        )

    async def tokenize(self, request: Request) -> Response:
        require_chat(request)
        body = parse(TokenizeRequest, await read_json_body(request), self._limits)
        engine = self._router.engine_for(self._router.asked_for(body.model))
        tokens = await unless_gone(request.receive, _tokens(engine, body))
        if not body.with_pieces:
            return reply(Tokens(tokens=list(tokens)))
        said = await unless_gone(request.receive, engine.detokenize(tokens)) if tokens else None
        return reply(Tokens(tokens=_pieces(tokens, said.pieces if said else ())))

    async def detokenize(self, request: Request) -> Response:
        require_chat(request)
        body = parse(DetokenizeRequest, await read_json_body(request), self._limits)
        engine = self._router.engine_for(self._router.asked_for(body.model))
        said = await unless_gone(request.receive, engine.detokenize(body.tokens))
        return reply(DetokenizedText(content=said.text))

    async def apply_template(self, request: Request) -> Response:
        """The text from which /v1/completions makes the tokens that the conversation has."""
        require_chat(request)
        body = parse(ChatCompletionRequest, await read_json_body(request), self._limits)
        engine = self._router.engine_for(self._router.asked_for(body.model))
        said = await unless_gone(request.receive, _rendered(engine, body))
        return reply(TemplatedPrompt(prompt=said.text))


async def _tokens(engine: Engine, body: TokenizeRequest) -> tuple[int, ...]:
    adds, parses = body.add_special is True, body.parse_special is not False
    try:
        return await engine.tokenize(TextPrompt(text=body.content, adds_special=adds, parses_special=parses))
    except ContextLengthExceeded as error:
        raise ContextLengthExceeded(error.num_prompt_tokens, error.n_ctx, CONTENT) from None
    except InvalidRequest as error:
        if not body.content:
            return ()  # a prompt must have a token, a text need not
        raise InvalidRequest(CONTENT, error.reason, code=error.code) from None


async def _rendered(engine: Engine, body: ChatCompletionRequest) -> TokenText:
    return await engine.detokenize(await engine.tokenize(body.to_generation_request("template").prompt))


def _pieces(tokens: Sequence[int], pieces: Sequence[bytes]) -> list[TokenPiece]:
    return [TokenPiece(id=token, piece=_written(piece)) for token, piece in zip(tokens, pieces, strict=True)]


def _written(piece: bytes) -> str | list[int]:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return list(piece)
