"""An engine without a model, for laws about processes: the real loop, wire and scheduler around FakeRunner.

The model's path tells the loader how to behave (a query string), a prompt's text tells the runner how to misbehave.
"""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import numpy as np
import numpy.typing as npt

from bdchat.engine.errors import ContextLengthExceeded
from bdchat.engine.isolation.confinement import limit_address_space
from bdchat.engine.local.child import Handle, ProcessSpawn
from bdchat.engine.local.local_engine import LocalEngine
from bdchat.engine.local.supervisor import Timeouts
from bdchat.engine.model_info import WeightsInfo
from bdchat.engine.model_runner import EmbeddingText, OutOfMemory, Slice, TextRun
from bdchat.engine.process.inbox import Inbox
from bdchat.engine.process.outbox import Outbox
from bdchat.engine.process.worker import LoadedModel, Worker
from bdchat.engine.request import (
    Accepted,
    ChatPrompt,
    Delta,
    Event,
    Finished,
    GenerationRequest,
    Prompt,
    SamplingParams,
    TextPrompt,
    TokenPrompt,
    TokenText,
)
from bdchat.engine.wire import Load
from bdchat.settings import EngineSettings
from tests.fakes import FakeEmbedder, FakeRunner, spell_out
from tests.patience import PATIENCE_S

FAKE_LOADER = "tests.engine.fake_process:FakeLoader"
IMPATIENT = Timeouts(load_s=PATIENCE_S, hang_s=PATIENCE_S, first_step_s=PATIENCE_S, retry_s=0.2, shutdown_s=0.5)
QUICK_TO_CALL_IT_HUNG = IMPATIENT._replace(hang_s=1.0, first_step_s=1.0)

SEGFAULT = "<segfault>"  # in a prompt: reading it ends the process
SEGFAULT_AT_TOKEN_20 = "<segfault later>"
HANG = "<hang>"
RAISE = "<raise>"
OUT_OF_MEMORY = "<out of memory>"  # for llama.cpp, until the plan is smaller
DEVOUR = "<devour>"  # takes addresses, touches none


class MisbehavingRunner(FakeRunner):
    """Does what a prompt tells it to."""

    def __init__(self, *, step_ms: float, num_shrinks: int = 0, **how: Any) -> None:
        super().__init__(**how)
        self.step_ms = step_ms
        self.num_shrinks = num_shrinks

    def decode(self, slices: Sequence[Slice]) -> npt.NDArray[np.float32]:
        logits = super().decode(slices)
        for part in slices:
            text = bytes(token for token in self.tokens(part.seq_id) if token < 256).decode("utf-8", "replace")
            self.misbehave(text)
        time.sleep(self.step_ms / 1000)  # what a step takes, not a wait for anything
        self.decode_seconds += self.step_ms / 1000
        return logits

    def misbehave(self, text: str) -> None:
        _, later, answer = text.partition(SEGFAULT_AT_TOKEN_20)
        if SEGFAULT in text or (later and len(answer) >= 20):
            os.kill(os.getpid(), signal.SIGSEGV)
        if HANG in text:
            signal.pause()
        if RAISE in text:
            raise RuntimeError("told to raise")
        if OUT_OF_MEMORY in text and self.num_shrinks == 0:
            raise OutOfMemory("told to run out")
        if DEVOUR in text:
            _ = [bytearray(64 * 1024**2) for _ in range(256)]


class MisbehavingEmbedder(FakeEmbedder):
    """Does what a text tells it to."""

    def __init__(self, runner: MisbehavingRunner) -> None:
        super().__init__()
        self._runner = runner

    def embed(self, runs: Sequence[TextRun]) -> list[bytes]:
        for run in runs:
            self._runner.misbehave(bytes(run.tokens).decode("utf-8", "replace"))
        time.sleep(self._runner.step_ms / 1000)  # what a step takes, not a wait for anything
        return super().embed(runs)


class FakeTexts:
    """One token a byte; a reranker's query comes before its document."""

    def text_of(
        self, text: str | Sequence[int], *, field: str, query: str | None = None, is_query: bool | None = None
    ) -> EmbeddingText:
        tokens = list((query or "").encode()) + (list(text.encode()) if isinstance(text, str) else list(text))
        if len(tokens) > FakeEmbedder.n_ctx:
            raise ContextLengthExceeded(len(tokens), FakeEmbedder.n_ctx, field)
        return EmbeddingText(tokens, len(tokens))


