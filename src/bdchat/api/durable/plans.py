"""Makes run plans of stored answers: from a request and its place in a chat, or from a stored row.

Reads the store, asks the engine for token counts, writes nothing. Of a chat's answer the prompt's messages are not
stored a second time: they are its path, with the system messages and the number left out that its row remembers.
"""

import array
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bdchat.api.durable.context import (
    Turn,
    as_stored,
    conversation,
    fitted,
    split_system,
    system_in_force,
    turn_of,
    with_config,
    without_oldest,
)
from bdchat.api.durable.numbering import text_and_tokens
from bdchat.api.durable.opening import READS_CALLS
from bdchat.api.durable.path_reader import PathReader
from bdchat.api.durable.recorded_run import RunPlan
from bdchat.api.generation.events import LogEvent
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineError, EngineUnavailable
from bdchat.engine.request import AnswerFormat, ChatMessage, ChatPrompt, GenerationRequest
from bdchat.engine.router import Router
from bdchat.settings import Settings
from bdchat.store.chats.answers import MessagePlace, NewAnswer
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import Generation, Message

PATH_FORMAT = "path_format"  # in a row's wire: how the calls in its chat were read, to be read so again


@dataclass(frozen=True, slots=True)
class PreparedGeneration:
    """Everything that a generation needs to begin: what is written first, and what is computed then."""

    new: NewAnswer
    plan: RunPlan
    engine: Engine


class Plans:
    """`server_id` holds the leases, for `lease_ms` at first."""

    def __init__(self, router: Router, settings: Settings, *, server_id: str, lease_ms: int) -> None:
        self._router = router
        self._limits = settings.limits
        self._sampling_source = settings.generations.sampling_defaults  # outside of chats
        self._server_id = server_id
        self._lease_ms = lease_ms

    # --- a new answer -------------------------------------------------------------------------------------------------

    def outside(self, user_id: str, body: ChatCompletionRequest) -> PreparedGeneration:
        """Stored, but in no chat. Raises ModelNotFound."""
        body = body.with_defaults(self._router.engine_for(body.model).sampling_defaults, self._sampling_source)
        request = _request(body, user_id)
        return self._prepared(self._row(user_id, body.model, request, wire=_wire(body, request)), request)

    async def in_chat(
        self, user_id: str, body: ChatCompletionRequest, place: MessagePlace, turn: Turn | None
    ) -> PreparedGeneration:
        """`turn` None: found out from what the request says. Raises ModelNotFound, InvalidRequest, Conflict and
        ContextLengthExceeded."""
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
        messages = conversation(system, turn.path, new, reader)
        shown = await fitted(
            engine,
            request,
            messages,
            may_drop=place.config.context_overflow == "drop_oldest",
            num_dropped_before=place.num_dropped_before,
        )
        request = _with_messages(request, shown.messages)
        row = self._row(
            user_id,
            body.model,
            request,
            session_id=place.session.session_id,
            message_id=new_id(),
            wire=_wire(body, request)
            | {"system": [message.content for message in system], "num_dropped_messages": shown.num_dropped}
            | ({PATH_FORMAT: msgspec.to_builtins(answer_format)} if body.prompt_tools else {}),
        )
        texts = [(message.role, message.content) for message in new]
        client_id = body.stored_under("client_message_id")
        return self._prepared(row, request, texts, turn.parent_id, client_message_id=client_id)

    def in_force(self, body: ChatCompletionRequest, place: MessagePlace) -> ChatCompletionRequest:
        """The request with the chat's settings. A chat that has chosen no model stays with the one that answered last,
        while that is served: the default of the server may be another by now."""
        body = with_config(body, place.config, self._limits)
        if body.model is None and place.model_before in self._router.engines:
            return body.model_copy(update={"model": place.model_before})
        return body

    # --- an answer that was there already -----------------------------------------------------------------------------

    def again(self, user_id: str, earlier: Generation, path: Sequence[Message]) -> PreparedGeneration:
        """Another run of the same answer: it goes on after what it has said, with as much room as before."""
        request = _request_of(earlier, path)
        tokens = _tokens_of(earlier)
        most = earlier.wire.get("max_tokens")
        sampling = msgspec.structs.replace(
            request.sampling, seed=earlier.seed, max_tokens=None if most is None else most + len(tokens)
        )
        request = msgspec.structs.replace(request, sampling=sampling, request_id=_completion_id())
        row = self._row(
            user_id,
            earlier.model,
            request,
            session_id=earlier.session_id,
            message_id=earlier.message_id,
            wire=dict(earlier.wire),
            prefix=earlier.prefix + earlier.content,
            tokens=earlier.tokens,
        )
        return self._prepared(row, request, is_new_answer=False)

    # --- a run that another process began -----------------------------------------------------------------------------

    def taken_over(
        self, generation: Generation, path: Sequence[Message], events: Sequence[LogEvent]
    ) -> tuple[RunPlan, EngineError | None]:
        """It goes on after `events`. With an error: it cannot, its request cannot be read any more."""
        unreadable: EngineError | None = None
        try:
            request = _request_of(generation, path)
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
            request=msgspec.json.encode(_with_messages(request, ()) if session_id else request),
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


def _request(body: ChatCompletionRequest, user_id: str) -> GenerationRequest:
    """With a seed, so that it can go on as it would have."""
    request = body.to_generation_request(_completion_id())
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


def _with_messages(request: GenerationRequest, messages: tuple[ChatMessage, ...]) -> GenerationRequest:
    assert isinstance(request.prompt, ChatPrompt)
    return msgspec.structs.replace(request, prompt=msgspec.structs.replace(request.prompt, messages=messages))


def _request_of(generation: Generation, path: Sequence[Message]) -> GenerationRequest:
    try:
        request = msgspec.json.decode(generation.request, type=GenerationRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EngineUnavailable("its request was written by another version of bdchat", 5.0) from error
    if generation.session_id is None:
        return request
    system = [ChatMessage(role="system", content=content) for content in generation.wire.get("system", ())]
    assert isinstance(request.prompt, ChatPrompt)
    answer_format = msgspec.convert(generation.wire.get(PATH_FORMAT, {}), AnswerFormat)
    messages = conversation(system, path, reader=PathReader(answer_format, request.prompt.tools))
    return _with_messages(request, without_oldest(messages, _num_dropped(generation)))


def messages_of(generation: Generation, path: Sequence[Message]) -> tuple[ChatMessage, ...]:
    """What the model was shown."""
    prompt = _request_of(generation, path).prompt
    assert isinstance(prompt, ChatPrompt)
    return prompt.messages


def _tokens_of(generation: Generation) -> tuple[int, ...]:
    tokens = array.array("i")
    tokens.frombytes(generation.tokens)
    return tuple(tokens)


def _num_dropped(generation: Generation) -> int:
    return int(generation.wire.get("num_dropped_messages", 0))
