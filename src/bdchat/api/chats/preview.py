"""POST /api/sessions/{session_id}/preview: tokens that a message would cost, and how many of them are cached.

Event loop only; nothing is written and nothing computed: the prompt is made as it would be, and the engine says how far
each tier knows it.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bdchat.api.documents.chat_sources import ChatPlace
from bdchat.api.documents.questions import DocumentQuestions
from bdchat.api.durable.context import has_said, num_tokens, system_in_force
from bdchat.api.durable.plans import Plans, PreparedGeneration
from bdchat.api.durable.service import request_of, user_id_of
from bdchat.api.http.endpoints import Endpoint, declared, path_id, reply
from bdchat.api.http.identity import require_user
from bdchat.api.http.json_body import read_json_body
from bdchat.api.http.parsing import parse
from bdchat.api.schemas.preview import Draft, PreviewView, SegmentView, Tier
from bdchat.engine.engine import Engine
from bdchat.engine.errors import ChatTooLong, ContextLengthExceeded, InvalidRequest
from bdchat.engine.inspection import PromptSurvey
from bdchat.engine.request import ChatMessage, ChatPrompt
from bdchat.engine.router import Router
from bdchat.settings import Settings
from bdchat.store.chats import answers
from bdchat.store.sql.database import Database
from bdchat.store.tables import Message

READY = "ready"
TIERS: tuple[Tier, ...] = get_args(Tier)


class Previews:
    def __init__(
        self, database: Database, router: Router, settings: Settings, questions: DocumentQuestions | None = None
    ) -> None:
        self._database = database
        self._router = router
        self._limits = settings.limits
        self._plans = Plans(router, settings, questions=questions, server_id="", lease_ms=0)  # of runs that never begin

    def routes(self) -> list[Route]:
        return declared(
            Endpoint(
                "POST",
                "/api/sessions/{session_id}/preview",
                self.show,
                "What sending a message would cost, and what of the chat is cached where; nothing is sent",
                body=Draft,
                response=PreviewView,
                errors=(503,),
            )
        )

    async def show(self, request: Request) -> Response:
        user_id, session_id = user_id_of(require_user(request)), path_id(request, "session_id")
        draft = parse(Draft, await read_json_body(request), self._limits)
        parent_id = draft.parent_id
        place = await self._database.read(
            lambda db: ChatPlace.at(
                db, answers.place(db, user_id, session_id, parent_id=parent_id, client_message_id=None)
            )
        )
        under = {"session_id": session_id} | ({} if parent_id is None else {"parent_id": parent_id})
        body = request_of(draft.params, draft.content, self._limits, metadata=under)
        model = self._router.model_id_for(self._plans.in_force(body, place).model)
        engine = self._router.engine_for(model)
        if engine.state != READY:
            return reply(_unknown(model, engine.state))
        try:
            prepared = await self._plans.in_chat(user_id, body, place, None)
        except ContextLengthExceeded as error:
            return reply(await _too_long(engine, model, draft.content, place.config.system_prompt, error))
        prompt = prepared.plan.request.prompt
        assert isinstance(prompt, ChatPrompt)
        survey = await engine.survey(prompt)
        num_dropped = prepared.plan.num_dropped_messages
        ids = _ids_in(prompt, _before(prepared, place), num_dropped)
        segments = await _segments(engine, prompt, survey, ids)
        first_id = ids[_num_leading(prompt)] if num_dropped else None
        view = _view(prepared, engine, survey, segments, first_id)
        return reply(view.model_copy(update=await _document_cost(engine, prompt, prepared)))


def _before(prepared: PreparedGeneration, place: answers.MessagePlace) -> list[Message]:
    """The stored messages above the new one: not those of an answer that is being written."""
    ids = [message.message_id for message in place.path]
    parent_id = prepared.new.parent_id
    return place.path[: ids.index(parent_id) + 1] if parent_id is not None else []


def _ids_in(prompt: ChatPrompt, path: Sequence[Message], num_dropped: int) -> list[str | None]:
    """Of each message of the prompt, the stored one that it is; None: the chat's system prompt, and the new message.

    `path`: the chat's stored messages, of which `num_dropped` are left out below those of the system that the prompt
    begins with, and answers that said nothing too."""
    said = [message.message_id for message in path if has_said(message)]
    num_given = len(prompt.messages) - 1 - (len(said) - num_dropped)
    first = _num_leading(prompt)
    whole: list[str | None] = [None] * num_given + said
    return [*whole[:first], *whole[first + num_dropped :], None]


def _num_leading(prompt: ChatPrompt) -> int:
    """Messages of the system that it begins with."""
    return next(n for n, message in enumerate(prompt.messages) if message.role != "system")


def _view(
    prepared: PreparedGeneration,
    engine: Engine,
    survey: PromptSurvey,
    segments: list[SegmentView],
    first_message_id: str | None,
) -> PreviewView:
    info = engine.info
    return PreviewView(
        model=prepared.plan.row.model,
        state=engine.state,
        context_length=info.n_ctx if info else None,
        num_prompt_tokens=survey.num_prompt_tokens,
        num_resident=survey.num_resident,
        num_in_ram=survey.num_in_ram,
        num_on_disk=survey.num_on_disk,
        num_to_read=survey.num_prompt_tokens - survey.num_on_disk,
        read_ms=survey.prefill_ms,
        num_waiting=survey.num_waiting,
        num_dropped_messages=prepared.plan.num_dropped_messages,
        first_message_id=first_message_id,
        segments=segments,
    )


async def _document_cost(engine: Engine, prompt: ChatPrompt, prepared: PreparedGeneration) -> dict[str, Any]:
    """What the message would bring of documents: tokens, and how of each."""
    if not prepared.passages:
        return {}
    *before, last = prompt.messages
    _, content = prepared.new.texts[-1]
    plain = msgspec.structs.replace(last, content=content)
    num_plain = await num_tokens(engine, msgspec.structs.replace(prompt, messages=(*before, plain)))
    num_all = await num_tokens(engine, prompt)
    ways = {passage.document_id: "whole" if passage.is_whole else "passages" for passage in prepared.passages}
    return {"num_document_tokens": num_all - num_plain, "documents": ways}


def _unknown(model: str, state: str, **known: Any) -> PreviewView:
    unknown: dict[str, Any] = dict.fromkeys(PreviewView.model_fields)
    nothing = {"num_dropped_messages": 0, "num_document_tokens": 0, "documents": {}, "segments": []}
    return PreviewView(**unknown | {"model": model, "state": state} | nothing | known)


async def _too_long(
    engine: Engine, model: str, content: str, system_prompt: str, error: ContextLengthExceeded
) -> PreviewView:
    known = partial(_unknown, model, engine.state, context_length=error.n_ctx)
    if isinstance(error, ChatTooLong):  # its last turn was counted, and fits
        count = error.num_prompt_tokens
        return known(num_prompt_tokens=count, num_to_read=count, too_long="chat")
    message = ChatMessage(role="user", content=content)
    num_message = await num_tokens(engine, ChatPrompt(messages=(message,)))
    alone = ChatPrompt(messages=(*system_in_force((), system_prompt), message))
    num_alone = await num_tokens(engine, alone) if system_prompt else num_message
    if num_alone < error.n_ctx:
        excess, count = "chat", error.num_prompt_tokens
    else:
        excess, count = "system_prompt" if 2 * num_message < num_alone else "message", num_alone
    return known(num_prompt_tokens=count, num_to_read=count, too_long=excess)


async def _segments(
    engine: Engine, prompt: ChatPrompt, survey: PromptSurvey, ids: Sequence[str | None]
) -> list[SegmentView]:
    """`ids`: as `_ids_in` has them."""
    ends = _Ends(engine, prompt, survey.num_prompt_tokens)
    num_messages = len(prompt.messages)
    segments: list[SegmentView] = []
    done = 0
    for tier, num_known in zip(TIERS, (survey.num_resident, survey.num_in_ram, survey.num_on_disk, None), strict=True):
        until = num_messages if num_known is None else await ends.num_within(num_known, at_least=done)
        if until > done:
            num_tokens = await ends.of(until) - await ends.of(done)
            last = until - 1
            segments.append(
                SegmentView(
                    tier=tier,
                    num_tokens=num_tokens,
                    first=done,
                    last=last,
                    first_message_id=ids[done],
                    last_message_id=ids[last],
                )
            )
            done = until
    return segments


class _Ends:
    """Where the messages of a prompt end, in tokens: rendered and counted, each at most once."""

    def __init__(self, engine: Engine, prompt: ChatPrompt, num_prompt_tokens: int) -> None:
        self._engine = engine
        self._prompt = prompt
        self._known = {0: 0, len(prompt.messages): num_prompt_tokens}

    async def of(self, num_messages: int) -> int:
        """Tokens of the first so many. Templates exist that refuse a conversation which ends there: then as many as
        their share of the text."""
        if num_messages not in self._known:
            some = msgspec.structs.replace(
                self._prompt, messages=self._prompt.messages[:num_messages], add_generation_prompt=False
            )
            try:
                self._known[num_messages] = len(await self._engine.tokenize(some))
            except InvalidRequest:
                self._known[num_messages] = self._share(num_messages)
        return self._known[num_messages]

    async def num_within(self, num_tokens: int, *, at_least: int) -> int:
        """How many messages end within the first `num_tokens`."""
        low, high = at_least, len(self._prompt.messages) - 1  # the new one never does
        while low < high:
            middle = (low + high + 1) // 2
            if await self.of(middle) <= num_tokens:
                low = middle
            else:
                high = middle - 1
        return low

    def _share(self, num_messages: int) -> int:
        lengths = [len(message.content.encode()) + 1 for message in self._prompt.messages]
        return self._known[len(lengths)] * sum(lengths[:num_messages]) // sum(lengths)
