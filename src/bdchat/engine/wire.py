"""The frames between a server and its engine process: length-prefixed msgpack of tagged structs. No pickles.

A frame is 4 bytes of length (big-endian) and that many bytes of msgpack. Frames of the parent are `Command`s, frames of
the child are `Report`s. Both sides are the same program on the same machine, yet every frame is decoded against its
schema: a corrupted child must not become a corrupted server. The conversation:

    Load →                      once, first
    ← Loading …                 while it lasts
    ← Ready | LoadFailed        once; Submits may follow Ready only
    Submit →    ← Step(Accepted, …) … ← Step(… Finished)     or ← Rejected, which ends the request
    Cancel →                    ← Step(… Finished) for choices that still ran, or ← Rejected
    Tokenize →  ← Tokenized | Rejected
    Detokenize → ← Detokenized | Rejected
    Embed →     ← Embedded … | Rejected   vectors of texts, in order, as they are made; a Cancel ends it in silence
    Survey →    ← Surveyed | Rejected     what of a prompt is cached where, and how long the rest takes
    Inspect →   ← Inspected     for an admin who watches
    Forget →                    a conversation was deleted: so is what is kept of it
    Pin, Unpin → ← Pinned       whenever what is kept of pins has changed
    Ping →      ← Pong
    Shutdown →                  the child exits with 0
    ← MemoryEnded               a step got no memory: the child exits, the next one begins with a smaller plan

Either side ends the connection at the first frame that it cannot read.
"""

import msgspec

from bdchat.engine.inspection import PinState, PromptSurvey, SequenceState
from bdchat.engine.metrics import EngineMetrics
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.request import EmbeddingRequest, Event, GenerationRequest, Prompt, Resumption, TokenText, Value

MAX_FRAME_BYTES = 64 * 1024 * 1024  # a body of 8 MiB, escaped, with room


class Load(Value, frozen=True, kw_only=True, tag="load"):
    """First command. `settings` is EngineSettings as a plain dict; `cache_dir` keeps calibrations."""

    model_path: str
    model_id: str
    settings: dict[str, object]
    cache_dir: str
    queue_limit: int = 64  # LimitSettings.queue
    draft_path: str = ""  # of EngineSettings.draft_model; "" = none
    generation_s: float = 0.0  # LimitSettings.generation_s
    num_shrinks: int = 0  # memory ended so often: half of the plan each time


class Submit(Value, frozen=True, kw_only=True, tag="submit"):
    request: GenerationRequest
    resumption: Resumption | None = None


class Cancel(Value, frozen=True, kw_only=True, tag="cancel"):
    request_id: str


class Tokenize(Value, frozen=True, kw_only=True, tag="tokenize"):
    """Answered by Tokenized or Rejected with the same request_id."""

    request_id: str
    prompt: Prompt


class Detokenize(Value, frozen=True, kw_only=True, tag="detokenize"):
    """Answered by Detokenized or Rejected with the same request_id."""

    request_id: str
    tokens: tuple[int, ...]


class Embed(Value, frozen=True, kw_only=True, tag="embed"):
    """Answered by Embedded, until all texts have a vector, or Rejected."""

    request: EmbeddingRequest


class Survey(Value, frozen=True, kw_only=True, tag="survey"):
    """Answered by Surveyed or Rejected with the same request_id."""

    request_id: str
    prompt: Prompt


class Forget(Value, frozen=True, kw_only=True, tag="forget"):
    cache_tag: str


class Pin(Value, frozen=True, kw_only=True, tag="pin"):
    """Answered by Pinned, once it is known what becomes of it and whenever that changes."""

    pin_id: str
    system_prompt: str


class Unpin(Value, frozen=True, kw_only=True, tag="unpin"):
    pin_id: str


class Inspect(Value, frozen=True, kw_only=True, tag="inspect"):
    """Answered by the step loop, between two steps."""


class Ping(Value, frozen=True, kw_only=True, tag="ping"):
    """Answered by the step loop itself, so that silence means a hung llama.cpp."""

    number: int


