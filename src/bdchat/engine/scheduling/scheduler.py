"""Chooses the tokens of the next step; owns the queue, the running sequences and the KV cache. Loop thread only; knows
tokens and cells, never sockets, templates or users' names.

It decides and keeps the books; engine_core.py computes. One step: expire, admit, plan (every decode, then prompt chunks
within the latency target); then what was computed and chosen comes back.
Nobody's failure is a neighbour's: out of cells means evict, then wait or preempt; a refused batch fails its own
sequences only.
"""

import math
import time
from collections.abc import Callable

import msgspec

from bdchat.engine.errors import ContextLengthExceeded, InvalidRequest
from bdchat.engine.kv.cache import KVCache
from bdchat.engine.kv.disk import DiskSnapshots
from bdchat.engine.metrics import Counts, EngineMetrics
from bdchat.engine.model_runner import AnswerGrammar, KVLayout, LogitsRow, ModelRunner
from bdchat.engine.request import (
    Accepted,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    PromptLogprobs,
    Resumption,
    TokenLogprob,
)
from bdchat.engine.scheduling.admission import SequenceAdmission
from bdchat.engine.scheduling.checkpointing import Checkpointing
from bdchat.engine.scheduling.drafts import Drafts
from bdchat.engine.scheduling.fairness.counters import VirtualCounters
from bdchat.engine.scheduling.fairness.limits import check_room
from bdchat.engine.scheduling.fairness.rank import FAIR_CHUNK, Ranking, Standings
from bdchat.engine.scheduling.pace.drain import seconds_until_free
from bdchat.engine.scheduling.pace.growth import AnswerGrowth
from bdchat.engine.scheduling.pace.promises import Promises
from bdchat.engine.scheduling.pace.prompt_pace import PromptPace
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.places import Places
from bdchat.engine.scheduling.preemption import Preemption
from bdchat.engine.scheduling.sequence import Sequence, seed_of
from bdchat.engine.scheduling.step_plan import Part, RepeatablePlan, Sampled, StepPlan
from bdchat.engine.scheduling.telling.eta import WaitEstimates
from bdchat.engine.scheduling.telling.forecast import StepPace
from bdchat.engine.scheduling.telling.progress import ProgressWatch


