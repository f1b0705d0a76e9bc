"""Builds a prompt from a chat: new messages, settings in force, truncation when it exceeds the context.

Pure but for the token counts, which the engine gives. The stored path is the conversation; the client's copy of it is
only used to find out what is new.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bdchat.api.citations.choosing import ANSWER_SHARE
from bdchat.api.citations.passage import PassagesOf, PromptPassage
from bdchat.api.citations.shown import shown, with_passages
from bdchat.api.durable.path_reader import PathReader, written
from bdchat.api.http.parsing import validate
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.engine.engine import Engine
from bdchat.engine.errors import ChatTooLong, ContextLengthExceeded, InvalidRequest
from bdchat.engine.request import ChatMessage, ChatPrompt, GenerationRequest
from bdchat.settings import LimitSettings
from bdchat.store.chats.messages import storable
from bdchat.store.errors import Conflict
from bdchat.store.tables import Message, SessionConfig

TEMPLATE_TOKENS = 32  # per message: more than any template writes around one
ROOMY_SHARE = 4  # when messages are dropped, enough go that 1/4 is free: the next turns find their prompt in the cache
PLAIN = PathReader()  # every text is what it says
NOTHING: PassagesOf = {}


@dataclass(frozen=True, slots=True)
class Turn:
    """`path`: the stored messages before; `new`: those to be written below its last one."""

    path: Sequence[Message]
    new: tuple[ChatMessage, ...]

    @property
    def parent_id(self) -> str | None:
        return self.path[-1].message_id if self.path else None


@dataclass(frozen=True, slots=True)
class Fitted:
    kept: tuple[ChatMessage, ...]  # with their passages apart
    num_dropped: int  # the oldest of the chat, in whole turns; never the system prompt

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """As the model is shown them."""
        return shown(self.kept)


# --- what is new ------------------------------------------------------------------------------------------------------


def turn_of(
    path: Sequence[Message],
    given: Sequence[ChatMessage],
    *,
    is_parent_named: bool,
    reader: PathReader = PLAIN,
) -> Turn:
    """`given`: what the client sent, without system messages.

    One message is new. Of several, those that begin the path are known, and the rest is written where it leaves the
    path (a branch, when the path goes on otherwise). A client that cut the beginning off is recognised by the path's
    end. Raises InvalidRequest, Conflict."""
    path = _without_running(path, is_parent_named=is_parent_named)
    if len(given) < 2:
        num_known, depth = 0, len(path)
    else:
        num_known = _num_common(path, given, reader)
        depth = num_known or len(path)
        if not num_known:
            num_known = _num_overlapping(path, given, reader)
    turn = Turn(path[:depth], tuple(given[num_known:]))
    if not turn.new and not (turn.path and turn.path[-1].role == "user"):
        raise InvalidRequest("messages", "there is no new message, and the last one is not the user's.")
    return turn


def _without_running(path: Sequence[Message], *, is_parent_named: bool) -> Sequence[Message]:
    """Somebody writes while an answer runs: beside that turn, as a branch."""
    if any(message.status == "running" for message in path[:-1]):
        raise Conflict("An answer further up is still being written.", code="still_writing", param="metadata.parent_id")
    if not path or path[-1].status != "running":
        return path
    if is_parent_named:
        raise Conflict(
            "The parent is an answer that is being written: stop it first.",
            code="still_writing",
            param="metadata.parent_id",
        )
    depth = len(path) - 1
    while depth and path[depth - 1].role != "assistant":
        depth -= 1
    return path[:depth]


def _num_common(path: Sequence[Message], given: Sequence[ChatMessage], reader: PathReader) -> int:
    count = 0
    for stored, message in zip(path, given, strict=False):
        if not reader.is_same(stored, message):
            break
        count += 1
    return count


def _num_overlapping(path: Sequence[Message], given: Sequence[ChatMessage], reader: PathReader) -> int:
    """How many of `given` are the path's last ones."""
    for count in range(min(len(path), len(given)), 0, -1):
        if all(reader.is_same(stored, message) for stored, message in zip(path[-count:], given, strict=False)):
            return count
    return 0


# --- which setting applies --------------------------------------------------------------------------------------------


def with_config(body: ChatCompletionRequest, config: SessionConfig, limits: LimitSettings) -> ChatCompletionRequest:
    """The chat's settings where the request says nothing. Of chat_template_kwargs those that it names as fields
    (reasoning_effort) are the request's."""
    fields: dict[str, Any] = dict(config.params)
    named = {name: getattr(config, name) for name in ("model", "temperature", "top_p", "max_tokens")}
    fields |= {name: value for name, value in named.items() if value is not None}
    known = {name: value for name, value in fields.items() if name in ChatCompletionRequest.model_fields}
    if not known:
        return body
    known.pop("messages", None)
    if words := known.get("chat_template_kwargs"):
        known["chat_template_kwargs"] = {key: value for key, value in words.items() if key not in body.template_words}
    defaults = validate(ChatCompletionRequest, {**known, "messages": [{"role": "user", "content": ""}]}, limits)
    return body.model_copy(
        update={name: getattr(defaults, name) for name in known if getattr(body, name) in (None, {})}
    )


def split_system(messages: Sequence[ChatMessage]) -> tuple[tuple[ChatMessage, ...], tuple[ChatMessage, ...]]:
    """System messages apply to this answer and are not written into the chat."""
    return (
        tuple(message for message in messages if message.role == "system"),
        tuple(message for message in messages if message.role != "system"),
    )


def system_in_force(system: Sequence[ChatMessage], system_prompt: str) -> tuple[ChatMessage, ...]:
    """The request's own system messages count instead of the chat's prompt."""
    if not system and system_prompt:
        return (ChatMessage(role="system", content=system_prompt),)
    return tuple(system)


