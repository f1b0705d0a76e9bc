"""The child's receiving side: frames in, ready commands out.

Threads of its own: one reads frames, one renders and tokenises prompts, so that neither a template nor a megabyte of
text holds up a step or a cancellation; two compile constraints, so that no prompt waits for a slow schema. The step
loop takes what is ready. Knows frames and prompts, never cells.
"""

import contextlib
import logging
import queue
import socket
import threading
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from bdchat.engine.errors import EngineError, EngineUnavailable, InvalidRequest
from bdchat.engine.model_runner import AnswerGrammar
from bdchat.engine.process.outbox import Outbox
from bdchat.engine.process.text_turns import EmbeddingArrival, EmbeddingSource, TokenisingTexts
from bdchat.engine.request import ChatPrompt, GenerationRequest, Prompt, Resumption, TokenPrompt, TokenText
from bdchat.engine.sampling.order import GrammarOrder
from bdchat.engine.text.shared_beginning import shared_beginning
from bdchat.engine.wire import (
    Cancel,
    Command,
    Detokenize,
    Detokenized,
    Embed,
    Forget,
    FrameSplitter,
    FrameTooLong,
    Inspect,
    Load,
    Pin,
    Ping,
    Rejected,
    Shutdown,
    Submit,
    Survey,
    Tokenize,
    Tokenized,
    Unpin,
    decode_command,
)

log = logging.getLogger(__name__)

_NUM_COMPILING = 2  # threads: a slow schema, and the next one


class PromptSource(Protocol):
    """Text → token ids. Called from the inbox's prompt thread."""

    def build(self, prompt: Prompt) -> list[int]:
        """Raises InvalidRequest."""

    def text_of(self, tokens: list[int]) -> str: ...

    def read(self, tokens: Sequence[int]) -> TokenText:
        """Raises InvalidRequest for ids that the vocabulary does not have, and for too long a text."""

    def ends_in_thought(self, tokens: list[int]) -> bool: ...


class GrammarSource(Protocol):
    """What requests promise of their answers → grammars. Called from the inbox's threads, several at once."""

    def order(self, request: GenerationRequest, *, opens_thought: bool) -> GrammarOrder | None:
        """None: the answer is free."""

    def kept(self, order: GrammarOrder) -> AnswerGrammar | None:
        """At once, of an earlier request."""

    def compile(self, order: GrammarOrder) -> AnswerGrammar:
        """Raises InvalidRequest, EngineUnavailable."""


class Arrival(NamedTuple):
    """A submission that is ready to be scheduled."""

    request: GenerationRequest
    prompt_tokens: list[int]
    prompt_text: str | None
    resumption: Resumption | None
    opens_thought: bool = False  # the prompt ends inside a thought
    grammar: AnswerGrammar | None = None


class SurveyArrival(NamedTuple):
    """What is cached of a prompt?"""

    request_id: str
    prompt_tokens: list[int]
    may_be_respelled: bool = True


class PinArrival(NamedTuple):
    """A pinned system prompt as every chat with it begins; `problem`: why it cannot be read."""

    pin_id: str
    tokens: list[int]
    problem: str = ""


class ParentGone(NamedTuple):
    """The parent is gone, or spoke nonsense."""

    reason: str


Item = (
    Load
    | Arrival
    | EmbeddingArrival
    | SurveyArrival
    | PinArrival
    | Cancel
    | Inspect
    | Forget
    | Unpin
    | Ping
    | Shutdown
    | ParentGone
)


