"""One run of the model for a stored answer: what it says, holds back, refuses, and how its end is written."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from bdchat.api.bus.interface import session_topic
from bdchat.api.bus.local_bus import LocalBus
from bdchat.api.durable.recorded_run import RecordedRun, RunPlan, Suspended
from bdchat.api.durable.recorder import RecordedLog, Recorder
from bdchat.api.generation.events import Ended, LogEvent, Started
from bdchat.api.generation.latency import LatencyMeter
from bdchat.api.generation.service import GenerationService
from bdchat.api.schemas.messages import MetadataView, SpentView
from bdchat.engine.errors import EngineUnavailable, GenerationFailed, QueueTimeout
from bdchat.engine.request import (
    Accepted,
    ChatMessage,
    ChatPrompt,
    Delta,
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    Progress,
    Resumption,
    SamplingParams,
    Timings,
    TokenLogprob,
    Usage,
)
from bdchat.settings import StoreSettings
from bdchat.store.chats.answers import AnswerEnd
from bdchat.store.errors import StoreFull
from bdchat.store.sql.database import Database
from bdchat.store.tables import SPENT, Generation
from tests.api.serving import fresh_data_dir
from tests.fake_engine import FakeEngine
from tests.patience import until

pytestmark = pytest.mark.anyio
REQUEST = GenerationRequest(
    request_id="g",
    prompt=ChatPrompt(messages=(ChatMessage(role="user", content="hi"),)),
    sampling=SamplingParams(seed=5),
)


class ScriptedEngine(FakeEngine):
    """Says exactly these events, then, unless they end it, what a FakeEngine without pieces does."""

    script: Sequence[Event] = ()

    async def _answer(self, request: Any, usage: Any, resumption: Any) -> AsyncGenerator[Event]:
        for event in self.script:
            yield event
        if any(isinstance(event, Finished) for event in self.script):
            return
        for event in self._finished(request, usage, [[]], resumption, [FinishReason.STOP]):
            yield event


class Stage:
    """A run, and what it has written and said."""

    def __init__(self, engine: FakeEngine, plan: RunPlan) -> None:
        self.service = GenerationService(LatencyMeter())
        self.bus = LocalBus()
        self.ends: list[AnswerEnd] = []
        self.failures: list[Exception] = []  # to come
        self.is_ours = True
        self.log = RecordedLog("g", [Started()], num_run=plan.row.num_resumes)
        database = Database(StoreSettings(), fresh_data_dir())
        self.run = RecordedRun(
            plan,
            self.log,
            recorder=Recorder(database, owner="a", interval_s=60),
            service=self.service,
            engine=engine,
            bus=self.bus,
            write_end=self._write_end,
        )

    async def _write_end(self, plan: RunPlan, rows: list[dict[str, Any]], end: AnswerEnd) -> bool:
        if self.failures:
            raise self.failures.pop()
        self.ends.append(end)
        return self.is_ours


def plan(**more: Any) -> RunPlan:
    """`more`: of the plan, or of the row."""
    of_plan = {name: more.pop(name) for name in ("text", "tokens", "num_known_tokens") if name in more}
    about: dict[str, Any] = {
        "session_id": "s",
        "message_id": "m",
        "user_id": "u",
        "model": "fake",
        "wire": {},
        "num_resumes": 0,
    }
    row = Generation(generation_id="g", request=b"", created_at_ms=0, **(about | more))
    return RunPlan(row, REQUEST, **of_plan)


def delta(text: str, *tokens: int, logprobs: bool = False) -> Delta:
    scored = tuple(TokenLogprob(token_id=t, token_bytes=bytes([t]), logprob=-1.0) for t in tokens) if logprobs else ()
    return Delta(request_id="g", index=0, text=text, tokens=tokens, logprobs=scored)


def scripted(*events: Event) -> ScriptedEngine:
    engine = ScriptedEngine()
    engine.script = events
    return engine


async def test_tokens_without_text_go_with_the_next_text_and_so_do_their_logprobs() -> None:
    stage = Stage(
        scripted(delta("a", 1, logprobs=True), delta("", 2, 3, logprobs=True), delta("é", 4, logprobs=True)), plan()
    )
    await stage.service.run(stage.run)
    first, second = (event for event in stage.log.events if isinstance(event, Delta))
    assert (first.tokens, second.tokens) == ((1,), (2, 3, 4))
    assert [entry.token_id for entry in second.logprobs] == [2, 3, 4]
    assert stage.ends[0].ending.content == "aé"
    assert stage.ends[0].num_tokens == 4


async def test_the_token_that_ended_it_keeps_its_logprob() -> None:
    end = TokenLogprob(token_id=2, token_bytes=b"", logprob=-0.1, control_text="</s>")
    usage = Usage(num_prompt_tokens=1, num_cached_tokens=0, num_completion_tokens=2)
    timings = Timings(queue_ms=0, prefill_ms=0, decode_ms=0)
    finished = Finished(request_id="g", index=0, reason=FinishReason.STOP, usage=usage, timings=timings)
    last = Delta(request_id="g", index=0, text="", logprobs=(end,))
    stage = Stage(scripted(delta("a", 1, logprobs=True), last, finished), plan())
    await stage.service.run(stage.run)
    deltas = [event for event in stage.log.events if isinstance(event, Delta)]
    assert [entry.control_text for event in deltas for entry in event.logprobs] == ["", "</s>"]
    assert (stage.ends[0].ending.content, stage.ends[0].num_tokens) == ("a", 1)


async def test_what_an_answer_took_is_kept_with_it() -> None:
    usage = Usage(
        num_prompt_tokens=90, num_cached_tokens=80, num_completion_tokens=2, num_cached_from_ram=80, num_preemptions=1
    )
    timings = Timings(queue_ms=1.5, prefill_ms=2.4, decode_ms=3.6, swapped_ms=7.2, saved_ms=-0.6)
    finished = Finished(request_id="g", index=0, reason=FinishReason.STOP, usage=usage, timings=timings)
    stage = Stage(scripted(delta("a", 1), finished), plan())
    await stage.service.run(stage.run)
    assert stage.ends[0].ending.usage["timings"]["swapped_ms"] == 7.2
    view = MetadataView.of(stage.ends[0].metadata, stage.ends[0].metadata.extra[SPENT])
    assert (view.queue_ms, view.spent) == (
        2,
        SpentView(swapped_ms=7, saved_ms=-1, num_cached_from_ram=80, num_preemptions=1),
    )


@pytest.mark.parametrize("kept", [None, [], "spent", 3])
def test_what_an_import_brought_instead_is_nothing(kept: object) -> None:
    assert SpentView.of(kept) is None
    assert SpentView.of({"saved_ms": 10**30, "swapped_ms": "1", "num_preemptions": True, "more": 1}) == SpentView(
        saved_ms=2**53 - 1
    )


async def test_what_no_database_keeps_is_replaced() -> None:
    stage = Stage(scripted(delta("a\0b", 1)), plan())
    await stage.service.run(stage.run)
    assert stage.ends[0].ending.content == "a\N{REPLACEMENT CHARACTER}b"


async def test_a_run_that_goes_on_counts_what_was_said_before_as_known() -> None:
    engine = FakeEngine(pieces=("one ", "two"))
    going_on = plan(prefix="on", text="e ", tokens=(7, 8, 9), num_known_tokens=2, num_resumes=1)
    stage = Stage(engine, going_on)
    await stage.service.run(stage.run)
    assert engine.resumptions == [
        Resumption(prompt_tokens=(), seed=5, choice_tokens=((7, 8, 9),), num_chars_sent=(4,), finished=(False,))
    ]
    assert stage.ends[0].ending.content == "e two"
    assert stage.ends[0].counts["completion_tokens"] == len("two") + 3 - 2


async def test_progress_is_told_and_kept_and_is_no_event() -> None:
    waiting = Progress(request_id="g", queue_position=3, num_prompt_tokens=9, is_paused=True, eta_ms=4520)
    reading = Progress(request_id="g", queue_position=None, num_prompt_tokens=9, num_computed_tokens=4)
    stage = Stage(scripted(waiting, reading, delta("a", 1)), plan())
    async with stage.bus.subscribe(session_topic("s")) as heard:
        await stage.service.run(stage.run)
        said = [(await anext(heard))[1] for _ in range(5)]
    kinds = [message["type"] for message in said]
    assert kinds == [
        "generation.event",
        "generation.queued",
        "generation.prefill",
        "generation.event",
        "generation.ended",
    ]
    assert (said[1]["position"], said[1]["is_paused"], said[1]["eta_s"]) == (3, True, 4.5)
    assert (said[2]["num_done"], said[2]["eta_s"]) == (4, None)
    assert stage.run.progress == said[2]
    assert [type(event) for event in stage.log.events] == [Started, Delta, Ended]


async def test_only_what_was_never_taken_in_ends_as_refused() -> None:
    """Of an answer that a server's end cut off, the first run was: what it said is kept."""
    for num_run, is_refused in ((0, True), (1, False)):
        stage = Stage(FakeEngine(refusal=QueueTimeout(3.0)), plan(num_resumes=num_run))
        await stage.service.run(stage.run)
        assert [end.is_refused for end in stage.ends] == [is_refused]
    stage = Stage(FakeEngine(failure=GenerationFailed("no")), plan())
    await stage.service.run(stage.run)
    assert [end.is_refused for end in stage.ends] == [False]


