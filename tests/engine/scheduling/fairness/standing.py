"""Sequences of named users for the tests of the order."""

from bdchat.engine.request import GenerationRequest, Priority, SamplingParams, TokenPrompt
from bdchat.engine.scheduling.fairness.counters import VirtualCounters
from bdchat.engine.scheduling.fairness.rank import Ranking
from bdchat.engine.scheduling.sequence import Sequence
from tests.fakes import FakeRunner

BATCH, INTERACTIVE = Priority.BATCH, Priority.INTERACTIVE
CHUNK = 100
ANSWER = 10  # tokens that every answer is expected to get


def ranking(**served: int) -> Ranking:
    counters = VirtualCounters()
    for user, num_tokens in served.items():
        counters.charge(user, num_tokens, 0)
    return Ranking(counters, chunk=CHUNK, expected=lambda _: ANSWER)


def sequence(
    user: str = "",
    *,
    priority: Priority = INTERACTIVE,
    tokens: list[int] | None = None,
    request_id: str = "",
    arrived_at: float = 0.0,
    admitted_at: float | None = None,
    num_computed: int = 0,
    index: int = 0,
    max_running: int = 0,
) -> Sequence:
    runner = FakeRunner(n_ctx=500)
    prompt = tokens or [1, 2, 3]
    request = GenerationRequest(
        request_id=request_id or user,
        prompt=TokenPrompt(tokens=tuple(prompt)),
        user=user,
        priority=priority,
        max_running=max_running,
    )
    made = Sequence(
        request,
        index=index,
        prompt_tokens=prompt,
        sampler=runner.make_sampler(SamplingParams(), prompt, 0),
        info=runner.info,
        arrived_at=arrived_at,
    )
    made.admitted_at = admitted_at
    made.num_computed_tokens = num_computed
    return made
