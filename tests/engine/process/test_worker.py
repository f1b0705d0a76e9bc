"""The child's loop, ear and mouth, in threads of this process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from bdchat.engine.process.inbox import Inbox
from bdchat.engine.process.outbox import Outbox
from bdchat.engine.process.worker import Worker
from bdchat.engine.request import Accepted, Delta, Event, Finished, FinishReason, Prompt, Resumption
from bdchat.engine.wire import (
    Cancel,
    Command,
    FrameSplitter,
    Load,
    LoadFailed,
    Loading,
    Ping,
    Pong,
    Ready,
    Rejected,
    Report,
    Shutdown,
    Step,
    Submit,
    Tokenize,
    Tokenized,
    decode_report,
    encode,
)
from tests.engine.fake_process import RAISE, FakeLoader, FakePromptBuilder, ask, expected_text
from tests.patience import PATIENCE_S

R = TypeVar("R", bound=Report)
LOAD = Load(
    model_path="fake?step_ms=0", model_id="served-as", settings={"disk_cache_bytes": 0}, cache_dir="", queue_limit=2
)


class Parent:
    """The other end of the socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._frames = FrameSplitter()
        self._reports: list[Report] = []
        self.accepted: Accepted | None = None  # the last one

    def send(self, *commands: Command) -> None:
        self.sock.sendall(b"".join(encode(command) for command in commands))

    def next(self, kind: type[R] | tuple[type[R], ...]) -> R:
        """The next report of that kind; what came before it is dropped."""
        while True:
            while self._reports:
                report = self._reports.pop(0)
                if isinstance(report, kind):
                    return report
            data = self.sock.recv(65536)
            assert data, "the worker closed the connection"
            self._reports += [decode_report(body) for body in self._frames.feed(data)]

    def answer(self, request_id: str) -> tuple[str, Finished]:
        text = ""
        while True:
            for event in self.next(Step).events:
                if isinstance(event, Accepted):
                    self.accepted = event
                if event.request_id == request_id and isinstance(event, Delta):
                    text += event.text
                if event.request_id == request_id and isinstance(event, Finished):
                    return text, event


@contextmanager
def worker(load: Load = LOAD) -> Iterator[Parent]:
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE_S)
    outbox = Outbox(theirs)
    inbox = Inbox(theirs, outbox, on_hangup=lambda: None)
    inbox.start()
    thread = threading.Thread(target=Worker(inbox, outbox, FakeLoader()).run)
    thread.start()
    with ours, theirs:
        parent = Parent(ours)
        parent.send(load)
        try:
            yield parent
        finally:
            ours.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


@contextmanager
def loaded() -> Iterator[Parent]:
    with worker() as parent:
        parent.next(Ready)
        yield parent


def test_loading_is_reported_and_the_model_has_the_name_it_is_served_under() -> None:
    with worker() as parent:
        assert parent.next(Loading) == Loading(stage="reading", fraction=0.5)
        assert parent.next(Ready).info.model_id == "served-as"


def test_a_model_that_does_not_load_says_why() -> None:
    with worker(Load(model_path="fake?fail=bad magic", model_id="m", settings={}, cache_dir="")) as parent:
        assert parent.next(LoadFailed).reason == "ValueError: bad magic"


def test_a_request_is_accepted_streamed_and_finished() -> None:
    with loaded() as parent:
        parent.send(Submit(request=ask("hello", echo=True)))
        text, end = parent.answer("r-hello")
        assert (text, end.reason) == (expected_text("hello"), FinishReason.LENGTH)
        assert parent.accepted is not None
        assert (parent.accepted.prompt_tokens, parent.accepted.prompt_text) == (tuple(b"hello"), "hello")


def test_counters_ride_with_what_begins_or_ends_something_and_seldom_with_tokens() -> None:
    with loaded() as parent:
        parent.send(Submit(request=ask("hello", 400)))
        steps = [parent.next(Step)]
        while not isinstance(steps[-1].events[-1], Finished):
            steps.append(parent.next(Step))
        first, last = steps[0].metrics, steps[-1].metrics
        assert first is not None
        assert first.num_requests == 1
        assert last is not None
        assert last.tokens_generated == 400
        assert any(step.metrics is None for step in steps)


def test_a_resumed_request_sends_only_what_was_not_seen() -> None:
    whole = expected_text("hello")
    with loaded() as parent:
        resumption = Resumption(
            prompt_tokens=tuple(b"hello"),
            seed=1,
            choice_tokens=(tuple(whole[:25].encode()),),
            num_chars_sent=(20,),
            finished=(False,),
        )
        parent.send(Submit(request=ask("hello"), resumption=resumption))
        text, end = parent.answer("r-hello")
        assert text == whole[20:]
        assert end.usage.num_completion_tokens == len(whole)


