"""What the parent keeps of a request."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from bdchat.engine.errors import EngineUnavailable, GenerationFailed, QueueTimeout
from bdchat.engine.local.inflight import InflightRequest, merged
from bdchat.engine.request import (
    Accepted,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    PromptLogprobs,
    Resumption,
    TextPrompt,
    Timings,
    Usage,
)
from bdchat.engine.wire import Submit, decode_command
from tests.patience import PATIENCE_S

ACCEPTED = Accepted(request_id="r", prompt_tokens=(1, 2), seed=9)


def new_flight(num_choices: int = 1) -> InflightRequest:
    return InflightRequest(GenerationRequest(request_id="r", prompt=TextPrompt(text="p"), num_choices=num_choices))


def delta(text: str, *tokens: int, index: int = 0) -> Delta:
    return Delta(request_id="r", index=index, text=text, tokens=tokens)


def finished(reason: FinishReason = FinishReason.STOP, *, index: int = 0, error: str | None = None) -> Finished:
    return Finished(
        request_id="r",
        index=index,
        reason=reason,
        usage=Usage(num_prompt_tokens=2, num_cached_tokens=0, num_completion_tokens=1),
        timings=Timings(queue_ms=1500, prefill_ms=0, decode_ms=0),
        message="why",
        error=error,
    )


def read_all(inflight: InflightRequest) -> list[Event]:
    async def read() -> list[Event]:
        events: list[Event] = []
        while batch := await inflight.next_batch():
            events += batch
        return events

    return asyncio.run(asyncio.wait_for(read(), PATIENCE_S))


def resubmitted(inflight: InflightRequest) -> Submit:
    command = decode_command(inflight.frame()[4:])
    assert isinstance(command, Submit)
    return command


def test_what_was_seen_is_what_the_next_process_goes_on_from() -> None:
    inflight = new_flight(num_choices=3)
    assert resubmitted(inflight).resumption is None
    events = (ACCEPTED, delta("ab", 5, 6), delta("", 7), delta("c", 8, index=1), finished(index=2))
    for event in events:
        inflight.take(event)
    resumption = resubmitted(inflight).resumption
    assert resumption is not None
    assert (resumption.prompt_tokens, resumption.seed) == ((1, 2), 9)
    assert resumption.choice_tokens == ((5, 6, 7), (8,), ())
    assert resumption.num_chars_sent == (2, 1, 0)
    assert resumption.finished == (False, False, True)


def test_an_answer_that_is_taken_up_again_goes_on_from_what_it_had() -> None:
    """Also when the process dies before it has said anything."""
    begun = Resumption(prompt_tokens=(), seed=4, choice_tokens=((5, 6),), num_chars_sent=(2,), finished=(False,))
    begun = msgspec.structs.replace(begun, seconds_spent=4.0)
    inflight = InflightRequest(GenerationRequest(request_id="r", prompt=TextPrompt(text="p")), begun)
    assert resubmitted(inflight).resumption == begun
    assert resubmitted(inflight).resumption == begun
    inflight.take(ACCEPTED)
    inflight.take(delta("c", 7))
    again = resubmitted(inflight).resumption
    assert again is not None
    assert again.seconds_spent > 4.0
    assert (again.prompt_tokens, again.choice_tokens, again.num_chars_sent) == ((1, 2), ((5, 6, 7),), (3,))


def test_what_a_second_process_says_again_is_dropped() -> None:
    inflight = new_flight()
    logprobs = PromptLogprobs(request_id="r", tokens=())
    for event in (ACCEPTED, logprobs, ACCEPTED, logprobs, delta("a", 5), finished()):
        inflight.take(event)
    assert read_all(inflight) == [ACCEPTED, logprobs, delta("a", 5), finished()]


def test_a_refusal_in_the_queue_comes_before_any_event() -> None:
    inflight = new_flight()
    inflight.take(ACCEPTED)
    inflight.take(finished(FinishReason.ERROR, error="QueueTimeout"))
    with pytest.raises(QueueTimeout) as caught:
        read_all(inflight)
    assert caught.value.waited_s == 1.5


def test_a_failure_before_the_first_token_is_raised_not_told() -> None:
    inflight = new_flight()
    inflight.take(ACCEPTED)
    inflight.take(finished(FinishReason.ERROR))
    with pytest.raises(GenerationFailed, match="why"):
        read_all(inflight)


def test_after_the_first_token_a_failed_choice_is_an_event() -> None:
    inflight = new_flight()
    events: Sequence[Event] = (ACCEPTED, delta("a", 5), finished(FinishReason.ERROR))
    for event in events:
        inflight.take(event)
    assert read_all(inflight) == list(events)


def test_what_was_taken_is_read_before_the_end_is() -> None:
    async def read() -> None:
        inflight = new_flight()
        inflight.take(ACCEPTED)
        inflight.take(delta("a", 5))
        inflight.fail(EngineUnavailable("gone", 1.0))
        assert list(await inflight.next_batch()) == [ACCEPTED, delta("a", 5)]
        with pytest.raises(EngineUnavailable):
            await inflight.next_batch()

    asyncio.run(read())


def test_a_lagging_reader_gets_one_delta_per_choice() -> None:
    events: list[Event] = [
        delta("a", 1),
        delta("b", 2, index=1),
        delta("c", 3),
        delta("d", 4, index=1),
        finished(),
        delta("e", 5, index=1),
    ]
    assert merged(events) == [delta("ac", 1, 3), delta("bde", 2, 4, 5, index=1), finished()]


def test_a_choice_that_was_never_asked_for_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        new_flight().take(delta("a", 1, index=1))


def test_text_that_the_wire_cannot_carry_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        InflightRequest(GenerationRequest(request_id="r", prompt=TextPrompt(text="\ud800")))