class Scheduler:
    """Owns every Sequence and the KVCache. `metrics()`, `kv_cache` and `cost` may be looked at between steps."""

    def __init__(
        self,
        runner: ModelRunner,
        *,
        queue_limit: int = 64,
        promises: Promises | None = None,
        max_draft_tokens: int = 0,
        draft_memory_tokens: int = 0,
        queue_timeout_s: float = 60.0,
        generation_s: float = 0.0,
        ram_cache_bytes: int = 0,
        disk: DiskSnapshots | None = None,
        cost: StepCost | None = None,
        is_deterministic: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._queue_limit = queue_limit
        self._queue_timeout_s = queue_timeout_s
        self._generation_s = generation_s or math.inf
        self.is_deterministic = is_deterministic
        self._turn = 0  # of those that cannot share a step
        self.clock = clock
        self.cost = cost or StepCost(is_streams=runner.layout is KVLayout.STREAMS)
        self.kv_cache = KVCache(
            runner,
            ram_cache_bytes=ram_cache_bytes,
            disk=disk,
            recompute_ms=lambda begin, end: self.cost.prefill_ms(end - begin, depth=begin),
            clock=clock,
        )
        self.growth = AnswerGrowth()
        chunk = min(runner.n_batch, FAIR_CHUNK)
        self.ranking = Ranking(VirtualCounters(), chunk=chunk, expected=self.growth.of)
        self._pace = PromptPace(runner, self.cost, promises or Promises(), served=self.ranking.counters.of)
        self._outbox: list[Event] = []  # events that arose outside a decode
        self.counts = Counts()
        self._places = Places(self.kv_cache, self.ranking, num_places=runner.info.num_sequences, clock=clock)
        self._admission = SequenceAdmission(
            runner,
            self.kv_cache,
            self._places,
            self.counts,
            ranking=self.ranking,
            cost=self.cost,
            clock=clock,
        )
        pace = StepPace(chunk=self._pace.usual_chunk, step_ms=self.cost.step_ms)
        self.estimates = WaitEstimates(runner, self.kv_cache, self._places, self.growth, pace, line=self._line)
        self._progress = ProgressWatch(self.estimates)
        self._preemption = Preemption(self._places, self._admission, self.ranking, self.counts, clock=clock)
        self._checkpointing = Checkpointing(runner, self.kv_cache)
        self.drafts = Drafts(runner, self.counts, max_tokens=max_draft_tokens, memory_tokens=draft_memory_tokens)

    @property
    def has_work(self) -> bool:
        return bool(self._outbox) or not self._places.is_empty

    @property
    def num_waiting(self) -> int:
        return len(self._places.waiting)

    @property
    def num_free_places(self) -> int:
        return self._places.num_free

    # --- the door -----------------------------------------------------------------------------------------------------

    def add(
        self,
        request: GenerationRequest,
        prompt_tokens: list[int],
        resumption: Resumption | None = None,
        grammar: AnswerGrammar | None = None,
    ) -> Accepted:
        """Queues the request's choices. Raises ContextLengthExceeded, InvalidRequest, QueueFull, AccountLimitReached; a
        resumption is never refused for want of room: it was accepted before. `grammar`: what each answer is held to."""
        if self.is_deterministic and not request.is_deterministic:
            request = msgspec.structs.replace(request, is_deterministic=True)
        if request.is_deterministic and self._runner.layout is not KVLayout.STREAMS:
            raise InvalidRequest("deterministic", "needs engine.kv_layout = streams; this model's cells are one pool")
        n_ctx = self._runner.info.n_ctx
        if len(prompt_tokens) >= n_ctx:
            raise ContextLengthExceeded(len(prompt_tokens), n_ctx, request.prompt.field)
        if not prompt_tokens:
            raise InvalidRequest("prompt", "must have at least one token")
        if any(not 0 <= token < self._runner.info.n_vocab for token in request.sampling.logit_bias):
            raise InvalidRequest("logit_bias", f"token ids must be below {self._runner.info.n_vocab}")
        if resumption is None:
            check_room(
                request,
                self._places.waiting,
                self._standings(),
                num_free=self._places.num_free,
                queue_limit=self._queue_limit,
                seconds_until_free=self.seconds_until_free,
            )
        if resumption is None and request.may_be_respelled:
            prompt_tokens = self.kv_cache.spelled_as_cached(prompt_tokens)
        seed = resumption.seed if resumption else seed_of(request)
        self.counts.num_requests += resumption is None
        for index in range(request.num_choices):
            if resumption is None or not resumption.finished[index]:
                sequence = Sequence(
                    request,
                    index=index,
                    prompt_tokens=prompt_tokens,
                    sampler=self._runner.make_sampler(request.sampling, prompt_tokens, seed + index),
                    info=self._runner.info,
                    arrived_at=self.clock(),
                    num_chars_sent=resumption.num_chars_sent[index] if resumption else 0,
                    seconds_spent=resumption.seconds_spent if resumption else 0.0,
                    matcher=grammar.start() if grammar else None,
                    recent=self.drafts.recent.of(request.account) if request.cache_prompt else None,
                )
                self._enqueue(sequence, resumption)
        return Accepted(request_id=request.request_id, prompt_tokens=tuple(prompt_tokens), seed=seed)

    def cancel(self, request_id: str) -> None:
        """Frees the request's sequences now; their computed prefix stays as cache. Unknown ids are ignored."""
        found = False
        for sequence in self._places.all():
            if sequence.request.request_id == request_id:
                self._end(sequence, sequence.finish(FinishReason.CANCELLED, self.clock()))
                found = True
        self.counts.num_cancelled += found

    def fail_all(self, reason: str) -> list[Event]:
        """Ends everything with an error: the step itself broke. Their cells can't be trusted and are cleared."""
        for sequence in self._places.all():
            self._fail(sequence, reason)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """What arose since the last step: who was cancelled need not hear of it a step later."""
        events, self._outbox = self._outbox, []
        return events

    # --- one step, as engine_core.py takes it -------------------------------------------------------------------------

    def schedule(self) -> list[Part]:
        """What the next step computes; nothing when nothing can be."""
        self._expire()
        self._admission.begin_step()
        self._admission.admit()
        self._preemption.make_places()
        self._checkpointing.plan(self._places.running)
        return self._plan()

    def observe(self, parts: list[Part], *, step_ms: float) -> None:
        """The runner has computed them."""
        self._preemption.found_slot()
        pieces = [part.as_piece() for part in parts]
        num_drafted = sum([len(part.draft.tokens) for part in parts])
        self.cost.observe(
            self._pace.shape_of(pieces, self.kv_cache.num_cells),
            num_decodes=sum([part.sequence.is_decoding for part in parts]),
            num_drafted=num_drafted,
            step_ms=step_ms,
        )
        num_tokens = sum([piece.num_tokens for piece in pieces])
        self.counts.num_steps += 1
        self.counts.num_batched_tokens += num_tokens

    def take_in(self, part: Part) -> None:
        """The part's own tokens are in the cells now."""
        sequence, start = part.sequence, part.sequence.num_computed_tokens
        self._extend(sequence, part.num_tokens)
        self._checkpointing.look(sequence)
        num_prompt = max(0, min(part.num_tokens, sequence.num_prompt_tokens - start))
        self.counts.prompt_tokens_computed += num_prompt
        sequence.num_prompt_tokens_computed += num_prompt
        self.ranking.charge(sequence)

    def score_prompt(self, part: Part, start: int, rows: list[LogitsRow]) -> None:
        """`rows`: the logits behind the part's own tokens, the first of which is token `start`."""
        sequence = part.sequence
        if not sequence.wants_prompt_logprobs or start >= sequence.num_prompt_tokens:
            return
        sequence.record_prompt_logprobs(rows, start)
        if sequence.num_computed_tokens >= sequence.num_prompt_tokens:
            sequence.is_prompt_scored = True
            first = sequence.tokens[0]
            head = TokenLogprob(
                token_id=first,
                token_bytes=self._runner.token_bytes(first),
                logprob=None,
                control_text=self._runner.control_text(first),
            )
            self._outbox.append(
                PromptLogprobs(request_id=sequence.request.request_id, tokens=(head, *sequence.prompt_logprobs))
            )

    def update(self, part: Part, sampled: Sampled) -> None:
        """What was chosen from the part's logits. Guesses that were right are in the cells; the others leave them."""
        sequence = part.sequence
        assert sequence.seq_id is not None
        if part.draft.tokens:
            self._extend(sequence, sampled.num_accepted)
            if sampled.num_accepted < len(part.draft.tokens):
                sequence.num_computed_tokens = self.kv_cache.cut(sequence.seq_id)
            self.drafts.take_note(part.draft, sampled.num_accepted)
        self.counts.tokens_generated += sampled.num_tokens
        self.ranking.charge(sequence, sampled.num_tokens)
        if sequence.is_finished:
            self.growth.learn(sequence)
            self.drafts.remember(sequence)
            self._end(sequence, sampled.events)
        else:
            self._outbox.extend(sampled.events)

    def make_way(self, parts: list[Part]) -> None:
        """llama.cpp found no slot for them although the ledger had room (SWA): evict, else halve the step, else
        preempt, else give up."""
        if self.kv_cache.evict_one() or self._preemption.halve(parts):
            return
        victim = self._preemption.victim
        if len(self._places.running) > 1:
            self._preemption.preempt(victim)
        else:
            self._fail(victim, "the KV cache has no room for this sequence")

    def fail(self, parts: list[Part], reason: str) -> None:
        for part in parts:
            self._fail(part.sequence, reason)

    def end_step(self) -> list[Event]:
        """What its callers hear of it."""
        return [*self._progress.news(self._places.running, self.clock()), *self.take_events()]

    # --- how it decides -----------------------------------------------------------------------------------------------

    def _expire(self) -> None:
        now = self.clock()
        if self._generation_s < math.inf:
            for sequence in self._places.all():
                if sequence.seconds_spent(now) >= self._generation_s:
                    self._end(sequence, sequence.finish(FinishReason.LENGTH, now))
        for sequence in self._places.waiting.overdue(now, self._queue_timeout_s):
            reason = f"no place came free within {now - sequence.arrived_at:.0f} s"
            self._fail(sequence, reason, error="QueueTimeout")

    def _plan(self) -> list[Part]:
        """One batch within its bounds of tokens, outputs, time and cells: what does not fit shrinks, then waits."""
        while self._places.running:
            plan = self._next_plan()
            self._preemption.cut(plan)
            fits = self.kv_cache.make_room(plan.num_tokens)
            while not fits and plan.shrink(self.kv_cache.num_available_cells):
                fits = self.kv_cache.make_room(plan.num_tokens)
            if fits:
                return plan.parts()
            victim = self._preemption.victim
            if len(self._places.running) == 1:
                self._end(victim, victim.finish(FinishReason.LENGTH, self.clock()))  # the cells are the context's end
            else:
                self._preemption.preempt(victim)
        return []

    def _next_plan(self) -> StepPlan | RepeatablePlan:
        """Of all that can share a step, or in turn of one that cannot."""
        apart = [s for s in self._places.running if s.is_deterministic]
        together = [s for s in self._places.running if not s.is_deterministic] if apart else self._places.running
        self._turn += 1
        turn = self._turn % (len(apart) + bool(together))
        if turn < len(apart):
            return RepeatablePlan(self._runner, apart[turn])
        return StepPlan(
            self._runner,
            self._pace,
            together,
            drafts=self.drafts,
            now=self.clock(),
            num_used_cells=self.kv_cache.num_cells,
        )

    def seconds_until_free(self, num_places: int = 1, running: list[Sequence] | None = None) -> float:
        """For Retry-After: until so many of those answers have ended, of all where none are given."""
        running = self._places.running if running is None else running
        return seconds_until_free(
            [self.growth.of(sequence) for sequence in running],
            reading_ms=sum(self.cost.prefill_ms(s.num_pending) for s in running if not s.is_decoding),
            step_ms=self.cost.base_ms(max(1, len(running))),
            num_wanted=num_places,
        )

    # --- places and cells ---------------------------------------------------------------------------------------------

    def _extend(self, sequence: Sequence, num_tokens: int) -> None:
        """The next so many of its tokens are in the cells now."""
        assert sequence.seq_id is not None
        start = sequence.num_computed_tokens
        self.kv_cache.extend(sequence.seq_id, sequence.tokens[start : start + num_tokens])
        sequence.num_computed_tokens += num_tokens

    def _end(self, sequence: Sequence, events: list[Event], *, keep: bool = True) -> None:
        self.counts.num_failed += sum([isinstance(e, Finished) and e.reason is FinishReason.ERROR for e in events])
        self._outbox.extend(events)
        self._places.leave(sequence, keep=keep)

    def _fail(self, sequence: Sequence, message: str, *, error: str = "GenerationFailed") -> None:
        events = sequence.finish(FinishReason.ERROR, self.clock(), message=message, error=error)
        self._end(sequence, events, keep=False)

    def _enqueue(self, sequence: Sequence, resumption: Resumption | None) -> None:
        if resumption is not None:
            text = sequence.resume(resumption.choice_tokens[sequence.index], self._runner)
            if text:
                request_id = sequence.request.request_id
                self._outbox.append(Delta(request_id=request_id, index=sequence.index, text=text))
        self._places.waiting.append(sequence, self._places.running, sequence.arrived_at)
        self._progress.watch(sequence)

    def _line(self) -> list[Sequence]:
        return self._places.waiting.in_order(self._standings())

    def _standings(self) -> Standings:
        return self.ranking.standings(self._places.running, self.clock())

    def sequences(self) -> tuple[list[Sequence], list[Sequence]]:
        """Those that run and those that wait, in order."""
        return self._places.running, self._line()

    def metrics(self) -> EngineMetrics:
        return EngineMetrics(
            num_waiting=len(self._places.waiting),
            num_paused=sum(sequence.paused_at is not None for sequence in self._places.waiting),
            num_running=len(self._places.running),
            num_cells=self.kv_cache.num_cells,
            num_idle_cells=self.kv_cache.num_idle_cells,
            num_cells_total=self._runner.num_cells,
            kv_resident_bytes=self.kv_cache.num_resident_bytes,
            ram_cache_bytes=self.kv_cache.snapshots.num_bytes,
            disk_cache_bytes=self.kv_cache.num_disk_bytes,
            decode_seconds=self._runner.decode_seconds + self.drafts.decode_seconds,
            num_evictions=self.kv_cache.num_evictions,
            **vars(self.kv_cache.swap.totals),
            **vars(self.counts),
        )