class FakePromptBuilder:
    """One token a byte, no template."""

    def build(self, prompt: Prompt) -> list[int]:
        if isinstance(prompt, TokenPrompt):
            return list(prompt.tokens)
        assert isinstance(prompt, TextPrompt | ChatPrompt)
        text = prompt.text if isinstance(prompt, TextPrompt) else text_of_chat(prompt)
        return list(text.encode())

    def ends_in_thought(self, tokens: list[int]) -> bool:
        return self.text_of(tokens).endswith("<think>")

    def text_of(self, tokens: list[int]) -> str:
        return bytes(tokens).decode()

    def read(self, tokens: Sequence[int]) -> TokenText:
        return TokenText(text=self.text_of(list(tokens)), pieces=tuple(bytes([token]) for token in tokens))


def text_of_chat(prompt: ChatPrompt) -> str:
    return "".join(f"{message.role}: {message.content}\n" for message in prompt.messages)


class FakeLoader:
    """path "fake?step_ms=5&n_ctx=512"; "fail=reason", "die=1", "stall=1" for models that do not load; "needs=2" for one
    that fits when its plan has been halved twice, "killed=2" for one that the system kills until then;
    "weights=open": nobody has looked at its encoding."""

    def load(self, load: Load, report_progress: Callable[[str, float | None], None]) -> LoadedModel:
        how = dict(parse_qsl(load.model_path.partition("?")[2]))
        report_progress("reading", 0.5)
        if "fail" in how:
            raise ValueError(how["fail"])
        if load.num_shrinks < int(how.get("needs", 0)):
            raise MemoryError("told to want more")
        if load.num_shrinks < int(how.get("killed", 0)):
            os.kill(os.getpid(), signal.SIGKILL)
        if "die" in how:
            os.kill(os.getpid(), signal.SIGABRT)
        if "stall" in how:
            signal.pause()
        if "address_space" in how:
            limit_address_space(int(how["address_space"]))
        runner = MisbehavingRunner(
            step_ms=float(how.get("step_ms", 1)),
            num_shrinks=load.num_shrinks,
            n_ctx=int(how.get("n_ctx", 1024)),
            num_cells=int(how.get("n_ctx", 1024)) * 4,
        )
        if "weights" in how:
            runner.info = msgspec.structs.replace(runner.info, weights=WeightsInfo(is_open=True))
        return LoadedModel(runner, FakePromptBuilder(), FakeTexts(), lambda: MisbehavingEmbedder(runner))


class ThreadSpawn:
    """The same loop in a thread, for laws that need no process."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    async def __call__(self, sock: socket.socket, name: str) -> Handle:
        theirs = sock.dup()
        outbox = Outbox(theirs)
        inbox = Inbox(theirs, outbox, on_hangup=lambda: None)

        def run() -> None:
            with theirs:
                Worker(inbox, outbox, FakeLoader()).run()
                outbox.close()
                theirs.shutdown(socket.SHUT_RDWR)

        inbox.start()
        thread = threading.Thread(target=run, name=name)
        thread.start()
        self.threads.append(thread)
        return _ThreadHandle(thread, theirs)


class _ThreadHandle:
    pid = 0

    def __init__(self, thread: threading.Thread, sock: socket.socket) -> None:
        self._thread = thread
        self._sock = sock

    async def wait(self) -> int:
        await asyncio.to_thread(self._thread.join)
        return 0

    def kill(self) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)

    async def last_words(self) -> str:
        return ""


def process_engine(tmp_path: Path, how: str = "", *, timeouts: Timeouts = IMPATIENT, **options: Any) -> LocalEngine:
    return LocalEngine(
        Path(f"fake?{how}"),
        "fake",
        EngineSettings(),
        cache_dir=tmp_path,
        spawn=ProcessSpawn(FAKE_LOADER),
        timeouts=timeouts,
        **options,
    )


def thread_engine(
    tmp_path: Path, how: str = "", *, settings: EngineSettings | None = None, **options: Any
) -> LocalEngine:
    return LocalEngine(
        Path(f"fake?{how}"),
        "fake",
        settings or EngineSettings(),
        cache_dir=tmp_path,
        spawn=ThreadSpawn(),
        timeouts=IMPATIENT,
        **options,
    )


def ask(text: str, num_tokens: int = 40, request_id: str = "", **fields: Any) -> GenerationRequest:
    sampling = SamplingParams(temperature=0.0, max_tokens=num_tokens)
    fields.setdefault("sampling", sampling)
    return GenerationRequest(request_id=request_id or f"r-{text}", prompt=TextPrompt(text=text), **fields)


def expected_text(text: str, num_tokens: int = 40) -> str:
    return bytes(spell_out(list(text.encode()), num_tokens)).decode()


async def events_of(engine: LocalEngine, request: GenerationRequest) -> list[Event]:
    return [event async for event in engine.generate(request)]


def text_of(events: Sequence[Event], index: int = 0) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta) and event.index == index)


def shape(events: Sequence[Event]) -> tuple[int, int]:
    """How many Accepted and Finished."""
    return sum(isinstance(e, Accepted) for e in events), sum(isinstance(e, Finished) for e in events)
