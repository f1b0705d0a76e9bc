"""Makes run plans of stored answers: from a request and its place in a chat, or from a stored row.

Reads the store, asks the engine for token counts, writes nothing. Of a chat's answer the prompt's messages are not
stored a second time: they are its path, with the system messages and the number left out that its row remembers.
"""

import array
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec

from bdchat.api.citations.passage import PassagesOf, PromptPassage
from bdchat.api.citations.shown import shown
from bdchat.api.documents.chat_sources import ChatPlace, last_number
from bdchat.api.documents.questions import DocumentQuestions, Material
from bdchat.api.durable.context import (
    Turn,
    as_stored,
    conversation,
    fitted,
    shortened,
    split_system,
    system_in_force,
    turn_of,
    with_config,
    with_messages,
    without_oldest,
)
from bdchat.api.durable.document_turn import DocumentTurn
from bdchat.api.durable.numbering import text_and_tokens
from bdchat.api.durable.opening import READS_CALLS
from bdchat.api.durable.path_reader import PathReader
from bdchat.api.durable.recorded_run import RunPlan
from bdchat.api.generation.events import LogEvent
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.sampling import FLEX
from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineError, EngineUnavailable
from bdchat.engine.model_info import AnswerFormat
from bdchat.engine.request import ChatMessage, ChatPrompt, GenerationRequest, Priority
from bdchat.engine.router import Router
from bdchat.settings import Settings
from bdchat.store.chats.answers import NewAnswer
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import Generation, Message

# In a row's wire:
PATH_FORMAT = "path_format"  # how the calls in its chat were read, to be read so again
SOURCES = "sources"  # passages that its prompt was given, outside of chats
SEARCHED = "documents"  # how they were searched
RESPONSE = "response"  # of the Responses wire: what it repeats of its request
SERVICE_TIERS = {Priority.INTERACTIVE: "default", Priority.BATCH: FLEX}


@dataclass(frozen=True, slots=True)
class NewResponse:
    """What a response has beside a chat completion. `about`: kept in its row, JSON's types only. `may_drop`: the oldest
    turns, where the prompt does not fit."""

    response_id: str
    about: Mapping[str, Any]
    may_drop: bool = False


@dataclass(frozen=True, slots=True)
class PreparedGeneration:
    """Everything that a generation needs to begin: what is written first, and what is computed then."""

    new: NewAnswer
    plan: RunPlan
    engine: Engine
    passages: tuple[PromptPassage, ...] = ()  # that the last new message brings, or the parent, which has none yet


