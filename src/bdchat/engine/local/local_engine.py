"""The server's end of a model's engine: requests in, events out, also when the process dies. Fulfils Engine.

Event loop only. A request belongs to this object, not to a process: what a dead process had is submitted to the next
one from the tokens seen so far, so that its reader notices a pause and nothing else. Knows requests, never HTTP.
"""

import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bdchat.engine.errors import EngineError, InvalidRequest, QueueFull, RequestQuarantined
from bdchat.engine.inspection import PinState, PromptSurvey, SequenceState
from bdchat.engine.local.child import ProcessSpawn, Spawn
from bdchat.engine.local.inflight import UNENCODABLE, InflightEmbedding, InflightRequest, Question
from bdchat.engine.local.inspector import Inspector
from bdchat.engine.local.pin_board import PinBoard
from bdchat.engine.local.quarantine import Quarantine
from bdchat.engine.local.questions import Questions
from bdchat.engine.local.rejections import error_of
from bdchat.engine.local.restarts import Death
from bdchat.engine.local.supervisor import Supervisor, Timeouts
from bdchat.engine.local.totals import with_former_lives
from bdchat.engine.metrics import EngineMetrics
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.request import (
    EmbeddingRequest,
    Embeddings,
    Event,
    GenerationRequest,
    Prompt,
    Resumption,
    SamplingDefaults,
    TokenText,
)
from bdchat.engine.wire import (
    MAX_FRAME_BYTES,
    Cancel,
    Detokenized,
    Embedded,
    Forget,
    Inspected,
    Load,
    Loading,
    Pin,
    Pinned,
    Rejected,
    Report,
    Step,
    Surveyed,
    Tokenized,
    Unpin,
)
from bdchat.settings import EngineSettings

log = logging.getLogger(__name__)