async def test_a_refusal_is_raised_once_it_is_stored() -> None:
    stage = Stage(FakeEngine(refusal=QueueTimeout(3.0)), plan())
    running = stage.service.run(stage.run)
    with pytest.raises(QueueTimeout):
        await stage.run.accepted()
    assert (stage.ends[0].ending.state, stage.ends[0].ending.error["status"]) == ("failed", 503)
    await running


async def test_a_run_that_is_stopped_before_it_began_never_reaches_the_engine() -> None:
    engine = FakeEngine()
    stage = Stage(engine, plan())
    stage.run.stop()
    await stage.service.run(stage.run)
    await stage.run.ended()
    assert engine.requests == []
    assert (stage.ends[0].ending.state, stage.ends[0].ending.finish_reason) == ("stopped", "cancelled")


async def test_an_end_that_cannot_be_written_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdchat.api.durable.recorded_run.END_RETRY_S", 0.001)
    stage = Stage(FakeEngine(), plan())
    stage.failures = [StoreFull("no room"), StoreFull("no room")]
    await stage.service.run(stage.run)
    assert len(stage.ends) == 1
    assert isinstance(stage.log.events[-1], Ended)


async def test_an_end_that_can_never_be_written_is_left_to_the_next_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bdchat.api.durable.recorded_run.END_RETRY_S", 0.001)
    stage = Stage(FakeEngine(), plan())
    stage.failures = [StoreFull("no room")] * 10_000
    running = stage.service.run(stage.run)
    await until(lambda: len(stage.failures) < 9_998)
    await stage.service.drain(timeout_s=0)
    await running
    assert stage.ends == []
    assert isinstance(stage.log.error, Suspended)


