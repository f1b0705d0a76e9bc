"""The laws of the line: who waits for whom."""

from bdchat.engine.request import GenerationRequest, SamplingParams, TokenPrompt
from bdchat.engine.scheduling.fairness.waiting import MAX_PASSED_OVER, WaitingLine, shares_running_prefill
from bdchat.engine.scheduling.sequence import Sequence
from tests.fakes import FakeRunner


def sequence(tokens: list[int], *, request_id: str = "r", num_computed: int = 0) -> Sequence:
    runner = FakeRunner(n_ctx=500)
    request = GenerationRequest(request_id=request_id, prompt=TokenPrompt(tokens=tuple(tokens)))
    made = Sequence(
        request,
        index=0,
        prompt_tokens=tokens,
        sampler=runner.make_sampler(SamplingParams(), tokens, 0),
        info=runner.info,
        arrived_at=0.0,
    )
    made.num_computed_tokens = num_computed
    return made


def test_a_request_waits_for_the_neighbour_who_reads_its_prefix() -> None:
    prefix = list(range(100))
    waiting = sequence([*prefix, 1, 2], request_id="w")
    assert shares_running_prefill(waiting, [sequence([*prefix, 5, 6], num_computed=40)], 40)
    assert not shares_running_prefill(waiting, [sequence([*prefix, 5, 6], num_computed=100)], 100)
    assert not shares_running_prefill(waiting, [sequence([*prefix, 5, 6], num_computed=40)], 99)
    assert not shares_running_prefill(waiting, [sequence([*prefix[:50], 5, 6])], 0)


def test_choices_of_one_request_share_short_prompts_too() -> None:
    prompt = list(range(20))
    assert shares_running_prefill(sequence(prompt), [sequence(prompt)], 0)
    assert not shares_running_prefill(sequence(prompt, request_id="w"), [sequence(prompt)], 0)


def test_one_that_was_passed_over_too_often_blocks_the_line() -> None:
    line = WaitingLine()
    first, second = sequence([1]), sequence([2])
    line.append(first)
    line.append(second)
    assert line.candidates() == [first, second]
    first.num_passed_over = MAX_PASSED_OVER
    assert line.candidates() == [first]
