"""Who asked in a history: what each was told, and the laws of one answer."""

from bdchat.engine.request import (
    Accepted,
    Delta,
    Finished,
    FinishReason,
    GenerationRequest,
    PromptLogprobs,
    Resumption,
    SamplingParams,
    TokenPrompt,
)
from tests.engine.scheduling.laws.alone import answer, seed_of
from tests.engine.scheduling.laws.history import Ask, Machine
from tests.fakes import EOS


class LawBroken(AssertionError):
    """`law` in a few words: the same for every history that breaks it."""

    def __init__(self, law: str, told: str) -> None:
        super().__init__(f"{law}: {told}")
        self.law = law


def hold(law: str, is_kept: bool, told: object = "") -> None:
    if not is_kept:
        raise LawBroken(law, str(told))


class Choice:
    """What was heard of one answer."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.logprob_ids: list[int] = []
        self.text = ""
        self.finished: Finished | None = None


class Caller:
    """One request, and what its caller knows."""

    def __init__(self, number: int, ask: Ask, prompt: list[int], arrived_at: float) -> None:
        self.number = number
        self.ask = ask
        self.prompt = prompt
        self.arrived_at = arrived_at  # by the clock, also when it arrives again after an engine's death
        self.choices = [Choice() for _ in range(ask.num_choices)]
        self.accepted: Accepted | None = None  # None: refused
        self.is_cancelled = False
        self.num_lives = 1  # engines that it was given to
        self.num_resumed = [0] * ask.num_choices  # tokens that the engine of today was given
        self.num_prompt_logprobs = 0  # since the engine of today began
        self.is_prompt_scored = False
        self.excuses: dict[int, str] = {}  # choice → what may have failed it
        self.request = GenerationRequest(
            request_id=f"r{number}",
            prompt=TokenPrompt(tokens=tuple(prompt)),
            sampling=SamplingParams(
                max_tokens=ask.max_tokens,
                temperature=1.0 if ask.is_drawn else 0.0,
                seed=seed_of(number),
                stop=ask.stop,
                num_top_logprobs=0 if ask.has_logprobs else None,
            ),
            num_choices=ask.num_choices,
            num_prompt_logprobs=0 if ask.has_prompt_logprobs else None,
            is_deterministic=ask.is_deterministic,
            cache_prompt=ask.cache_prompt,
            wants_progress=ask.wants_progress,
            user=ask.user,
            account=ask.user,
            priority=ask.priority,
            max_running=ask.max_running,
            max_queued=ask.max_queued,
            cache_tag=ask.tag,
        )

    @property
    def is_done(self) -> bool:
        return self.accepted is None or all(choice.finished for choice in self.choices)

    def hear(self, event: Delta | Finished | PromptLogprobs) -> None:
        if isinstance(event, PromptLogprobs):
            self.num_prompt_logprobs += 1
            self.is_prompt_scored = True
            hold("a prompt is scored once", self.ask.has_prompt_logprobs and self.num_prompt_logprobs == 1, event)
            hold("a prompt's tokens are scored in order", [e.token_id for e in event.tokens] == self.prompt, event)
            return
        choice = self.choices[event.index]
        hold("nothing is said after the end", choice.finished is None, event)
        if isinstance(event, Finished):
            choice.finished = event
            return
        choice.tokens += event.tokens
        choice.text += event.text
        choice.logprob_ids += [each.token_id for each in event.logprobs]

    def resumption(self, now: float) -> Resumption:
        """As a parent tells the next engine."""
        assert self.accepted is not None
        self.num_lives += 1
        self.arrived_at = now
        self.num_resumed = [len(choice.tokens) for choice in self.choices]
        self.num_prompt_logprobs = 0
        return Resumption(
            prompt_tokens=self.accepted.prompt_tokens,
            seed=self.accepted.seed,
            choice_tokens=tuple(tuple(choice.tokens) for choice in self.choices),
            num_chars_sent=tuple(len(choice.text) for choice in self.choices),
            finished=tuple(choice.finished is not None for choice in self.choices),
        )

    def judge(self, machine: Machine) -> None:
        """At the end of the history."""
        hold("every request ends", self.is_done, self.ask)
        for index, choice in enumerate(self.choices):
            if choice.finished is not None:
                self._judge_answer(machine, index, choice, choice.finished)

    def _judge_answer(self, machine: Machine, index: int, choice: Choice, finished: Finished) -> None:
        alone = answer(machine, self.ask, self.prompt, seed_of(self.number) + index)
        said = f"{choice.text!r} {finished.reason} {finished.message or ''}"
        told = f"r{self.number}.{index}: {said}, alone {alone.text!r} {alone.reason}"
        tokens = tuple(choice.tokens)
        hold("an answer begins as it does alone", tokens == alone.tokens[: len(tokens)], told)
        if self.ask.has_logprobs and self.num_lives == 1:
            scored = [*tokens, EOS] if alone.num_sampled > len(alone.tokens) and tokens == alone.tokens else [*tokens]
            hold("each token is scored once", choice.logprob_ids in ([*tokens], scored), (told, choice.logprob_ids))
        if finished.reason is FinishReason.CANCELLED:
            hold("only who is cancelled is", self.is_cancelled, told)
        elif finished.error == "QueueTimeout":
            hold("who waits is not given up early", finished.timings.queue_ms > 1000 * machine.queue_timeout_s, told)
        elif finished.reason is FinishReason.ERROR and (index in self.excuses or alone.reason is not finished.reason):
            hold("nobody's failure is a neighbour's", index in self.excuses, told)
        elif finished.reason is FinishReason.LENGTH and _is_out_of_time(machine, finished):
            pass
        else:
            is_same = (tokens, choice.text, finished.reason) == (alone.tokens, alone.text, alone.reason)
            hold("an answer is what it is alone", is_same, told)
            hold("an answer's stop string is told", finished.stop == alone.stop, told)
            num_sampled = finished.usage.num_completion_tokens
            hold("usage counts an answer's tokens", num_sampled == alone.num_sampled, (told, num_sampled))
            self._judge_reading(finished, told)
            if self.ask.has_prompt_logprobs and index == 0:
                hold("a wanted prompt is scored", self.is_prompt_scored, told)

    def _judge_reading(self, finished: Finished, told: str) -> None:
        usage = finished.usage
        hold("usage tells the prompt's length", usage.num_prompt_tokens == len(self.prompt), (told, usage))
        num_read = usage.num_cached_tokens + usage.num_computed_tokens
        if not usage.num_preemptions:  # what it found when it came back is not told
            hold("a prompt is cached or computed", num_read == len(self.prompt), (told, usage))
        if not (self.ask.cache_prompt and not self.ask.is_deterministic):
            hold("who shares nothing reuses nothing", usage.num_cached_tokens == 0, (told, usage))


def _is_out_of_time(machine: Machine, finished: Finished) -> bool:
    timings = finished.timings
    spent_ms = timings.prefill_ms + timings.decode_ms + timings.swapped_ms
    return 0 < machine.generation_s < spent_ms / 1000 + 0.001
