"""A Run whose log is stored: for generations that outlive their reader. Event loop only.

It belongs to the server: readers come and go, and only `stop`, its end or the server's end finish it. What the server's
end cuts off stays "running" in the store, for the next start to go on with.
"""

import array
import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from bdchat.api.bus.interface import Bus, session_topic
from bdchat.api.durable.numbering import event_id, reset
from bdchat.api.durable.opening import kept, num_reasoning_tokens, opened_by, opening_of
from bdchat.api.durable.recorder import RecordedLog, Recorder, Rows
from bdchat.api.durable.rows import to_data
from bdchat.api.generation.events import Ended, Failed, LogEvent, Opened
from bdchat.api.generation.run import Run
from bdchat.api.generation.service import GenerationService
from bdchat.api.generation.usage import Spending, UsageCount
from bdchat.api.http.errors import error_reply
from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineError, EngineUnavailable
from bdchat.engine.request import (
    Accepted,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    Progress,
    Resumption,
    TokenLogprob,
)
from bdchat.store.chats.answers import AnswerEnd
from bdchat.store.chats.generations import Ending
from bdchat.store.chats.messages import storable
from bdchat.store.errors import StoreError
from bdchat.store.ids import now_ms
from bdchat.store.tables import SPENT, Generation, MessageMetadata

log = logging.getLogger(__name__)

LOST = "another server goes on with the answer, or it was deleted"
END_RETRY_S = 1.0  # a full disk, a database that is away: the end is written when it is back
STATES = {FinishReason.CANCELLED: "stopped", FinishReason.STOP: "complete", FinishReason.LENGTH: "complete"}