_ForPrompts = Submit | Tokenize | Detokenize | Survey | Pin | Unpin


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
        self._prompts: queue.SimpleQueue[_ForPrompts | None] = queue.SimpleQueue()
        self._ordered: queue.SimpleQueue[tuple[Arrival, GrammarOrder] | None] = queue.SimpleQueue()  # to be compiled
        self._texts: queue.SimpleQueue[TokenisingTexts | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._unbuilt: set[str] = set()  # submitted, not yet cancelled, prompt not yet built

    def start(self) -> None:
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def build_prompts(self, builder: PromptSource, grammars: GrammarSource | None = None) -> None:
        """The model is loaded: what was submitted, and will be, can be tokenised. `grammars` None: no constraints."""
        threading.Thread(target=self._build, args=(builder, grammars), name="prompts", daemon=True).start()
        for _ in range(_NUM_COMPILING if grammars is not None else 0):
            threading.Thread(target=self._compile, args=(grammars,), name="grammars", daemon=True).start()

    def build_texts(self, source: EmbeddingSource) -> None:
        """The same for texts that become vectors."""
        threading.Thread(target=self._tokenise, args=(source,), name="texts", daemon=True).start()

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
        self._texts.put(None)
        for _ in range(_NUM_COMPILING):
            self._ordered.put(None)
        self._on_hangup()

    def _sort(self, command: Command) -> None:
        if isinstance(command, Submit):
            with self._lock:
                self._unbuilt.add(command.request.request_id)
            self._prompts.put(command)
        elif isinstance(command, Embed):
            with self._lock:
                self._unbuilt.add(command.request.request_id)
            self._texts.put(TokenisingTexts(command.request))
        elif isinstance(command, Tokenize | Detokenize | Survey | Pin | Unpin):
            self._prompts.put(command)  # an Unpin comes after its Pin there too
        elif isinstance(command, Cancel):
            with self._lock:
                if command.request_id in self._unbuilt:
                    self._unbuilt.remove(command.request_id)
                    self._outbox.send(rejection(command.request_id, EngineUnavailable("cancelled", 1.0)))
                    return
            self._ready.put(command)
        else:
            self._ready.put(command)

    def _build(self, builder: PromptSource, grammars: GrammarSource | None) -> None:
        while (command := self._prompts.get()) is not None:
            if isinstance(command, Pin):
                self._ready.put(_pinned(builder, command))
                continue
            if isinstance(command, Unpin):
                self._ready.put(command)
                continue
            request_id = command.request.request_id if isinstance(command, Submit) else command.request_id
            with self._refusing(request_id, "the prompt could not be built"):
                if isinstance(command, Submit):
                    self._pass_on(self._build_one(builder, command), grammars)
                else:
                    self._answer(builder, command)

    def _build_one(self, builder: PromptSource, command: Submit) -> Arrival:
        request, resumption = command.request, command.resumption
        known = resumption.prompt_tokens if resumption else ()
        tokens = list(known) or builder.build(request.prompt)
        text = builder.text_of(tokens) if request.echo else None
        opens_thought = isinstance(request.prompt, ChatPrompt) and builder.ends_in_thought(tokens)
        return Arrival(request, tokens, text, resumption, opens_thought)

    def _answer(self, builder: PromptSource, command: Tokenize | Detokenize | Survey) -> None:
        if isinstance(command, Tokenize):
            tokens = builder.build(command.prompt)
            self._outbox.send(Tokenized(request_id=command.request_id, tokens=tuple(tokens)))
        elif isinstance(command, Detokenize):
            said = builder.read(command.tokens)
            self._outbox.send(Detokenized(request_id=command.request_id, said=said))
        else:
            may_be_respelled = not isinstance(command.prompt, TokenPrompt)
            self._ready.put(SurveyArrival(command.request_id, builder.build(command.prompt), may_be_respelled))

    def _pass_on(self, arrival: Arrival, grammars: GrammarSource | None) -> None:
        constraint = arrival.request.constraint
        if grammars is None and constraint is not None:
            raise InvalidRequest(constraint.field, "is not supported by this model")
        order = grammars.order(arrival.request, opens_thought=arrival.opens_thought) if grammars is not None else None
        grammar = grammars.kept(order) if grammars is not None and order is not None else None
        if order is None or grammar is not None:
            self._deliver(arrival._replace(grammar=grammar))
        else:
            self._ordered.put((arrival, order))

    def _compile(self, grammars: GrammarSource) -> None:
        while (ordered := self._ordered.get()) is not None:
            arrival, order = ordered
            with self._refusing(arrival.request.request_id, "the constraint could not be compiled"):
                self._deliver(arrival._replace(grammar=grammars.compile(order)))

    def _tokenise(self, source: EmbeddingSource) -> None:
        while (texts := self._texts.get()) is not None:
            request_id = texts.request.request_id
            with self._refusing(request_id, "the texts could not be tokenised"):
                if (arrival := texts.go_on(source)) is not None:
                    self._deliver(arrival)
                elif request_id in self._unbuilt:  # else nobody wants them any more
                    self._texts.put(texts)

    def _deliver(self, arrival: Arrival | EmbeddingArrival) -> None:
        request_id = arrival.request.request_id
        with self._lock:  # a Cancel is either before this and found it unbuilt, or comes after it in the queue
            if request_id in self._unbuilt:
                self._unbuilt.remove(request_id)
                self._ready.put(arrival)

    @contextlib.contextmanager
    def _refusing(self, request_id: str, otherwise: str) -> Generator[None]:
        """A border like the worker's step: one prompt, or one constraint, must not end the engine."""
        try:
            yield
            return
        except EngineError as error:
            refusal = rejection(request_id, error)
        except Exception:
            log.exception("prompt failed", extra={"request_ids": [request_id]})
            refusal = Rejected(request_id=request_id, error="GenerationFailed", data={"reason": otherwise})
        self._outbox.send(refusal)
        with self._lock:
            self._unbuilt.discard(request_id)


def _pinned(builder: PromptSource, pin: Pin) -> PinArrival:
    """A border too: a template may raise anything."""
    try:
        return PinArrival(pin.pin_id, shared_beginning(builder.build, pin.system_prompt))
    except EngineError as error:
        return PinArrival(pin.pin_id, [], str(error))
    except Exception:
        log.exception("pin failed")
        return PinArrival(pin.pin_id, [], "the prompt could not be built")