class LocalEngine:
    """One model, one process at a time. `async with`, or `start` before anything else and `aclose` in the end."""

    def __init__(
        self,
        model_path: Path,
        model_id: str,
        settings: EngineSettings,
        *,
        cache_dir: Path,
        queue_limit: int = 64,
        generation_s: float = 0.0,
        draft_path: str = "",
        sampling_defaults: SamplingDefaults | None = None,
        languages: tuple[str, ...] = (),
        owner: str = "bdchat",
        has_fim: bool = False,
        purpose: str = "chat",
        spawn: Spawn | None = None,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        load = Load(
            model_path=str(model_path),
            model_id=model_id,
            settings=settings.model_dump(mode="json"),
            cache_dir=str(cache_dir),
            queue_limit=queue_limit,
            draft_path=draft_path,
            generation_s=generation_s,
        )
        self.model_id = model_id
        self.sampling_defaults = sampling_defaults or SamplingDefaults()
        self.languages, self.owner, self.has_fim, self.purpose = languages, owner, has_fim, purpose
        self._supervisor = Supervisor(
            load,
            self,
            spawn=spawn or ProcessSpawn(),
            timeouts=timeouts or Timeouts(load_s=settings.load_timeout_s),
            clock=clock,
        )
        self._max_in_flight = 2 * queue_limit + settings.max_sequences  # the queue's own limit is the process's affair
        self._quarantine = Quarantine()
        self._inflight: dict[str, InflightRequest | Question] = {}  # oldest first
        self._end: Callable[[], EngineError] | None = None  # why nothing is served
        self._has_progressed = False  # a token came in this life
        self._metrics = EngineMetrics()
        self._former_lives = EngineMetrics()
        self._questions = Questions(self._register, self._leave)
        self._pin_board = PinBoard()
        self._inspector = Inspector(clock)

    # --- the contract -------------------------------------------------------------------------------------------------

    @property
    def info(self) -> ModelInfo | None:
        return self._supervisor.info

    @property
    def state(self) -> str:
        return self._supervisor.state

    @property
    def problem(self) -> str | None:
        return self._supervisor.problem

    @property
    def lacks_memory(self) -> bool:
        return self._supervisor.lacks_memory

    @property
    def num_restarts(self) -> int:
        return self._supervisor.num_restarts

    @property
    def progress(self) -> Loading | None:
        """What the process is doing while it loads."""
        return self._supervisor.progress

    @property
    def load_fraction(self) -> float | None:
        return self.progress.fraction if self.progress else None

    @property
    def pid(self) -> int | None:
        return self._supervisor.child.pid if self._supervisor.child else None

    @property
    def num_in_flight(self) -> int:
        return len(self._inflight)

    async def inspect(self) -> tuple[SequenceState, ...]:
        child = self._supervisor.child
        return await self._inspector.ask(child) if self._supervisor.can_submit and child is not None else ()

    def metrics(self) -> EngineMetrics:
        return with_former_lives(self._former_lives, self._metrics)

    async def generate(self, request: GenerationRequest, resumption: Resumption | None = None) -> AsyncGenerator[Event]:
        try:
            submitted = InflightRequest(request, resumption)
        except UNENCODABLE as error:
            raise InvalidRequest("prompt", f"cannot be represented ({type(error).__name__})") from error
        self._register(submitted)
        try:
            while batch := await submitted.next_batch():
                for event in batch:
                    yield event
        finally:
            self._leave(submitted)

    def cancel(self, request_id: str) -> None:
        submitted = self._inflight.get(request_id)
        if not isinstance(submitted, InflightRequest):
            return
        if submitted.is_submitted:
            submitted.is_cancelled = True
            self._cancel(submitted)
        else:
            submitted.end_cancelled()
            self._unregister(submitted)

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        return await self._questions.embed(request)

    async def tokenize(self, prompt: Prompt) -> tuple[int, ...]:
        return await self._questions.tokenize(prompt)

    async def detokenize(self, tokens: Sequence[int]) -> TokenText:
        return await self._questions.detokenize(tokens)

    async def survey(self, prompt: Prompt) -> PromptSurvey:
        return await self._questions.survey(prompt)

    def forget(self, cache_tag: str) -> None:
        self._send(Forget(cache_tag=cache_tag))

    def pin(self, pin_id: str, system_prompt: str) -> None:
        self._send(self._pin_board.put(pin_id, system_prompt))

    def unpin(self, pin_id: str) -> None:
        self._pin_board.remove(pin_id)
        self._send(Unpin(pin_id=pin_id))

    def pins(self) -> tuple[PinState, ...]:
        return self._pin_board.states()

    def _send(self, command: Forget | Pin | Unpin) -> None:
        """Who has no process has nothing to change; its next one is told in on_ready."""
        if self._supervisor.child is not None and self._supervisor.can_submit:
            self._supervisor.child.send(command)

    def start(self) -> None:
        """Begins to load, in the background."""
        self._end = None
        self._supervisor.start()

    async def wait_ready(self) -> ModelInfo:
        """Raises ModelLoadFailed or EngineUnavailable."""
        await self._supervisor.settled()
        if self._end is not None:
            raise self._end()
        assert self.info is not None
        return self.info

    async def aclose(self) -> None:
        """Ends the process and what is still in flight. Drain first if that matters."""
        await self._supervisor.aclose()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # --- requests -----------------------------------------------------------------------------------------------------

    def _register(self, submitted: InflightRequest | Question) -> None:
        if self._supervisor.may_start_again:
            self.start()
        if self._end is not None:
            raise self._end()
        if len(self._inflight) >= self._max_in_flight:
            raise QueueFull(retry_after_s=5.0)
        if submitted.request_id in self._inflight:
            raise InvalidRequest("request_id", "is in use")
        if submitted.num_bytes > MAX_FRAME_BYTES:
            raise InvalidRequest("prompt", "is too large")
        self._inflight[submitted.request_id] = submitted
        self._submit_waiting()

    def _leave(self, submitted: InflightRequest | Question) -> None:
        """The reader is done with it, or no longer wants it."""
        if self._inflight.get(submitted.request_id) is submitted:
            self._cancel(submitted)
            self._unregister(submitted)

    def _cancel(self, submitted: InflightRequest | Question) -> None:
        if submitted.is_submitted and self._supervisor.child is not None:
            self._supervisor.child.send(Cancel(request_id=submitted.request_id))

    def _unregister(self, submitted: InflightRequest | Question) -> None:
        del self._inflight[submitted.request_id]
        if self._quarantine.forget(submitted.request_id):
            self._submit_waiting()

    def _submit_waiting(self) -> None:
        child = self._supervisor.child
        if not self._supervisor.can_submit or child is None:
            return
        waiting = [i for i, submitted in self._inflight.items() if not submitted.is_submitted]
        for request_id in self._quarantine.may_enter(waiting, self._in_flight()):
            submitted = self._inflight[request_id]
            submitted.is_submitted = True
            child.send_frame(submitted.frame())

    def _in_flight(self) -> list[str]:
        return [i for i, submitted in self._inflight.items() if submitted.is_submitted]

    # --- what the process says ----------------------------------------------------------------------------------------

    def on_report(self, report: Report) -> None:
        if type(report) is Step:
            self._take_step(report)
        elif type(report) is Rejected:
            self._reject(report)
        elif type(report) is Inspected:
            self._inspector.take(report)
        elif type(report) is Pinned:
            self._pin_board.take(report.pins)
        elif type(report) is Embedded:
            self._take_vectors(report)
        elif type(report) is Tokenized:
            self._answer(report.request_id, report.tokens)
        elif type(report) is Detokenized:
            self._answer(report.request_id, report.said)
        elif type(report) is Surveyed:
            self._answer(report.request_id, report.survey)

    def _answer(self, request_id: str, answer: object) -> None:
        question = self._inflight.get(request_id)
        if isinstance(question, Question) and not question.is_over:
            question.answer.set_result(answer)
            self._unregister(question)

    def _take_vectors(self, piece: Embedded) -> None:
        asked = self._inflight.get(piece.request_id)
        if not isinstance(asked, InflightEmbedding):
            return  # cancelled meanwhile
        self._note_progress(piece.request_id, asked.take_vectors(piece))
        if asked.is_over:
            self._unregister(asked)

    def _note_progress(self, request_id: str, num_tokens: int) -> None:
        if not self._has_progressed:
            self._has_progressed = True
            self._supervisor.note_progress()
        if self._quarantine.has_suspects and self._quarantine.note_tokens(request_id, num_tokens):
            self._submit_waiting()

    def _take_step(self, step: Step) -> None:
        if step.metrics is not None:
            self._metrics = step.metrics
        for event in step.events:
            submitted = self._inflight.get(event.request_id)
            if submitted is None:
                continue  # cancelled meanwhile
            num_tokens = submitted.take(event)
            if num_tokens:
                self._note_progress(event.request_id, num_tokens)
            elif submitted.is_over:
                self._unregister(submitted)

    def _reject(self, report: Rejected) -> None:
        submitted = self._inflight.get(report.request_id)
        if submitted is None:
            return
        if isinstance(submitted, InflightRequest) and submitted.is_cancelled:
            submitted.end_cancelled()
            self._unregister(submitted)
            return
        submitted.fail(error_of(report))
        self._unregister(submitted)

    # --- what happens to the process ----------------------------------------------------------------------------------

    @property
    def usual_step_s(self) -> float | None:
        metrics = self.metrics()
        return (metrics.decode_seconds + metrics.outside_seconds) / metrics.num_steps if metrics.num_steps else None

    def on_ready(self) -> None:
        self._has_progressed = False
        for pin in self._pin_board.for_a_new_process():
            self._send(pin)
        self._submit_waiting()

    def on_death(self, death: Death) -> None:
        self._former_lives = with_former_lives(self._former_lives, self._metrics)
        self._metrics = EngineMetrics()
        self._inspector.forget()
        self._pin_board.note_death(is_suspect=death.may_be_a_requests_fault)
        if death.may_be_a_requests_fault:
            self._accuse()
        for submitted in tuple(self._inflight.values()):
            submitted.is_submitted = False
            if isinstance(submitted, InflightRequest) and submitted.is_cancelled:
                submitted.end_cancelled()
                self._unregister(submitted)

    def _accuse(self) -> None:
        guilty = self._quarantine.note_death(self._in_flight())
        if guilty is None:
            return
        num_deaths = self._quarantine.num_deaths(guilty)
        log.error("request quarantined", extra={"request_ids": [guilty], "num_deaths": num_deaths})
        submitted = self._inflight[guilty]
        submitted.fail(RequestQuarantined(num_deaths))
        self._unregister(submitted)

    def on_end(self, error: Callable[[], EngineError]) -> None:
        self._end = error
        for submitted in self._inflight.values():
            self._cancel(submitted)
            self._quarantine.forget(submitted.request_id)
            submitted.fail(error())
        self._inflight.clear()
