"""A chat request, whatever wire it came by → a generation that is not stored: it ends when its client leaves."""

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from bdchat.api.citations.passage import PromptPassage
from bdchat.api.documents.questions import DocumentQuestions
from bdchat.api.generation.answer_reading import Reading
from bdchat.api.generation.service import GenerationGroup, GenerationService
from bdchat.api.generation.streaming import accept, unless_gone
from bdchat.api.http.identity import Identity
from bdchat.api.schemas.chat import ChatCompletionRequest
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
        group = GenerationGroup(self._generations, engine, [generation_request], width=1, user_id=identity.user_id)
        await accept(request, group)
        info = engine.info
        reading = Reading.of(generation_request.prompt, **body.wanted_of_parts)
        if info is not None:
            reading = reading.by(info.answer_format, opens_thought=False)  # Accepted tells of this prompt
        return BareAnswer(
            group=group,
            request=generation_request,
            reading=reading,
            created=int(time.time()),
            model=info.model_id if info else body.model or "",
            fingerprint=info.fingerprint if info else None,
            passages=passages,
        )