def conversation(
    system: Sequence[ChatMessage],
    path: Sequence[Message],
    new: Sequence[ChatMessage] = (),
    reader: PathReader = PLAIN,
    *,
    passages: PassagesOf = NOTHING,
    new_passages: Sequence[PromptPassage] = (),
) -> tuple[ChatMessage, ...]:
    """`new`: as they will lie in the chat (`as_stored`); `new_passages` come with the last of them."""
    told = [message for message in path if has_said(message)]
    said = [(message.role, message.content) for message in told]
    said += [(message.role, message.content) for message in new]
    brought = [*(passages.get(message.message_id, ()) for message in told), *(() for _ in new[1:])]
    brought += [new_passages] if new else []
    made = zip(reader.shown(said), brought, strict=True)
    return (*system, *(with_passages(message, some) for message, some in made))


def has_said(message: Message) -> bool:
    """An answer that failed or was stopped before its first word is none."""
    return bool(message.content) or message.role != "assistant"


def as_stored(message: ChatMessage) -> ChatMessage:
    """What is left of a message once it lies in a chat: an answer that goes on after a restart sees just that."""
    return ChatMessage(role=message.role, content=storable(written(message)))


def without_oldest(messages: Sequence[ChatMessage], num_dropped: int) -> tuple[ChatMessage, ...]:
    """As `fitted` left them out before."""
    first = _turn_starts(messages)[0]
    return (*messages[:first], *messages[first + num_dropped :])


# --- what is left out -------------------------------------------------------------------------------------------------


async def fitted(
    engine: Engine,
    request: GenerationRequest,
    messages: tuple[ChatMessage, ...],
    *,
    may_drop: bool,
    num_dropped_before: int = 0,
) -> Fitted:
    """Raises ContextLengthExceeded when not even the last turn fits; without `may_drop`, ChatTooLong when that does.

    Exact: the tokens of the rendered prompt are counted. What the last answer was not shown stays left out as long as
    that is enough, so that the beginning of the prompt stays the same."""
    prompt = request.prompt
    assert isinstance(prompt, ChatPrompt)

    async def num_of(some: Sequence[ChatMessage]) -> int:
        return await num_tokens(engine, msgspec.structs.replace(prompt, messages=shown(some)))

    starts = _turn_starts(messages)
    if engine.info is None:
        await num_of(messages[:1])  # waits until the model is loaded
    info = engine.info
    if info is None or _surely_fits(messages, info.n_ctx):
        return Fitted(messages, 0)
    n_ctx = info.n_ctx
    if not may_drop:
        count = await num_of(messages)
        if count < n_ctx:
            return Fitted(messages, 0)
        is_only_long = await num_of(_without_oldest(messages, starts, starts[-1])) < n_ctx
        raise (ChatTooLong if is_only_long else ContextLengthExceeded)(count, n_ctx)
    cuts = [_without_oldest(messages, starts, start) for start in starts]
    budget = n_ctx - max(1, min(request.sampling.max_tokens or n_ctx, n_ctx // ANSWER_SHARE))
    kept_before = next((i for i, start in enumerate(starts) if start - starts[0] >= num_dropped_before), 0)
    if await num_of(cuts[kept_before]) <= budget:
        chosen = kept_before
    else:
        chosen = await _first_fitting(cuts, num_of, n_ctx - n_ctx // ROOMY_SHARE)
    count = await num_of(cuts[chosen])
    if count >= n_ctx:
        raise ContextLengthExceeded(count, n_ctx)
    return Fitted(cuts[chosen], len(messages) - len(cuts[chosen]))


async def shortened(engine: Engine, request: GenerationRequest) -> GenerationRequest:
    """Of no chat: without the oldest turns where they do not fit. Raises ContextLengthExceeded."""
    assert isinstance(request.prompt, ChatPrompt)
    kept = await fitted(engine, request, request.prompt.messages, may_drop=True)
    return with_messages(request, kept.messages)


def with_messages(request: GenerationRequest, messages: tuple[ChatMessage, ...]) -> GenerationRequest:
    assert isinstance(request.prompt, ChatPrompt)
    return msgspec.structs.replace(request, prompt=msgspec.structs.replace(request.prompt, messages=messages))


async def num_tokens(engine: Engine, prompt: ChatPrompt) -> int:
    """Exact where it fits; of what is far too long for that an estimate, which is more than the context."""
    try:
        return len(await engine.tokenize(prompt))
    except ContextLengthExceeded as error:
        return error.num_prompt_tokens


async def _first_fitting(cuts: Sequence[tuple[ChatMessage, ...]], num_of: Any, budget: int) -> int:
    """Binary search: dropping more never makes it longer. The last cut when none fits."""
    low, high = 0, len(cuts) - 1
    while low < high:
        middle = (low + high) // 2
        if await num_of(cuts[middle]) <= budget:
            high = middle
        else:
            low = middle + 1
    return low


def _surely_fits(messages: Sequence[ChatMessage], n_ctx: int) -> bool:
    """Without asking: a token has at least a byte."""
    most = sum(len(message.content.encode()) + TEMPLATE_TOKENS for message in shown(messages))
    return most + TEMPLATE_TOKENS < n_ctx - n_ctx // ANSWER_SHARE


def _turn_starts(messages: Sequence[ChatMessage]) -> list[int]:
    """Where the turns begin: at the first message that is not the system's, and at each of the user's after it."""
    first = next((i for i, message in enumerate(messages) if message.role != "system"), 0)
    later = [i for i, message in enumerate(messages) if i > first and message.role == "user"]
    return [first, *later]


def _without_oldest(messages: tuple[ChatMessage, ...], starts: Sequence[int], start: int) -> tuple[ChatMessage, ...]:
    return (*messages[: starts[0]], *messages[start:])
