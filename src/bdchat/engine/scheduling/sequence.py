"""The state of one completion: its tokens, how far they are computed, its text. Loop thread only.

There are no phases: `num_computed_tokens` chases `num_tokens`. A new prompt, a chunk of it, the next token, a prefix
hit, going on after preemption and after a crash differ only in how far the first is behind the second.
"""

import contextlib
import secrets

from bdchat.engine.drafting.guess import Guess
from bdchat.engine.drafting.prompt_lookup import PromptLookup
from bdchat.engine.drafting.recent_answers import RecentOfAccount
from bdchat.engine.kv.checkpoints import until_next
from bdchat.engine.kv.swap.space import PausedState
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.model_runner import AnswerMatcher, GrammarFailed, LogitsRow, ModelRunner, Sampler
from bdchat.engine.request import (
    ChatPrompt,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    Timings,
    TokenLogprob,
    Usage,
)
from bdchat.engine.text.detokenizer import Detokenizer, TextChunk


class Sequence:
    """One choice of one request. Owned by the scheduler."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        index: int,
        prompt_tokens: list[int],
        sampler: Sampler,
        info: ModelInfo,
        arrived_at: float,
        num_chars_sent: int = 0,
        seconds_spent: float = 0.0,
        matcher: AnswerMatcher | None = None,
        recent: RecentOfAccount | None = None,
    ) -> None:
        self.request = request
        self.index = index
        self.tokens = list(prompt_tokens)  # prompt, then generated
        self.num_prompt_tokens = len(prompt_tokens)
        self.num_computed_tokens = 0
        self.seq_id: int | None = None
        self.num_cached_tokens: int | None = None  # of the prompt, at first admission
        self.num_cached_from_ram = 0  # of those
        self.num_cached_from_disk = 0
        self.saved_ms = 0.0  # by those
        self.pauses: list[int] | None = None  # numbers of tokens at which its prompt's reading pauses for a checkpoint
        self.num_prompt_tokens_computed = 0  # again after a preemption: what it cost
        self.num_drafted_tokens = 0
        self.num_accepted_tokens = 0
        self.num_preemptions = 0
        self.prompt_logprobs: list[TokenLogprob] = []
        self.is_prompt_scored = False
        self.expected_end = 0  # its tokens at its end, as pace/growth.py told when it had generated `expected_at`
        self.expected_at = -8  # never yet
        self.num_end_tokens = 0  # 1 once the model has ended it: sampled and counted, but none of its tokens
        self.is_finished = False
        self.num_charged_tokens = 0  # of the prompt: cached at first, or charged to its user; never twice
        self.growth_asked_at: int | None = None  # generated tokens when it was last asked how many are still expected
        self.growth_told = 0  # and the answer
        self.keeps_place_until = 0.0  # by the scheduler's clock; nobody outranks it before
        self.arrived_at = arrived_at
        self.admitted_at: float | None = None
        self.first_token_at: float | None = None
        self.paused_at: float | None = None  # while it has given its place to others
        self.paused_state: PausedState | None = None  # what it had computed, meanwhile
        self.num_computed_at_entry = 0  # when it got its present place
        self.swapped_s = 0.0  # in the pauses that are over
        self._swapped_before_first_token_s = 0.0
        self._seconds_spent = seconds_spent  # in former lives of the engine
        n_ctx = info.n_ctx
        limit = n_ctx if request.sampling.max_tokens is None else self.num_prompt_tokens + request.sampling.max_tokens
        self.max_length = min(limit, n_ctx)
        self._sampler = sampler
        self._matcher = matcher
        self._drafter = PromptLookup(recent)
        is_chat = isinstance(request.prompt, ChatPrompt)
        ends_by_template = is_chat and not request.sampling.ignore_eos
        self._end_texts = info.end_texts if ends_by_template else ()
        self._end_token_ids = frozenset(info.end_token_ids if ends_by_template else ())
        self._mark_tokens = info.mark_tokens if is_chat else {}
        self._detokenizer = Detokenizer(
            (*request.sampling.stop, *self._end_texts),
            num_chars_sent=num_chars_sent,
            drop_leading_space=info.adds_space_prefix and is_chat,
        )

    @property
    def num_pending(self) -> int:
        """Tokens still to compute before the next one can be sampled."""
        return len(self.tokens) - self.num_computed_tokens

    @property
    def num_readable(self) -> int:
        """Of those, as many as one step may compute."""
        if not self.pauses:
            return self.num_pending
        return min(self.num_pending, until_next(self.pauses, self.num_computed_tokens) or self.num_pending)

    def seconds_spent(self, now: float) -> float:
        """Since it has a place for the first time; pauses are not its own time."""
        if self.admitted_at is None:
            return self._seconds_spent
        return self._seconds_spent + now - self.admitted_at - self._seconds_paused(now)

    def pause(self, now: float) -> None:
        """It gives its place to others."""
        self.paused_at = now
        self.num_preemptions += 1

    def go_on(self, now: float) -> None:
        """It has a place: the first one, or one again."""
        if self.admitted_at is None:
            self.admitted_at = now
        if self.paused_at is not None:
            self.swapped_s += now - self.paused_at
            self.paused_at = None

    def _seconds_paused(self, now: float) -> float:
        return self.swapped_s + (now - self.paused_at if self.paused_at is not None else 0.0)

    @property
    def num_generated(self) -> int:
        return len(self.tokens) - self.num_prompt_tokens

    @property
    def num_sampled(self) -> int:
        return self.num_generated + self.num_end_tokens

    @property
    def is_decoding(self) -> bool:
        """Only its newest token is pending: it belongs to every step."""
        num_tokens = len(self.tokens)  # asked of every sequence in every step: no other property is called
        return num_tokens - self.num_computed_tokens == 1 and num_tokens > self.num_prompt_tokens

    @property
    def is_being_read(self) -> bool:
        """Its prompt, or what has to be computed again of it."""
        return self.num_pending > 1 or self.num_computed_tokens < self.num_prompt_tokens

    @property
    def is_deterministic(self) -> bool:
        return self.request.is_deterministic

    @property
    def wants_prompt_logprobs(self) -> bool:
        """Until it has them: after a preemption its prompt is read, or found in the cache, like any other."""
        return self.request.num_prompt_logprobs is not None and self.index == 0 and not self.is_prompt_scored

    @property
    def num_to_go(self) -> int:
        return self.max_length - len(self.tokens)

    def guess_next(self, most: int) -> Guess:
        """What may follow its tokens, so many at most."""
        guess = self._drafter.guess(self.tokens)
        return guess._replace(tokens=self.allowed(guess.tokens[: max(0, most)])) if guess.tokens else guess

    def allowed(self, guessed: list[int]) -> list[int]:
        """What its grammar lets follow of it."""
        if self._matcher is None or not guessed:
            return guessed
        return guessed[: self._matcher.num_allowed(guessed)]

    def resume(self, tokens: tuple[int, ...], runner: ModelRunner) -> str:
        """Goes on after an engine's death: takes the tokens as generated; returns their text beyond num_chars_sent."""
        text = ""
        for token in tokens:
            self.tokens.append(token)
            self._sampler.accept(token)
            if self._matcher is not None:
                with contextlib.suppress(GrammarFailed):  # the next mask says so again
                    self._matcher.accept(token)
            chunk = self._push(token, runner)
            text += chunk.text
            if chunk.stop is not None:  # it was over, but nobody was told
                break
        return text

    @property
    def free_sampler(self) -> Sampler | None:
        """For who chooses its next token beside others'; None: a grammar has a say in it."""
        return self._sampler if self._matcher is None else None

    def sample(self, logits: LogitsRow, runner: ModelRunner, now: float, chosen: int | None = None) -> list[Event]:
        """Takes the next token from the logits of the last one, and those that a grammar makes follow it; returns what
        the caller must hear. `chosen`: what `free_sampler` chooses from these logits, where that is known already."""
        matcher = self._matcher
        if self._detokenizer.stop is not None:
            return self._finish_at(self._detokenizer.stop, now)
        if matcher is not None and matcher.is_over:  # before an engine's death, but nobody was told
            return self.finish(FinishReason.STOP, now)
        if self.max_length <= len(self.tokens):  # max_tokens 0: only the prompt was wanted
            return self.finish(FinishReason.LENGTH, now)
        if self.first_token_at is None:
            self.first_token_at, self._swapped_before_first_token_s = now, self.swapped_s
        try:
            mask = matcher.mask() if matcher is not None else None
            if chosen is None:
                token = self._sampler.sample(logits, mask)
            else:
                token = chosen
                self._sampler.accept(token)
            sampling = self.request.sampling
            logprobs: tuple[TokenLogprob, ...] = ()
            if sampling.num_top_logprobs is not None:
                logprobs = (self._sampler.logprob(logits, token, sampling.num_top_logprobs),)
            is_end = token in self._end_token_ids or runner.is_end_of_generation(token)
            if is_end and (mask is not None or not sampling.ignore_eos):
                self.num_end_tokens = 1
                return self.finish(FinishReason.STOP, now, logprobs=logprobs)
            events = self._take(token, runner, now, logprobs)
            return events if matcher is None else events + self._take_forced(matcher, runner, now)
        except GrammarFailed as error:
            return self.finish(FinishReason.ERROR, now, message=f"the grammar: {error}", error="GenerationFailed")

    def _take(
        self, token: int, runner: ModelRunner, now: float, logprobs: tuple[TokenLogprob, ...] = ()
    ) -> list[Event]:
        """Raises GrammarFailed."""
        if self._matcher is not None:
            self._matcher.accept(token)
        self.tokens.append(token)
        chunk = self._push(token, runner)
        delta = Delta(
            request_id=self.request.request_id, index=self.index, text=chunk.text, tokens=(token,), logprobs=logprobs
        )
        if chunk.stop is not None:
            return [delta, *self._finish_at(chunk.stop, now)]
        if self._matcher is not None and self._matcher.is_over:
            return [delta, *self.finish(FinishReason.STOP, now)]
        if len(self.tokens) >= self.max_length:
            return [delta, *self.finish(FinishReason.LENGTH, now)]
        return [delta]

    def _take_forced(self, matcher: AnswerMatcher, runner: ModelRunner, now: float) -> list[Event]:
        """What can only follow needs no logits: it is computed with the next step's token. Where log-probabilities are
        asked for, each token has its own."""
        events: list[Event] = []
        if self.is_finished or self.request.sampling.num_top_logprobs is not None:
            return events
        for token in matcher.forced():
            self._sampler.accept(token)
            events += self._take(token, runner, now)
            if self.is_finished:
                break
        return events

    def _push(self, token: int, runner: ModelRunner) -> TextChunk:
        mark = self._mark_tokens.get(token)
        return self._detokenizer.push(runner.token_bytes(token) if mark is None else mark.encode())

    def _is_mark_cut_off(self, text: str) -> bool:
        """The answer ran out of tokens within `<|im_end|>`. One or two characters may be the answer's own."""
        return len(text) > 2 and any(mark.startswith(text) for mark in self._end_texts if mark[0] in "<[")

    def _finish_at(self, stop: str, now: float) -> list[Event]:
        """A mark of the template is no stop string of the caller's."""
        return self.finish(FinishReason.STOP, now, stop=stop if stop in self.request.sampling.stop else None)

    def record_prompt_logprobs(self, rows: list[LogitsRow], first: int) -> None:
        """rows[i] are the logits of prompt token first + i; they judge the token after it."""
        num_top = self.request.num_prompt_logprobs or 0
        del self.prompt_logprobs[first:]  # read again after a preemption
        for place, row in enumerate(rows, start=first):
            if place + 1 < self.num_prompt_tokens:
                self.prompt_logprobs.append(self._sampler.logprob(row, self.tokens[place + 1], num_top))

    def finish(
        self,
        reason: FinishReason,
        now: float,
        *,
        stop: str | None = None,
        message: str | None = None,
        error: str | None = None,
        logprobs: tuple[TokenLogprob, ...] = (),
    ) -> list[Event]:
        """Releases held-back text (unless a stop string matched, or it is most of a template's mark) and closes the
        choice. Idempotent. `logprobs`: of the token that ended it."""
        if self.is_finished:
            return []
        self.is_finished = True
        events: list[Event] = []
        text = "" if stop is not None else self._detokenizer.finish()
        if self._is_mark_cut_off(text):
            text = ""
        if text or logprobs:
            delta = Delta(request_id=self.request.request_id, index=self.index, text=text, logprobs=logprobs)
            events.append(delta)
        events.append(
            Finished(
                request_id=self.request.request_id,
                index=self.index,
                reason=reason,
                usage=self._usage(),
                timings=self._timings(now),
                stop=stop,
                message=message,
                error=error,
            )
        )
        return events

    def _usage(self) -> Usage:
        return Usage(
            num_prompt_tokens=self.num_prompt_tokens,
            num_cached_tokens=self.num_cached_tokens or 0,
            num_completion_tokens=self.num_sampled,
            num_computed_tokens=self.num_prompt_tokens_computed,
            num_cached_from_ram=self.num_cached_from_ram,
            num_cached_from_disk=self.num_cached_from_disk,
            num_drafted_tokens=self.num_drafted_tokens,
            num_accepted_tokens=self.num_accepted_tokens,
            num_preemptions=self.num_preemptions,
        )

    def _timings(self, now: float) -> Timings:
        """Each moment from its arrival is in one of them."""
        paused = self._seconds_paused(now)
        admitted = self.admitted_at if self.admitted_at is not None else now
        first, paused_before = self.first_token_at, self._swapped_before_first_token_s
        if first is None:
            first, paused_before = now, paused
        return Timings(
            queue_ms=1000 * (admitted - self.arrived_at),
            prefill_ms=1000 * (first - admitted - paused_before),
            decode_ms=1000 * (now - first - (paused - paused_before)),
            swapped_ms=1000 * paused,
            saved_ms=self.saved_ms,
        )


def seed_of(request: GenerationRequest) -> int:
    """The caller's, or a new one."""
    if request.sampling.seed is not None:
        return request.sampling.seed
    return 0 if request.is_deterministic else secrets.randbits(62)