def test_a_refused_request_is_rejected_with_the_errors_own_data() -> None:
    with loaded() as parent:
        parent.send(Submit(request=ask("x" * 2000, request_id="long")))
        assert parent.next(Rejected) == Rejected(
            request_id="long",
            error="ContextLengthExceeded",
            data={"num_prompt_tokens": 2000, "n_ctx": 1024, "param": "prompt"},
        )


def test_an_exception_in_a_step_fails_its_sequences_and_nothing_else() -> None:
    with loaded() as parent:
        parent.send(Submit(request=ask(RAISE, request_id="bad")))
        _, end = parent.answer("bad")
        assert end.reason is FinishReason.ERROR
        parent.send(Submit(request=ask("hello")))
        assert parent.answer("r-hello")[0] == expected_text("hello")


def test_prompts_are_tokenised_on_request() -> None:
    with loaded() as parent:
        parent.send(Tokenize(request_id="t", prompt=ask("환불").prompt))
        assert parent.next(Tokenized).tokens == tuple("환불".encode())


def test_a_ping_is_answered_by_the_loop() -> None:
    with loaded() as parent:
        parent.send(Ping(number=7))
        assert parent.next(Pong).number == 7


def test_a_cancelled_request_is_heard_of_no_more() -> None:
    with loaded() as parent:
        parent.send(Submit(request=ask("long", 900)), Cancel(request_id="r-long"), Submit(request=ask("b")))
        assert parent.answer("r-b")[0] == expected_text("b")
        parent.send(Ping(number=1))
        parent.next(Pong)


def test_shutdown_ends_the_loop() -> None:
    with loaded() as parent:
        parent.send(Submit(request=ask("long", 900)), Shutdown())


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1"], ids=["length", "body"])
def test_a_parent_that_speaks_nonsense_ends_the_loop(garbage: bytes) -> None:
    with loaded() as parent:
        parent.sock.sendall(garbage)


class SlowBuilder(FakePromptBuilder):
    """Builds when it is allowed to."""

    def __init__(self) -> None:
        self.is_building = threading.Event()
        self.may_go_on = threading.Event()

    def build(self, prompt: Prompt) -> list[int]:
        self.is_building.set()
        self.may_go_on.wait(PATIENCE_S)
        return super().build(prompt)


def test_a_cancel_overtakes_the_prompt_that_is_still_being_built() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        inbox = Inbox(theirs, Outbox(theirs), on_hangup=lambda: None)
        inbox.start()
        builder = SlowBuilder()
        inbox.build_prompts(builder)
        ours.sendall(encode(Submit(request=ask("first"))))
        assert builder.is_building.wait(PATIENCE_S)
        ours.sendall(encode(Cancel(request_id="r-first")) + encode(Ping(number=1)))
        assert inbox.take(wait_s=PATIENCE_S) == [Ping(number=1)]
        builder.may_go_on.set()
        ours.sendall(encode(Submit(request=ask("second"))))
        [arrival] = inbox.take(wait_s=PATIENCE_S)
        assert arrival.request.request_id == "r-second"  # type: ignore[union-attr]
        ours.shutdown(socket.SHUT_RDWR)
        inbox.take(wait_s=PATIENCE_S)


def test_a_parent_that_does_not_read_holds_nobody_up_and_loses_nothing() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(PATIENCE_S)
        outbox = Outbox(theirs)
        reports = [Tokenized(request_id=str(number), tokens=tuple(range(500))) for number in range(2000)]
        for report in reports:
            outbox.send(report)
        splitter, got = FrameSplitter(), list[Report]()
        while len(got) < len(reports):
            got += [decode_report(body) for body in splitter.feed(ours.recv(65536))]
        assert got == reports
        outbox.close()


def test_a_parent_that_is_megabytes_behind_makes_the_sender_wait_until_it_reads() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(PATIENCE_S)
        outbox = Outbox(theirs, max_backlog_bytes=10_000)
        report = Tokenized(request_id="", tokens=tuple(range(500)))

        def send_all() -> None:
            for _ in range(2000):
                outbox.send(report)

        thread = threading.Thread(target=send_all)
        thread.start()
        splitter, num_got = FrameSplitter(), 0
        while num_got < 2000:
            num_got += len(splitter.feed(ours.recv(65536)))
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
        outbox.close()


def test_a_parent_that_is_gone_is_no_error_to_a_sender() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()
        outbox = Outbox(theirs)
        for number in range(3):
            outbox.send(Pong(number=number))
        outbox.close()


def test_an_end_by_cancelling_is_told_before_the_next_step() -> None:
    """A step may read a prompt for a fifth of a second."""
    with loaded() as parent:
        parent.send(Submit(request=ask("long", 900)), Submit(request=ask("other", 900)))
        parent.next(Step)
        parent.send(Cancel(request_id="r-long"), Ping(number=7))
        heard: list[Event] = []
        while isinstance(report := parent.next((Step, Pong)), Step):
            heard += report.events
        assert any(isinstance(event, Finished) and event.request_id == "r-long" for event in heard)
