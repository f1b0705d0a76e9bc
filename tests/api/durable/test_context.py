"""What is new of what a client sends, which setting applies, what is left out."""

from typing import Any

import pytest

from bdchat.api.durable.context import (
    conversation,
    fitted,
    split_system,
    system_in_force,
    turn_of,
    with_config,
    without_oldest,
)
from bdchat.api.http.parsing import validate
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.engine.errors import ChatTooLong, ContextLengthExceeded, InvalidRequest
from bdchat.engine.request import ChatMessage, ChatPrompt, GenerationRequest, Prompt, SamplingParams
from bdchat.settings import LimitSettings
from bdchat.store.errors import Conflict
from bdchat.store.tables import Message, SessionConfig
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio
ROLES = ("user", "assistant")


def path(*contents: str, status: str = "complete") -> list[Message]:
    """By user and assistant in turn; the last has `status`."""
    messages = [
        Message(message_id=f"m{n}", session_id="s", role=ROLES[n % 2], content=text, created_at_ms=0)
        for n, text in enumerate(contents)
    ]
    if messages:
        messages[-1].status = status
    return messages


def given(*contents: str, first: int = 0) -> list[ChatMessage]:
    return [ChatMessage(role=ROLES[(n + first) % 2], content=text) for n, text in enumerate(contents)]  # type: ignore[arg-type]


def turn(
    stored: list[Message], sent: list[ChatMessage], *, is_parent_named: bool = False
) -> tuple[str | None, list[str]]:
    found = turn_of(stored, sent, is_parent_named=is_parent_named)
    return found.parent_id, [message.content for message in found.new]


# --- what is new ------------------------------------------------------------------------------------------------------


def test_one_message_is_always_new() -> None:
    assert turn([], given("hi")) == (None, ["hi"])
    assert turn(path("hi", "hello"), given("hi")) == ("m1", ["hi"])


def test_of_the_whole_history_only_the_rest_is_new() -> None:
    assert turn(path("hi", "hello"), given("hi", "hello ", "how?")) == ("m1", ["how?"])


def test_a_history_that_leaves_the_path_becomes_a_branch() -> None:
    assert turn(path("hi", "hello", "how?", "fine"), given("hi", "hello", "why?")) == ("m1", ["why?"])
    assert turn(path("hi", "hello"), given("hi", "hello, edited", "how?")) == ("m0", ["hello, edited", "how?"])


def test_a_history_without_its_beginning_is_recognised_by_its_end() -> None:
    stored = path("hi", "hello", "how?", "fine")
    assert turn(stored, given("how?", "fine", "good")) == ("m3", ["good"])


def test_the_users_last_message_again_asks_for_another_answer() -> None:
    assert turn(path("hi", "hello", "how?"), given("hi", "hello", "how?")) == ("m2", [])
    with pytest.raises(InvalidRequest):
        turn(path("hi", "hello"), given("hi", "hello"))


def test_beside_a_running_answer_a_branch_begins() -> None:
    assert turn(path("hi", "", status="running"), given("ho")) == (None, ["ho"])
    assert turn(path("hi", "hello", "how?", "", status="running"), given("why?")) == ("m1", ["why?"])
    with pytest.raises(Conflict):
        turn(path("hi", "", status="running"), given("ho"), is_parent_named=True)
    below = path("hi", "", "ho")
    below[1].status = "running"
    with pytest.raises(Conflict):
        turn(below, given("hu"))


# --- which setting applies --------------------------------------------------------------------------------------------


def asked(**fields: Any) -> ChatCompletionRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], **fields}
    return validate(ChatCompletionRequest, body, LimitSettings())


def test_the_request_counts_before_the_chat() -> None:
    config = SessionConfig(session_id="s", model="m", temperature=0.5, max_tokens=9, params={"top_k": 3, "seed": 7})
    found = with_config(asked(temperature=0, top_k=5), config, LimitSettings())
    assert (found.model, found.temperature, found.top_k, found.seed, found.max_tokens) == ("m", 0, 5, 7, 9)
    assert found.messages == asked().messages