class Plans:
    """`server_id` holds the leases, for `lease_ms` at first. `questions` None: no documents are asked. `admit` is asked
    for each account before anything new is done for it (GenerationService.admit), and may refuse."""

    def __init__(
        self,
        router: Router,
        settings: Settings,
        *,
        server_id: str,
        lease_ms: int,
        questions: DocumentQuestions | None = None,
        admit: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._router = router
        self._admit = admit
        self._questions = questions
        self._limits = settings.limits
        self._sampling_source = settings.generations.sampling_defaults  # outside of chats
        self._server_id = server_id
        self._lease_ms = lease_ms

    # --- a new answer -------------------------------------------------------------------------------------------------

    async def outside(
        self, user_id: str, body: ChatCompletionRequest, response: NewResponse | None = None
    ) -> PreparedGeneration:
        """Stored, but in no chat. Raises AccountLimitReached, ModelNotFound, NotFound, and what the engine refuses
        documents or a prompt that is to be shortened with."""
        self._admit(user_id)
        engine = self._router.engine_for(body.model)
        body = body.with_defaults(engine.sampling_defaults, self._sampling_source)
        request = _request(body, user_id, response.response_id if response is not None else None)
        wire = _wire(body, request)
        if response is not None:
            wire |= {RESPONSE: dict(response.about)}
            if response.may_drop:
                request = await shortened(engine, request)
        material = await self._material(user_id, body, body.messages[-1].content or "")
        if material is not None and self._questions is not None:
            request, passages = await self._questions.outside_chats(engine, request, material)
            wire |= {SOURCES: msgspec.to_builtins(passages), SEARCHED: material.about}
        return self._prepared(self._row(user_id, body.model, request, wire=wire), request)

    async def in_chat(
        self,
        user_id: str,
        body: ChatCompletionRequest,
        place: ChatPlace,
        turn: Turn | None,
        *,
        is_first_answer: bool = False,
    ) -> PreparedGeneration:
        """`turn` None: found out from what the request says. `is_first_answer`: to the path's last message, which has
        brought no passages yet. Raises AccountLimitReached, ModelNotFound, InvalidRequest, Conflict, NotFound and
        ContextLengthExceeded."""
        self._admit(user_id)
        system, given = split_system([message.to_chat_message() for message in body.messages])
        body = self.in_force(body, place)
        engine = self._router.engine_for(body.model)
        answer_format = engine.info.answer_format if engine.info is not None else AnswerFormat()
        reader = PathReader(answer_format, body.prompt_tools)
        if turn is None:
            is_parent_named = bool(body.stored_under("parent_id"))
            turn = turn_of(place.path, given, is_parent_named=is_parent_named, reader=reader)
        new = tuple(as_stored(message) for message in turn.new)
        body = body.with_defaults(engine.sampling_defaults, "model")
        request = _request(body, user_id)
        system = system_in_force(system, place.config.system_prompt)
        may_drop = place.config.context_overflow == "drop_oldest"

        def made(passages: Sequence[PromptPassage]) -> tuple[ChatMessage, ...]:
            given = place.passages if new or not passages else {**place.passages, turn.path[-1].message_id: passages}
            return conversation(system, turn.path, new, reader, passages=given, new_passages=passages)

        fit = partial(fitted, engine, request, may_drop=may_drop, num_dropped_before=place.num_dropped_before)
        material = None
        if new or is_first_answer:
            material = await self._material_in_chat(user_id, body, place, turn, new)
        brought: tuple[PromptPassage, ...] = ()
        if material is not None and self._questions is not None:
            assert isinstance(request.prompt, ChatPrompt)
            document_turn = DocumentTurn(engine, self._questions, request.prompt, made, fit, may_drop)
            brought, kept = await document_turn.bring(material, last_number=last_number(place.passages, turn.path))
        else:
            kept = await fit(made(()))
        request = with_messages(request, kept.messages)
        row = self._row(
            user_id,
            body.model,
            request,
            session_id=place.session.session_id,
            message_id=new_id(),
            wire=_wire(body, request)
            | {"system": [message.content for message in system], "num_dropped_messages": kept.num_dropped}
            | ({PATH_FORMAT: msgspec.to_builtins(answer_format)} if body.prompt_tools else {})
            | ({SEARCHED: material.about} if material is not None else {}),
        )
        texts = [(message.role, message.content) for message in new]
        client_id = body.stored_under("client_message_id")
        prepared = self._prepared(row, request, texts, turn.parent_id, client_message_id=client_id)
        return replace(prepared, passages=brought)

    async def _material(
        self,
        user_id: str,
        body: ChatCompletionRequest,
        question: str,
        *,
        before: str = "",
        session_id: str | None = None,
    ) -> Material | None:
        if self._questions is None or not question.strip():
            return None
        asked = body.asked_documents
        return await self._questions.material(user_id, asked, question, before=before, session_id=session_id)

    async def _material_in_chat(
        self,
        user_id: str,
        body: ChatCompletionRequest,
        place: ChatPlace,
        turn: Turn,
        new: Sequence[ChatMessage],
    ) -> Material | None:
        said = [(message.role, message.content) for message in turn.path]
        said += [(message.role, message.content) for message in new]
        if not said or said[-1][0] != "user":
            return None
        before = next((content for role, content in reversed(said[:-1]) if role == "user"), "")
        session_id = place.session.session_id
        return await self._material(user_id, body, said[-1][1], before=before, session_id=session_id)

    def in_force(self, body: ChatCompletionRequest, place: ChatPlace) -> ChatCompletionRequest:
        """The request with the chat's settings. A chat that has chosen no model stays with the one that answered last,
        while that is served: the default of the server may be another by now."""
        body = with_config(body, place.config, self._limits)
        if body.model is None and place.model_before in self._router.engines:
            return body.model_copy(update={"model": place.model_before})
        return body

    # --- an answer that was there already -----------------------------------------------------------------------------

    def again(
        self,
        user_id: str,
        earlier: Generation,
        path: Sequence[Message],
        passages: PassagesOf,
        *,
        priority: Priority,
    ) -> PreparedGeneration:
        """Another run of the same answer: it goes on after what it has said, with as much room as before. `priority`:
        of who asks now. Raises AccountLimitReached."""
        self._admit(user_id)
        request = _request_of(earlier, path, passages)
        tier = {} if request.priority is priority else {"service_tier": SERVICE_TIERS[priority]}
        tokens = _tokens_of(earlier)
        most = earlier.wire.get("max_tokens")
        sampling = msgspec.structs.replace(
            request.sampling, seed=earlier.seed, max_tokens=None if most is None else most + len(tokens)
        )
        request = msgspec.structs.replace(request, sampling=sampling, request_id=_completion_id(), priority=priority)
        row = self._row(
            user_id,
            earlier.model,
            request,
            session_id=earlier.session_id,
            message_id=earlier.message_id,
            wire=earlier.wire | tier,
            prefix=earlier.prefix + earlier.content,
            tokens=earlier.tokens,
        )
        return self._prepared(row, request, is_new_answer=False)

    # --- a run that another process began -----------------------------------------------------------------------------

    def taken_over(
        self, generation: Generation, path: Sequence[Message], passages: PassagesOf, events: Sequence[LogEvent]
    ) -> tuple[RunPlan, EngineError | None]:
        """It goes on after `events`. With an error: it cannot, its request cannot be read any more."""
        unreadable: EngineError | None = None
        try:
            request = _request_of(generation, path, passages)
        except EngineUnavailable as error:
            request = GenerationRequest(request_id=generation.generation_id, prompt=ChatPrompt(messages=()))
            unreadable = error
        text, tokens = text_and_tokens(events)
        before = _tokens_of(generation)
        return RunPlan(generation, request, text, (*before, *tokens), num_known_tokens=len(before)), unreadable

    def engine_for(self, plan: RunPlan) -> Engine:
        """Raises ModelNotFound."""
        return self._router.engine_for(plan.row.model)

    def _row(
        self,
        user_id: str,
        model: str | None,
        request: GenerationRequest,
        *,
        wire: dict[str, Any],
        session_id: str | None = None,
        message_id: str | None = None,
        prefix: str = "",
        tokens: bytes = b"",
    ) -> Generation:
        now = now_ms()
        return Generation(
            generation_id=request.request_id,
            session_id=session_id,
            message_id=message_id,
            user_id=user_id,
            model=self._router.model_id_for(model),
            request=msgspec.json.encode(with_messages(request, ()) if session_id else request),
            wire=wire,
            seed=request.sampling.seed,
            prefix=prefix,
            tokens=tokens,
            lease_owner=self._server_id,
            lease_expires_at_ms=now + self._lease_ms,
            created_at_ms=now,
        )

    def _prepared(
        self,
        row: Generation,
        request: GenerationRequest,
        texts: Sequence[tuple[str, str]] = (),
        parent_id: str | None = None,
        *,
        client_message_id: str | None = None,
        is_new_answer: bool = True,
    ) -> PreparedGeneration:
        new = NewAnswer(
            user_id=row.user_id,
            parent_id=parent_id,
            texts=texts,
            client_message_id=client_message_id,
            answer_id=row.message_id,
            is_new_answer=is_new_answer,
            generation=row,
        )
        tokens = _tokens_of(row)
        plan = RunPlan(row, request, tokens=tokens, num_known_tokens=len(tokens))
        return PreparedGeneration(new, plan, self.engine_for(plan))


def _completion_id() -> str:
    return f"chatcmpl-{uuid.UUID(new_id()).hex}"


def _request(body: ChatCompletionRequest, user_id: str, generation_id: str | None = None) -> GenerationRequest:
    """With a seed, so that it can go on as it would have."""
    request = body.to_generation_request(generation_id or _completion_id())
    seed = request.sampling.seed if request.sampling.seed is not None else secrets.randbits(62)
    return msgspec.structs.replace(
        request,
        sampling=msgspec.structs.replace(request.sampling, seed=seed),
        user=user_id or request.user,
        account=user_id,
        wants_progress=body.stored_under("session_id") is not None,
        cache_tag=body.stored_under("session_id") or "",
    )


def _wire(body: ChatCompletionRequest, request: GenerationRequest) -> dict[str, Any]:
    wire: dict[str, Any] = {"metadata": body.metadata or {}, "max_tokens": request.sampling.max_tokens}
    if (tier := body.echoed_service_tier) is not None:
        wire["service_tier"] = tier
    wanted = body.wanted_of_parts | ({READS_CALLS: True} if body.prompt_tools else {})
    return wire | {"reading": wanted} if wanted else wire


def _request_of(generation: Generation, path: Sequence[Message], passages: PassagesOf) -> GenerationRequest:
    try:
        request = msgspec.json.decode(generation.request, type=GenerationRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EngineUnavailable("its request was written by another version of bdchat", 5.0) from error
    if generation.session_id is None:
        return request
    system = [ChatMessage(role="system", content=content) for content in generation.wire.get("system", ())]
    assert isinstance(request.prompt, ChatPrompt)
    answer_format = msgspec.convert(generation.wire.get(PATH_FORMAT, {}), AnswerFormat)
    reader = PathReader(answer_format, request.prompt.tools)
    messages = conversation(system, path, reader=reader, passages=passages)
    return with_messages(request, shown(without_oldest(messages, _num_dropped(generation))))


def messages_of_request(generation: Generation) -> tuple[ChatMessage, ...]:
    """What the model was shown, outside of chats."""
    prompt = _request_of(generation, (), {}).prompt
    assert isinstance(prompt, ChatPrompt)
    return prompt.messages


def _tokens_of(generation: Generation) -> tuple[int, ...]:
    tokens = array.array("i")
    tokens.frombytes(generation.tokens)
    return tuple(tokens)


def _num_dropped(generation: Generation) -> int:
    return int(generation.wire.get("num_dropped_messages", 0))
