"""What is asked of an engine process beside generations: of a prompt, of tokens, vectors of texts. Event loop only."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, cast

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.inspection import PromptSurvey
from bdchat.engine.local.inflight import UNENCODABLE, InflightEmbedding, Question
from bdchat.engine.request import EmbeddingRequest, Embeddings, Prompt, TokenText
from bdchat.engine.wire import Detokenize, Embed, Survey, Tokenize


class Questions:
    """`enter` takes one in, or raises why not; `leave` hears that nobody waits for it any more."""

    def __init__(self, enter: Callable[[Question], None], leave: Callable[[Question], None]) -> None:
        self._enter = enter
        self._leave = leave
        self._numbers = itertools.count()

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        return cast(Embeddings, await self._ask(Embed(request=request), request.field))

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        tokens: tuple[int, ...] = await self._ask(Tokenize(request_id=self._new_id(), prompt=prompt), "prompt")
        return tokens

    async def detokenize(self, tokens: Sequence[int]) -> TokenText:
        said: TokenText = await self._ask(Detokenize(request_id=self._new_id(), tokens=tuple(tokens)), "tokens")
        return said

    async def survey(self, prompt: Prompt) -> PromptSurvey:
        survey: PromptSurvey = await self._ask(Survey(request_id=self._new_id(), prompt=prompt), "prompt")
        return survey

    def _new_id(self) -> str:
        return f"question-{next(self._numbers)}"

    async def _ask(self, command: Tokenize | Detokenize | Survey | Embed, field: str) -> Any:
        try:
            question = InflightEmbedding(command.request) if isinstance(command, Embed) else Question(command)
        except UNENCODABLE as error:
            raise InvalidRequest(field, f"cannot be represented ({type(error).__name__})") from error
        self._enter(question)
        try:
            return await question.answer
        finally:
            self._leave(question)