def test_a_word_for_the_template_counts_before_the_chats_own() -> None:
    words = {"reasoning_effort": "high", "enable_thinking": True}
    config = SessionConfig(session_id="s", params={"chat_template_kwargs": words})
    found = with_config(asked(reasoning_effort="low"), config, LimitSettings()).to_generation_request("r").prompt
    assert found.template_kwargs == {"reasoning_effort": "low", "enable_thinking": True}  # type: ignore[union-attr]


def test_a_chat_without_settings_changes_nothing() -> None:
    wanted = asked(temperature=0.5)
    assert with_config(wanted, SessionConfig(session_id="s"), LimitSettings()) is wanted


def test_the_requests_own_system_message_replaces_the_chats() -> None:
    system, rest = split_system([ChatMessage(role="system", content="mine"), *given("hi")])
    assert (system_in_force(system, "its"), rest) == (system, tuple(given("hi")))
    assert [message.content for message in system_in_force((), "its")] == ["its"]
    assert system_in_force((), "") == ()


def test_answers_without_a_word_are_not_shown() -> None:
    stored = path("hi", "", "ho", "hello")
    assert [message.content for message in conversation((), stored)] == ["hi", "ho", "hello"]


# --- what is left out -------------------------------------------------------------------------------------------------

SYSTEM = (ChatMessage(role="system", content="be brief"),)
LONG = (*SYSTEM, *given(*(f"{n}" * 40 for n in range(7))))  # three turns and a question; a token is a byte


async def fit(n_ctx: int, *, engine: FakeEngine | None = None, **options: Any) -> tuple[int, tuple[ChatMessage, ...]]:
    request = GenerationRequest(request_id="r", prompt=ChatPrompt(messages=()), sampling=SamplingParams())
    found = await fitted(engine or FakeEngine(n_ctx=n_ctx), request, LONG, **{"may_drop": True, **options})
    return found.num_dropped, found.messages


async def test_what_fits_is_shown_whole() -> None:
    assert await fit(4096) == (0, LONG)
    assert await fit(500) == (0, LONG)  # found by counting


async def test_whole_turns_are_left_out_and_the_system_prompt_stays() -> None:
    for n_ctx in range(120, 400, 10):
        num_dropped, shown = await fit(n_ctx)
        assert num_dropped % 2 == 0
        assert shown == without_oldest(LONG, num_dropped) == (*SYSTEM, *LONG[1 + num_dropped :])
        assert len("".join(f"<{m.role}>{m.content}" for m in shown)) < n_ctx


async def test_what_was_left_out_stays_out_while_that_is_enough() -> None:
    """The prompt's beginning stays the same, and is found in the cache."""
    assert (await fit(420, num_dropped_before=2))[0] == 2
    assert (await fit(420, num_dropped_before=0))[0] == 0
    assert (await fit(200, num_dropped_before=2))[0] > 2


async def test_when_it_may_not_or_does_not_help_it_is_an_error() -> None:
    for n_ctx, may_drop, kind in (
        (300, False, ChatTooLong),
        (50, True, ContextLengthExceeded),
        (50, False, ContextLengthExceeded),  # its last turn is too long by itself: dropping would not help
    ):
        with pytest.raises(ContextLengthExceeded) as raised:
            await fit(n_ctx, may_drop=may_drop)
        assert (type(raised.value), raised.value.n_ctx) == (kind, n_ctx)


class EstimatingEngine(FakeEngine):
    """Refuses to count what is far too long for its context, as PromptBuilder does."""

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        tokens = await super().tokenize(prompt)
        if len(tokens) > self.n_ctx:
            raise ContextLengthExceeded(len(tokens), self.n_ctx)
        return tokens


async def test_a_chat_too_long_to_be_counted_is_cut_like_any_other() -> None:
    """A chat of some hundred thousand characters refused every further message."""
    for n_ctx in (120, 300, 390):
        assert await fit(n_ctx, engine=EstimatingEngine(n_ctx=n_ctx)) == await fit(n_ctx)
