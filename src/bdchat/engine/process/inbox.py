"""The child's receiving side: frames in, ready commands out.

Two threads of its own: one reads frames, one renders and tokenises prompts, so that neither a template nor a megabyte
of text holds up a step or a cancellation. The step loop takes what is ready. Knows frames and prompts, never cells.
"""

import contextlib
import logging
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from bdchat.engine.errors import EngineError, EngineUnavailable
from bdchat.engine.process.outbox import Outbox
from bdchat.engine.request import ChatPrompt, GenerationRequest, Prompt, Resumption, TokenText
from bdchat.engine.wire import (
    Cancel,
    Command,
    Detokenize,
    Detokenized,
    Forget,
    FrameSplitter,
    FrameTooLong,
    Inspect,
    Load,
    Ping,
    Rejected,
    Shutdown,
    Submit,
    Survey,
    Tokenize,
    Tokenized,
    decode_command,
)

log = logging.getLogger(__name__)


class PromptSource(Protocol):
    """Text → token ids. Called from the inbox's prompt thread."""

    def build(self, prompt: Prompt) -> list[int]:
        """Raises InvalidRequest."""

    def text_of(self, tokens: list[int]) -> str: ...

    def read(self, tokens: Sequence[int]) -> TokenText:
        """Raises InvalidRequest for ids that the vocabulary does not have, and for too long a text."""

    def ends_in_thought(self, tokens: list[int]) -> bool: ...


class Arrival(NamedTuple):
    """A submission that is ready to be scheduled."""

    request: GenerationRequest
    prompt_tokens: list[int]
    prompt_text: str | None
    resumption: Resumption | None
    opens_thought: bool = False  # the prompt ends inside a thought


class SurveyArrival(NamedTuple):
    """What is cached of a prompt?"""

    request_id: str
    prompt_tokens: list[int]


class ParentGone(NamedTuple):
    """The parent is gone, or spoke nonsense."""

    reason: str


Item = Load | Arrival | SurveyArrival | Cancel | Inspect | Forget | Ping | Shutdown | ParentGone


def rejection(request_id: str, error: EngineError) -> Rejected:
    """The attributes of an EngineError are its constructor's arguments: the parent builds it again from them."""
    return Rejected(request_id=request_id, error=type(error).__name__, data=dict(vars(error)))


class Inbox:
    """`take` belongs to the step loop; `on_hangup` is called on the reading thread."""

    def __init__(self, sock: socket.socket, outbox: Outbox, *, on_hangup: Callable[[], None]) -> None:
        self._sock = sock
        self._outbox = outbox
        self._on_hangup = on_hangup
        self._ready: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._prompts: queue.SimpleQueue[Submit | Tokenize | Detokenize | Survey | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._unbuilt: set[str] = set()  # submitted, not yet cancelled, prompt not yet built

    def start(self) -> None:
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def build_prompts(self, builder: PromptSource) -> None:
        """The model is loaded: what was submitted, and will be, can be tokenised."""
        threading.Thread(target=self._build, args=(builder,), name="prompts", daemon=True).start()

    def take(self, *, wait_s: float | None = 0.0) -> list[Item]:
        """Everything that is ready. wait_s: how long to wait for a first item; None = until there is one."""
        items: list[Item] = []
        with contextlib.suppress(queue.Empty):
            items.append(self._ready.get(timeout=wait_s) if wait_s != 0.0 else self._ready.get_nowait())
            while True:
                items.append(self._ready.get_nowait())
        return items

    def _read(self) -> None:
        frames = FrameSplitter()
        try:
            while data := self._sock.recv(256 * 1024):
                for body in frames.feed(data):
                    self._sort(decode_command(body))
            reason = "the parent closed the connection"
        except (OSError, msgspec.DecodeError, FrameTooLong) as error:
            reason = f"{type(error).__name__}: {error}"
        self._ready.put(ParentGone(reason))
        self._prompts.put(None)
        self._on_hangup()

    def _sort(self, command: Command) -> None:
        if isinstance(command, Submit):
            with self._lock:
                self._unbuilt.add(command.request.request_id)
            self._prompts.put(command)
        elif isinstance(command, Tokenize | Detokenize | Survey):
            self._prompts.put(command)
        elif isinstance(command, Cancel):
            with self._lock:
                if command.request_id in self._unbuilt:
                    self._unbuilt.remove(command.request_id)
                    self._outbox.send(rejection(command.request_id, EngineUnavailable("cancelled", 1.0)))
                    return
            self._ready.put(command)
        else:
            self._ready.put(command)

    def _build(self, builder: PromptSource) -> None:
        while (command := self._prompts.get()) is not None:
            request_id = command.request.request_id if isinstance(command, Submit) else command.request_id
            try:
                self._build_one(builder, command)
            except EngineError as error:
                self._outbox.send(rejection(request_id, error))
            except Exception:  # a border like the worker's step: one prompt must not end the engine
                log.exception("prompt failed", extra={"request_ids": [request_id]})
                reason = "the prompt could not be built"
                self._outbox.send(Rejected(request_id=request_id, error="GenerationFailed", data={"reason": reason}))
            with self._lock:
                self._unbuilt.discard(request_id)

    def _build_one(self, builder: PromptSource, command: Submit | Tokenize | Detokenize | Survey) -> None:
        if isinstance(command, Tokenize):
            tokens = builder.build(command.prompt)
            self._outbox.send(Tokenized(request_id=command.request_id, tokens=tuple(tokens)))
            return
        if isinstance(command, Detokenize):
            said = builder.read(command.tokens)
            self._outbox.send(Detokenized(request_id=command.request_id, said=said))
            return
        if isinstance(command, Survey):
            self._ready.put(SurveyArrival(command.request_id, builder.build(command.prompt)))
            return
        request, resumption = command.request, command.resumption
        known = resumption.prompt_tokens if resumption else ()
        tokens = list(known) or builder.build(request.prompt)
        text = builder.text_of(tokens) if request.echo else None
        opens_thought = isinstance(request.prompt, ChatPrompt) and builder.ends_in_thought(tokens)
        with self._lock:  # a Cancel is either before this and found it unbuilt, or comes after it in the queue
            if request.request_id in self._unbuilt:
                self._unbuilt.remove(request.request_id)
                self._ready.put(Arrival(request, tokens, text, resumption, opens_thought))