class Suspended(EngineUnavailable):
    """The server stops; the answer goes on at its next start."""

    def __init__(self) -> None:
        super().__init__("the server is stopping; the answer goes on when it is back", 5.0)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is to be computed. `row`: as it is or will be stored. `tokens`: of the whole message so far, `text`: of this
    generation so far."""

    row: Generation
    request: GenerationRequest
    text: str = ""
    tokens: tuple[int, ...] = ()
    num_known_tokens: int = 0  # of `tokens`: booked by earlier generations

    @property
    def resumption(self) -> Resumption | None:
        if not self.row.num_resumes and not self.tokens:
            return None
        assert self.request.sampling.seed is not None
        return Resumption(
            prompt_tokens=(),
            seed=self.request.sampling.seed,
            choice_tokens=(self.tokens,),
            num_chars_sent=(len(self.row.prefix) + len(self.text),),
            finished=(False,),
        )

    @property
    def num_dropped_messages(self) -> int:
        return int(self.row.wire.get("num_dropped_messages", 0))


# (generation_id, rows of the log, end) → False when the generation is no longer this server's
WriteEnd = Callable[[RunPlan, Rows, AnswerEnd], Awaitable[bool]]


class RecordedRun(Run):
    """`recorder` commits its log, `write_end` its end. With a `gate` it reaches the engine when that lets it through.
    `engine` None: it can only be interrupted."""

    log: RecordedLog
    is_stored = True

    def __init__(
        self,
        plan: RunPlan,
        recorded: RecordedLog,
        *,
        recorder: Recorder,
        service: GenerationService,
        engine: Engine | None,
        bus: Bus,
        write_end: WriteEnd,
        gate: asyncio.Semaphore | None = None,
    ) -> None:
        row = plan.row
        spending = Spending(
            num_known_tokens=plan.num_known_tokens, is_counted=row.num_resumes > 0 or plan.resumption is None
        )
        super().__init__(
            engine,
            plan.request,
            service.meter,
            user_id=row.user_id,
            resumption=plan.resumption if engine is not None else None,
            spending=spending,
            generation_log=recorded,
        )
        self.plan = plan
        self.session_id = row.session_id
        self._recorder = recorder
        self._service = service
        self._bus = bus
        self._write_end = write_end
        self._gate = gate
        self._topic = session_topic(row.session_id) if row.session_id is not None else ""
        self._about = {"generation_id": row.generation_id, "message_id": row.message_id}
        self._num_run = row.num_resumes
        self._usage = UsageCount()
        self._texts = [plan.text]
        self._tokens = array.array("i", plan.tokens)
        self._unsaid: tuple[int, ...] = ()  # tokens whose text is held back: they go with the next text
        self._unsaid_logprobs: tuple[TokenLogprob, ...] = ()
        self._num_prompt_tokens: int | None = None
        self._finished: Finished | None = None
        self._broken_off: EngineError | None = None
        self._is_hearing = True  # False: its end is being written
        self._has_ended = asyncio.Event()

    @property
    def model_id(self) -> str:
        return self.plan.row.model

    @property
    def asked_at_ms(self) -> int:
        return self.plan.row.created_at_ms

    @property
    def num_written_tokens(self) -> int:
        """Of the whole message so far."""
        return len(self._tokens)

    async def ended(self) -> None:
        """Returns when its end is stored, or will be by another."""
        await self._has_ended.wait()

    def give_up(self) -> None:
        """Another server goes on with it."""
        self.log.is_lost = True
        self.cancel(EngineUnavailable(LOST, 1.0))

    def cancel(self, error: EngineError | None = None) -> None:
        """Breaks it off; `error` becomes its end. Does nothing once its end is being written."""
        if self._is_hearing and self._broken_off is None:
            self._broken_off = error or EngineUnavailable("the answer was cut off", 5.0)
            if self.task is not None:
                self.task.cancel()

    async def interrupt(self, error: EngineError) -> None:
        """Instead of `start`: what a server that is gone had said is all there will be, and `error` is why."""
        await self._record(error, "interrupted")

    async def _run(self) -> None:
        await self._record(None, "failed")

    async def _record(self, error: EngineError | None, failed_state: str) -> None:
        self._recorder.open(self.log)
        try:
            await self._tell_beginning()
            error = error or await self._hear_engine_in_turn()
            await self._conclude(error, failed_state)
        except asyncio.CancelledError:
            self._suspend()
        except Exception:  # its lease runs out, and whoever takes it over ends it
            log.exception("the end of a stored answer broke", extra={"request_id": self.generation_id})
            self._suspend()
        finally:
            self._recorder.close(self.log)
            self._has_ended.set()

    async def _hear_engine_in_turn(self) -> EngineError | None:
        """What broke it off. None: it is whole, or was stopped."""
        error: EngineError | None = None
        with contextlib.suppress(asyncio.CancelledError):
            async with self._gate or contextlib.nullcontext():
                error = await self._hear_engine()
        self._is_hearing = False
        error = self._broken_off or error
        if error is None and self._finished is None and not self._is_stopping:
            if self.task is not None and self.task.cancelling():
                raise asyncio.CancelledError  # by nobody who said why: nothing more is written
            error = EngineUnavailable("the answer was cut off", 5.0)
        return Suspended() if isinstance(error, EngineUnavailable) and self._service.is_draining else error

    async def _tell_beginning(self) -> None:
        """Whoever listens to an earlier run may have heard what was never committed."""
        if not self._num_run:
            for seq, event in enumerate(self.log.events, start=1):
                await self._tell(event_id(0, seq), event)
        else:
            _, batch = reset(self._num_run, self.log.events)
            await self._tell(event_id(self._num_run, self.log.last_seq), batch.events[0])

    # --- while it runs ------------------------------------------------------------------------------------------------

    async def _take(self, event: Event) -> None:
        self._raise_unless_complete(event)
        if isinstance(event, Delta):
            self._tokens.extend(event.tokens)
            if not event.text:
                self._unsaid += event.tokens
                self._unsaid_logprobs += event.logprobs
                return
            await self._say(event)
        elif isinstance(event, Progress):
            await self._tell_progress(event)
        elif isinstance(event, Accepted):
            self._num_prompt_tokens = len(event.prompt_tokens)
            self._usage.add_accepted(event)
            await self._note_opening(event)
        elif isinstance(event, Finished):
            await self._say_the_rest(event)
            self._finished = event  # not yet told: it waits for its commit, together with what came before it
            self._usage.add_finished(event)
        if self.log.is_lost:
            raise EngineUnavailable(LOST, 1.0)

    async def _note_opening(self, event: Accepted) -> None:
        """An answer that goes on says it once."""
        opened = opened_by(event, self._engine.info if self._engine is not None else None)
        if opened != Opened() and opening_of(self.log.events) is None:
            self.log.append(opened)
            self._recorder.note_news(self.log)
            await self._tell(event_id(self._num_run, self.log.last_seq), opened)

    async def _say(self, event: Delta) -> None:
        text = storable(event.text)
        self._texts.append(text)
        if self._unsaid or self._unsaid_logprobs or text is not event.text:
            event = Delta(
                request_id=event.request_id,
                index=0,
                text=text,
                tokens=self._unsaid + event.tokens,
                logprobs=self._unsaid_logprobs + event.logprobs,
            )
            self._unsaid, self._unsaid_logprobs = (), ()
        self.log.append(event)
        self._recorder.note_news(self.log)
        if self._topic and self._bus.is_heard(self._topic):
            await self._tell(event_id(self._num_run, self.log.last_seq), event)

    async def _say_the_rest(self, event: Finished) -> None:
        """Logprobs whose tokens have no text, as the token that ended it: they are as good as the others'."""
        if self._unsaid_logprobs:
            await self._say(Delta(request_id=event.request_id, index=0, text=""))

    async def _tell_progress(self, event: Progress) -> None:
        eta_s = None if event.eta_ms is None else round(event.eta_ms / 1000, 1)
        if event.queue_position is not None:
            told = {
                "type": "generation.queued",
                "position": event.queue_position,
                "is_paused": event.is_paused,
                "eta_s": eta_s,
            }
        else:
            told = {
                "type": "generation.prefill",
                "num_done": event.num_computed_tokens,
                "num_total": event.num_prompt_tokens,
                "num_cached": event.num_cached_tokens,
                "eta_s": eta_s,
            }
        self.progress = self._about | told
        await self._to_session(self.progress)

    async def _tell(self, number: int, event: LogEvent) -> None:
        if self._topic and self._bus.is_heard(self._topic):
            kind, data = to_data(event)
            told = {**data, **self._about, "type": "generation.event", "seq": number, "kind": kind}
            await self._bus.publish(self._topic, told)

    async def _to_session(self, message: dict[str, Any]) -> None:
        if self._topic:
            await self._bus.publish(self._topic, message)

    # --- its end ------------------------------------------------------------------------------------------------------

    async def _conclude(self, error: EngineError | None, failed_state: str) -> None:
        if isinstance(error, Suspended):
            await self._recorder.flush()
            self._suspend()
        elif self.log.is_lost:
            self._close(error)
        elif error is not None:
            reply = error_reply(error)
            retry_at_ms = now_ms() + reply.retry_after_s * 1000 if reply.retry_after_s is not None else None
            wire_error = msgspec.json.decode(reply.body)["error"]
            failed = Failed(error=wire_error, status=reply.status, state=failed_state, retry_at_ms=retry_at_ms)
            await self._end(failed, refusal=error)
        else:
            reason = self._finished.reason if self._finished else FinishReason.CANCELLED
            prefix, events = self.plan.row.prefix, self.log.events
            self._usage.num_reasoning_tokens = num_reasoning_tokens(self.request, prefix, events)
            usage, timings = self._usage.to_wire(), self._usage.timings
            await self._end(Ended(reason=reason.value, state=STATES[reason], usage=usage, timings=timings))

    async def _end(self, last: Ended | Failed, refusal: EngineError | None = None) -> None:
        end = AnswerEnd(
            ending=self._ending(last),
            metadata=self._metadata(),
            counts=self.spending.counts(),
            num_tokens=len(self._tokens),
            # an earlier run was taken in
            is_refused=refusal is not None and not self._is_heard.is_set() and not self._num_run,
        )
        while True:
            try:
                await self._recorder.end(self.log, last, lambda rows: self._write_end(self.plan, rows, end))
                break
            except StoreError as error:
                log.warning("the end of %s could not be written: %s", self.generation_id, error)
                if self._service.is_draining:
                    self._suspend()
                    return
                await asyncio.sleep(END_RETRY_S)
        if self.log.is_lost:
            self._close(EngineUnavailable(LOST, 1.0))
            return
        ending = end.ending
        told: dict[str, Any] = {"finish_reason": ending.finish_reason, "usage": ending.usage}
        told |= {name: ending.error.get(name) for name in ("error", "retry_at_ms")}
        seq = event_id(self._num_run, self.log.last_seq)
        await self._to_session({"type": "generation.ended", **self._about, "state": ending.state, "seq": seq} | told)
        if refusal is not None and not self._is_heard.is_set():
            self._refusal = refusal
        self._is_heard.set()
        self.log.close()

    def _suspend(self) -> None:
        """Whoever asked may follow it again later: that is no refusal."""
        self.log.close(Suspended())
        self._is_heard.set()

    def _ending(self, last: Ended | Failed) -> Ending:
        usage = last.usage | {"timings": last.timings} if isinstance(last, Ended) else {}
        return Ending(
            state=last.state,
            content="".join(self._texts),
            tokens=self._tokens.tobytes(),
            finish_reason=last.reason if isinstance(last, Ended) else None,
            last_seq=self.log.last_seq + 1,
            usage=usage | kept(self.log.events),
            error={} if isinstance(last, Ended) else to_data(last)[1],
            num_prompt_tokens=self._num_prompt_tokens,
        )

    def _metadata(self) -> MessageMetadata:
        info, row = self._engine.info if self._engine is not None else None, self.plan.row
        sampling = msgspec.to_builtins(self.request.sampling, str_keys=True)
        plain = {name: value for name, value in sampling.items() if value not in (None, [], {})}
        usage, timings = self._usage.to_wire(), self._usage.timings
        return MessageMetadata(
            message_id=row.message_id or "",
            model=row.model,
            model_version=info.fingerprint if info else "",
            prompt_template="the model's own" if info and info.has_chat_template else "",
            model_params=plain,
            prompt_tokens=usage["prompt_tokens"],
            cached_tokens=usage["prompt_tokens_details"]["cached_tokens"],
            completion_tokens=usage["completion_tokens"] if self._finished else len(self._tokens),
            queue_ms=round(timings.get("queue_ms", 0)),
            prefill_ms=round(timings.get("prefill_ms", 0)),
            decode_ms=round(timings.get("decode_ms", 0)),
            num_dropped_messages=self.plan.num_dropped_messages,
            extra={SPENT: {name: round(value) for name, value in timings.items()}} if timings else {},
        )