class Shutdown(Value, frozen=True, kw_only=True, tag="shutdown"):
    """End after the current step; running requests are dropped (the parent drains first)."""


Command = (
    Load | Submit | Cancel | Tokenize | Detokenize | Embed | Survey | Inspect | Forget | Pin | Unpin | Ping | Shutdown
)


class Loading(Value, frozen=True, kw_only=True, tag="loading"):
    """Progress for people: what is being done, and how far (0 to 1) if known."""

    stage: str
    fraction: float | None = None


class Ready(Value, frozen=True, kw_only=True, tag="ready"):
    info: ModelInfo


class LoadFailed(Value, frozen=True, kw_only=True, tag="load_failed"):
    reason: str
    lacks_memory: bool = False
    may_shrink: bool = False  # a smaller plan may fit


class MemoryEnded(Value, frozen=True, kw_only=True, tag="memory_ended"):
    """Last report of a process whose step got no memory: the next one goes on with a smaller plan."""

    reason: str


class Step(Value, frozen=True, kw_only=True, tag="step"):
    """All that happened in one step, for all requests. `metrics` None: the last ones will do until the next."""

    events: tuple[Event, ...]
    metrics: EngineMetrics | None = None


class Rejected(Value, frozen=True, kw_only=True, tag="rejected"):
    """A Submit or a question that was refused: `error` is a class name of errors.py, `data` its arguments."""

    request_id: str
    error: str
    data: dict[str, str | int | float]


class Tokenized(Value, frozen=True, kw_only=True, tag="tokenized"):
    request_id: str
    tokens: tuple[int, ...]


class Detokenized(Value, frozen=True, kw_only=True, tag="detokenized"):
    request_id: str
    said: TokenText


class Embedded(Value, frozen=True, kw_only=True, tag="embedded"):
    """The next of its texts' vectors, and how many tokens each had: request.Embeddings in pieces."""

    request_id: str
    vectors: tuple[bytes, ...]
    num_tokens: tuple[int, ...]


class Surveyed(Value, frozen=True, kw_only=True, tag="surveyed"):
    request_id: str
    survey: PromptSurvey


class Inspected(Value, frozen=True, kw_only=True, tag="inspected"):
    sequences: tuple[SequenceState, ...]


class Pinned(Value, frozen=True, kw_only=True, tag="pinned"):
    """All pins."""

    pins: tuple[PinState, ...]


class Pong(Value, frozen=True, kw_only=True, tag="pong"):
    number: int


Report = (
    Loading
    | Ready
    | LoadFailed
    | MemoryEnded
    | Step
    | Rejected
    | Tokenized
    | Detokenized
    | Embedded
    | Surveyed
    | Inspected
    | Pinned
    | Pong
)

_encoder = msgspec.msgpack.Encoder()
_commands: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
_reports: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)


def encode(frame: Command | Report) -> bytes:
    body = _encoder.encode(frame)
    return len(body).to_bytes(4, "big") + body


def decode_command(body: bytes) -> Command:
    """Raises msgspec.DecodeError (msgspec.ValidationError included)."""
    return _commands.decode(body)


def decode_report(body: bytes) -> Report:
    return _reports.decode(body)


class FrameTooLong(Exception):
    def __init__(self, num_bytes: int) -> None:
        super().__init__(f"a frame of {num_bytes} bytes; {MAX_FRAME_BYTES} are allowed")
        self.num_bytes = num_bytes


class FrameSplitter:
    """Bytes as they arrive → whole frame bodies. A hostile length is refused before anything is kept for it."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Raises FrameTooLong."""
        pending = self._pending
        pending += data
        bodies: list[bytes] = []
        start = 0
        while len(pending) - start >= 4:
            num_bytes = int.from_bytes(pending[start : start + 4], "big")
            if num_bytes > MAX_FRAME_BYTES:
                raise FrameTooLong(num_bytes)
            end = start + 4 + num_bytes
            if end > len(pending):
                break
            bodies.append(bytes(pending[start + 4 : end]))
            start = end
        del pending[:start]
        return bodies
