"""One run of the model for a stored answer: engine events in, numbered events out. Event loop only.

It belongs to the server: readers come and go, and only `stop`, its end or the server's end finish it. What the server's
end cuts off stays "running" in the store, for the next start to go on with.
"""

import array
import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from bdchat.api.bus.interface import Bus, session_topic
from bdchat.api.durable.event_log import EventLog, LoggedEvent, RunLog, event_id, reset
from bdchat.api.generation.service import Generation, GenerationService
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
    ModelInfo,
    Progress,
    Resumption,
    TokenLogprob,
)
from bdchat.store.chats.generations import Ending
from bdchat.store.chats.messages import storable
from bdchat.store.errors import StoreError
from bdchat.store.ids import now_ms
from bdchat.store.tables import MessageMetadata

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
    """`tokens`: of the whole message so far, `text`: of this run so far; `prefix`: of the message before this run."""

    generation_id: str
    session_id: str | None
    message_id: str | None
    user_id: str
    model: str
    request: GenerationRequest
    created_at_ms: int
    num_run: int = 0  # Generation.num_resumes
    prefix: str = ""
    text: str = ""
    tokens: tuple[int, ...] = ()
    num_known_tokens: int = 0  # of `tokens`: booked by earlier runs
    num_dropped_messages: int = 0

    @property
    def resumption(self) -> Resumption | None:
        if not self.num_run and not self.tokens:
            return None
        assert self.request.sampling.seed is not None
        return Resumption(
            prompt_tokens=(),
            seed=self.request.sampling.seed,
            choice_tokens=(self.tokens,),
            num_chars_sent=(len(self.prefix) + len(self.text),),
            finished=(False,),
        )


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What is to be written with the last event."""

    ending: Ending
    metadata: MessageMetadata
    counts: dict[str, int]
    num_tokens: int
    is_refused: bool  # the engine never took it in


# (plan, rows of the log, end) → False when the answer is no longer this server's
WriteEnd = Callable[[RunPlan, list[dict[str, Any]], RunEnd], Awaitable[bool]]


class StoredRun:
    """`run` is its task, made by DurableGenerations."""

    def __init__(
        self,
        plan: RunPlan,
        run_log: RunLog,
        *,
        event_log: EventLog,
        service: GenerationService,
        engine: Engine | None,
        bus: Bus,
        write_end: WriteEnd,
    ) -> None:
        """`engine` None: it can only be interrupted."""
        self.plan = plan
        self.log = run_log
        self.progress: dict[str, Any] | None = None  # the newest: where it waits, how far its prompt is read
        self._event_log = event_log
        self._service = service
        self._engine = engine
        self._bus = bus
        self._write_end = write_end
        self._spending = Spending(
            num_known_tokens=plan.num_known_tokens, is_counted=plan.num_run > 0 or plan.resumption is None
        )
        self._usage = UsageCount()
        self._texts = [plan.text]
        self._tokens = array.array("i", plan.tokens)
        self._unsaid: list[int] = []  # tokens whose text is held back: they go with the next text
        self._unsaid_logprobs: list[TokenLogprob] = []
        self._num_prompt_tokens: int | None = None
        self._generation: Generation | None = None
        self._is_stopping = False
        self._refusal: EngineError | None = None
        self._has_begun = asyncio.Event()
        self._has_ended = asyncio.Event()

    @property
    def num_tokens(self) -> int:
        """Of the whole message so far."""
        return len(self._tokens)

    async def accepted(self) -> None:
        """Returns when the engine has taken it in. Raises what it refused it with."""
        await self._has_begun.wait()
        if self._refusal is not None:
            raise self._refusal

    async def ended(self) -> None:
        """Returns when its end is stored, or will be by another."""
        await self._has_ended.wait()

    def lose(self) -> None:
        """Another server goes on with it."""
        self.log.is_lost = True
        if self._generation is not None:
            self._generation.cancel(EngineUnavailable(LOST, 1.0))

    def stop(self) -> None:
        """Ends it; what it has said is kept."""
        self._is_stopping = True
        if self._generation is not None:
            self._generation.stop()

    async def interrupt(self, error: EngineError) -> None:
        """Instead of `run`: what a server that is gone had said is all there will be, and `error` is why."""
        self._event_log.open(self.log)
        try:
            await self._tell_beginning()
            await self._fail(error, "interrupted")
        finally:
            self._event_log.close(self.log)
            self.log.close()

    async def run(self) -> None:
        self._event_log.open(self.log)
        try:
            await self._tell_beginning()
            finished = await self._follow_engine()
        except Suspended as error:
            await self._event_log.flush()
            self._event_log.close(self.log)
            self.log.close(error)
        except EngineError as error:
            await self._fail(error)
        except Exception:
            log.exception("a stored answer broke", extra={"request_id": self.plan.generation_id})
            await self._fail(EngineUnavailable("the server had an internal error", 5.0))
        else:
            await self._finish(finished)
        finally:
            self._event_log.close(self.log)
            self.log.close()
            self._has_begun.set()
            self._has_ended.set()

    async def _tell_beginning(self) -> None:
        """Whoever listens to an earlier run may have heard what was never committed."""
        plan = self.plan
        if not plan.num_run:
            for event in self.log.events:
                await self._publish(event)
        elif plan.session_id is not None:
            _, (_, kind, data) = reset(plan.num_run, self.log.events)
            await self._publish(LoggedEvent(self.log.last_seq, kind, data))

    # --- while it runs ------------------------------------------------------------------------------------------------

    async def _follow_engine(self) -> Finished | None:
        """The last event. None: it was stopped, and the engine could not say so. Raises EngineError."""
        assert self._engine is not None
        try:
            plan = self.plan
            self._generation = self._service.start_stored(
                self._engine, plan.request, plan.resumption, self._spending, user_id=plan.user_id
            )
            if self._is_stopping:
                self._generation.stop()
            finished: Finished | None = None
            async for batch in self._generation.follow():
                for event in batch:
                    if isinstance(event, Finished):
                        finished = event  # not yet told: it waits for its commit, together with what came before it
                        self._usage.add_finished(event)
                    else:
                        await self._take(event)
                self._has_begun.set()
                if finished is None and self.log.has_uncommitted:
                    self._event_log.note_news()
                if self.log.is_lost:
                    raise EngineUnavailable(LOST, 1.0)
        except EngineUnavailable as error:
            if self._service.is_draining:
                raise Suspended from error
            raise
        finally:
            if self._generation is not None and not self._generation.is_ended:
                self._generation.cancel()
        if finished is None and not self._is_stopping:
            raise Suspended if self._service.is_draining else EngineUnavailable("the answer was cut off", 5.0)
        return finished

    async def _take(self, event: Event) -> None:
        if isinstance(event, Delta):
            self._tokens.extend(event.tokens)
            self._unsaid += event.tokens
            self._unsaid_logprobs += event.logprobs
            if event.text:
                await self._say(event)
        elif isinstance(event, Progress):
            await self._tell_progress(event)
        elif isinstance(event, Accepted):
            self._num_prompt_tokens = len(event.prompt_tokens)
            self._usage.add_accepted(event)

    async def _say(self, event: Delta) -> None:
        text = storable(event.text)
        self._texts.append(text)
        tokens, self._unsaid = self._unsaid, []
        data: dict[str, Any] = {"index": 0, "text": text, "tokens": tokens}
        if self._unsaid_logprobs:
            data["logprobs"] = msgspec.to_builtins(self._unsaid_logprobs)
            self._unsaid_logprobs = []
        await self._publish(self.log.append("delta", data))

    async def _tell_progress(self, event: Progress) -> None:
        head = {"generation_id": self.plan.generation_id, "message_id": self.plan.message_id}
        if event.queue_position is not None:
            position = event.queue_position
            self.progress = {"type": "generation.queued", **head, "position": position, "eta_s": self._eta_s(position)}
        else:
            self.progress = {
                "type": "generation.prefill",
                **head,
                "num_done": event.num_computed_tokens,
                "num_total": event.num_prompt_tokens,
                "num_cached": event.num_cached_tokens,
            }
        await self._to_session(self.progress)

    def _eta_s(self, position: int) -> float | None:
        """Until it has a place, if answers go on being as long and as fast as so far."""
        assert self._engine is not None
        metrics, info = self._engine.metrics(), self._engine.info
        if info is None or not metrics.num_steps or not metrics.num_requests:
            return None
        step_s = (metrics.decode_seconds + metrics.outside_seconds) / metrics.num_steps
        answer_s = step_s * metrics.tokens_generated / metrics.num_requests
        return round(position * answer_s / max(1, info.num_sequences), 1)

    async def _publish(self, event: LoggedEvent) -> None:
        plan = self.plan
        if plan.session_id is None:
            return
        head = {"type": "generation.event", "generation_id": plan.generation_id, "message_id": plan.message_id}
        await self._to_session(head | {"seq": event_id(plan.num_run, event.seq), "kind": event.kind, **event.data})

    async def _to_session(self, message: dict[str, Any]) -> None:
        if self.plan.session_id is not None:
            await self._bus.publish(session_topic(self.plan.session_id), message)

    # --- its end ------------------------------------------------------------------------------------------------------

    async def _finish(self, finished: Finished | None) -> None:
        reason = finished.reason if finished else FinishReason.CANCELLED
        state = STATES.get(reason, "failed")
        usage, timings = self._usage.to_wire(), self._usage.timings
        data = {"reason": reason.value, "state": state, "usage": usage, "timings": timings}
        ending = self._ending(state, finish_reason=reason.value, usage={**usage, "timings": timings})
        await self._end("finished", data, ending, finished)

    async def _fail(self, error: EngineError, state: str = "failed") -> None:
        if not self._has_begun.is_set():
            self._refusal = error
        if self.log.is_lost:
            self.log.close(error)
            return
        reply = error_reply(error)
        data = {"error": msgspec.json.decode(reply.body)["error"], "status": reply.status, "state": state}
        if reply.retry_after_s is not None:
            data["retry_at_ms"] = now_ms() + reply.retry_after_s * 1000  # read at any time: then the rest counts
        await self._end("failed", data, self._ending(state, error=data), None)

    def _ending(
        self,
        state: str,
        *,
        finish_reason: str | None = None,
        usage: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
    ) -> Ending:
        return Ending(
            state=state,
            content="".join(self._texts),
            tokens=self._tokens.tobytes(),
            finish_reason=finish_reason,
            last_seq=self.log.last_seq + 1,
            usage=usage or {},
            error=error or {},
            num_prompt_tokens=self._num_prompt_tokens,
        )

    async def _end(self, kind: str, data: dict[str, Any], ending: Ending, finished: Finished | None) -> None:
        end = RunEnd(
            ending=ending,
            metadata=self._metadata(self._engine.info if self._engine else None, finished),
            counts=self._spending.counts(),
            num_tokens=len(self._tokens),
            is_refused=self._refusal is not None and not self.plan.num_run,  # an earlier run was taken in
        )

        async def write(rows: list[dict[str, Any]], seq: int) -> None:
            assert seq == ending.last_seq
            self.log.is_lost = not await self._write_end(self.plan, rows, end)

        while True:
            try:
                last = await self._event_log.end(self.log, kind, data, write)
                break
            except StoreError as error:
                log.warning("the end of %s could not be written: %s", self.plan.generation_id, error)
                if self._service.is_draining:
                    self.log.close(Suspended())
                    return
                await asyncio.sleep(END_RETRY_S)
        if self.log.is_lost:
            self.log.close(EngineUnavailable(LOST, 1.0))
            return
        plan = self.plan
        head = {"type": "generation.ended", "generation_id": plan.generation_id, "message_id": plan.message_id}
        told = {"finish_reason": ending.finish_reason, "usage": ending.usage}
        told |= {name: data.get(name) for name in ("error", "retry_at_ms")}
        await self._to_session(head | {"state": ending.state, "seq": event_id(plan.num_run, last.seq)} | told)

    def _metadata(self, info: ModelInfo | None, finished: Finished | None) -> MessageMetadata:
        sampling = msgspec.to_builtins(self.plan.request.sampling, str_keys=True)
        plain = {name: value for name, value in sampling.items() if value not in (None, [], {})}
        usage, timings = self._usage.to_wire(), self._usage.timings
        return MessageMetadata(
            message_id=self.plan.message_id or "",
            model=self.plan.model,
            model_version=info.fingerprint if info else "",
            prompt_template="the model's own" if info and info.has_chat_template else "",
            model_params=plain,
            prompt_tokens=usage["prompt_tokens"],
            cached_tokens=usage["prompt_tokens_details"]["cached_tokens"],
            completion_tokens=usage["completion_tokens"] if finished else len(self._tokens),
            queue_ms=round(timings.get("queue_ms", 0)),
            prefill_ms=round(timings.get("prefill_ms", 0)),
            decode_ms=round(timings.get("decode_ms", 0)),
            num_dropped_messages=self.plan.num_dropped_messages,
        )