async def test_a_run_that_another_server_has_ends_without_a_word() -> None:
    stage = Stage(FakeEngine(), plan())
    stage.is_ours = False
    async with stage.bus.subscribe(session_topic("s")) as heard:
        await stage.service.run(stage.run)
        await stage.bus.publish(session_topic("s"), {"type": "x"})
        kinds = [message["type"] async for _, message in _until(heard, "x")]
    assert "generation.ended" not in kinds
    assert isinstance(stage.log.events[-1], Delta)
    assert isinstance(stage.log.error, EngineUnavailable)


async def _until(heard: Any, last: str) -> AsyncGenerator[Any]:
    async for item in heard:
        yield item
        if item[1]["type"] == last:
            return


async def test_a_fault_of_ours_fails_the_answer_and_says_nothing_of_it() -> None:
    stage = Stage(scripted(Accepted(request_id="g", prompt_tokens=(), seed=1), delta("a", 1)), plan())
    stage.log.append = _broken  # type: ignore[method-assign]
    running = stage.service.run(stage.run)
    await running
    assert stage.ends[0].ending.state == "failed"
    assert "boom" not in str(stage.ends[0].ending.error)


def _broken(event: LogEvent) -> None:
    if isinstance(event, Delta):
        raise RuntimeError("boom")
