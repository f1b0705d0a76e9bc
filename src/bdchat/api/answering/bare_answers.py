"""A chat request, whatever wire it came by → a generation that is not stored: it ends when its client leaves."""

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request

from bdchat.api.citations.passage import PromptPassage
from bdchat.api.documents.questions import DocumentQuestions
from bdchat.api.generation.answer_reading import Reading
from bdchat.api.generation.service import GenerationGroup, GenerationService
from bdchat.api.generation.streaming import accept, unless_gone
from bdchat.api.http.identity import Identity
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.completions import CompletionRequest
from bdchat.engine.engine import Engine
from bdchat.engine.request import GenerationRequest
from bdchat.engine.router import Router
from bdchat.settings import Settings

Fit = Callable[[Engine, GenerationRequest], Coroutine[Any, Any, GenerationRequest]]


@dataclass(frozen=True, slots=True)
class BareAnswer:
    """`group` belongs to whoever answers with it: StreamResponse and `complete` end it."""

    group: GenerationGroup
    request: GenerationRequest
    reading: Reading  # how its text is read
    created: int  # seconds since 1970
    model: str
    fingerprint: str | None
    passages: tuple[PromptPassage, ...] = ()  # of documents, that the prompt was given


class BareAnswers:
    def __init__(
        self,
        router: Router,
        generations: GenerationService,
        settings: Settings,
        questions: DocumentQuestions | None = None,
    ) -> None:
        self._router = router
        self._generations = generations
        self._sampling_source = settings.generations.sampling_defaults
        self._questions = questions

    def meant(self, body: ChatCompletionRequest, identity: Identity) -> ChatCompletionRequest:
        """With the model and the class that it has where it does not say. Raises ModelNotFound."""
        return body.naming(self._router.asked_for(body.model)).asked_by(identity)

    def prepared(self, body: ChatCompletionRequest, answer_id: str) -> tuple[Engine, GenerationRequest]:
        """Of what is `meant`. Raises ModelNotFound."""
        engine = self._router.engine_for(body.model)
        body = body.with_defaults(engine.sampling_defaults, self._sampling_source)
        return engine, body.to_generation_request(answer_id)

    async def begin(
        self,
        request: Request,
        identity: Identity,
        body: ChatCompletionRequest,
        answer_id: str,
        *,
        fit: Fit | None = None,
    ) -> BareAnswer:
        """`body` as it is `meant`; `fit` may shorten it. Returns when the engine has accepted it; what refuses it is
        raised."""
        engine, generation_request = self.prepared(body, answer_id)
        if fit is not None:
            generation_request = await unless_gone(request.receive, fit(engine, generation_request))
        passages: tuple[PromptPassage, ...] = ()
        if (asked := body.asked_documents) and self._questions is not None:
            material = await self._questions.material(identity.user_id, asked, body.messages[-1].content or "")
            if material is not None:
                asking = self._questions.outside_chats(engine, generation_request, material)
                generation_request, found = await unless_gone(request.receive, asking)
                passages = tuple(found)
        reading = Reading.of(generation_request.prompt, **body.wanted_of_parts)
        answer = await self._launched(request, identity, engine, generation_request, reading)
        return replace(answer, model=answer.model or body.model or "", passages=passages)

    async def begin_text(
        self, request: Request, identity: Identity, body: CompletionRequest, answer_id: str
    ) -> BareAnswer:
        """Of one prompt without a chat template: its text is told as it is."""
        body = body.naming(self._router.asked_for(body.model)).asked_by(identity)
        engine = self._router.engine_for(body.model)
        body = body.with_defaults(engine.sampling_defaults, self._sampling_source)
        (generation_request,) = body.to_generation_requests(answer_id)
        answer = await self._launched(request, identity, engine, generation_request, Reading(splits_thoughts=False))
        return replace(answer, model=answer.model or body.model or "")

    async def _launched(
        self,
        request: Request,
        identity: Identity,
        engine: Engine,
        generation_request: GenerationRequest,
        reading: Reading,
    ) -> BareAnswer:
        group = GenerationGroup(self._generations, engine, [generation_request], width=1, user_id=identity.user_id)
        await accept(request, group)
        info = engine.info
        if info is not None and reading.splits_thoughts:
            reading = reading.by(info.answer_format, opens_thought=False)  # Accepted tells of this prompt
        return BareAnswer(
            group=group,
            request=generation_request,
            reading=reading,
            created=int(time.time()),
            model=info.model_id if info else "",
            fingerprint=info.fingerprint if info else None,
        )
