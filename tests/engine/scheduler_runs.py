"""What the scheduler's tests share: asking, running to rest, and what the callers heard."""

from collections import defaultdict

from bdchat.engine.model_runner import AnswerGrammar
from bdchat.engine.request import (
    Accepted,
    Delta,
    Event,
    Finished,
    GenerationRequest,
    PromptLogprobs,
    Resumption,
    SamplingParams,
    TokenLogprob,
    TokenPrompt,
)
from bdchat.engine.scheduling.engine_core import EngineCore
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.fakes import spell_out


def ask(
    prompt: list[int],
    *,
    request_id: str = "r",
    max_tokens: int | None = 8,
    n: int = 1,
    num_prompt_logprobs: int | None = None,
    stop: tuple[str, ...] = (),
    cache_prompt: bool = True,
) -> GenerationRequest:
    return GenerationRequest(
        request_id=request_id,
        prompt=TokenPrompt(tokens=tuple(prompt)),
        sampling=SamplingParams(max_tokens=max_tokens, temperature=0.0, stop=stop),
        num_choices=n,
        num_prompt_logprobs=num_prompt_logprobs,
        cache_prompt=cache_prompt,
    )


def add(
    scheduler: Scheduler,
    request: GenerationRequest,
    resumption: Resumption | None = None,
    *,
    grammar: AnswerGrammar | None = None,
) -> Accepted:
    assert isinstance(request.prompt, TokenPrompt)
    return scheduler.add(request, list(request.prompt.tokens), resumption, grammar)


def step(scheduler: Scheduler) -> list[Event]:
    """One step over the scheduler's own runner."""
    return EngineCore(scheduler, scheduler._runner).step()


class Heard:
    """What the callers got, by (request, choice)."""

    def __init__(self) -> None:
        self.text: dict[tuple[str, int], str] = defaultdict(str)
        self.tokens: dict[tuple[str, int], list[int]] = defaultdict(list)
        self.logprobs: dict[tuple[str, int], list[TokenLogprob]] = defaultdict(list)
        self.finished: dict[tuple[str, int], Finished] = {}
        self.prompt_logprobs: dict[str, PromptLogprobs] = {}

    def take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Delta):
                assert (event.request_id, event.index) not in self.finished
                self.text[event.request_id, event.index] += event.text
                self.tokens[event.request_id, event.index].extend(event.tokens)
                self.logprobs[event.request_id, event.index].extend(event.logprobs)
            elif isinstance(event, Finished):
                assert (event.request_id, event.index) not in self.finished
                self.finished[event.request_id, event.index] = event
            elif isinstance(event, PromptLogprobs):
                self.prompt_logprobs[event.request_id] = event


def run(scheduler: Scheduler, *, heard: Heard | None = None, max_steps: int = 5000) -> Heard:
    heard = heard or Heard()
    for _ in range(max_steps):
        if not scheduler.has_work:
            return heard
        heard.take(step(scheduler))
    raise AssertionError("the scheduler never came to rest")


def spelled(prompt: list[int], num_tokens: int) -> str:
    return bytes(spell_out(prompt, num_tokens)).decode()


PROMPT = list(b"hello there")
