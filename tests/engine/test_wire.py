"""Frames between a server and its engine process."""

import random

import msgspec
import pytest

from bdchat.engine.metrics import EngineMetrics
from bdchat.engine.request import (
    Accepted,
    ChatMessage,
    ChatPrompt,
    Delta,
    Finished,
    FinishReason,
    GenerationRequest,
    PromptLogprobs,
    Resumption,
    SamplingParams,
    TextPrompt,
    Timings,
    TokenLogprob,
    TokenPrompt,
    TopLogprob,
    Usage,
)
from bdchat.engine.wire import (
    MAX_FRAME_BYTES,
    Cancel,
    Command,
    FrameSplitter,
    FrameTooLong,
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
    decode_command,
    decode_report,
    encode,
)
from tests.fakes import fake_model_info

LOGPROB = TokenLogprob(
    token_id=7,
    token_bytes=b"\xed\x95",
    logprob=-0.5,
    top=(TopLogprob(token_id=7, token_bytes=b"\xed\x95", logprob=-0.5),),
)
CHAT = GenerationRequest(
    request_id="r",
    prompt=ChatPrompt(messages=(ChatMessage(role="user", content="환불 🙂"),), tools=({"type": "function", "n": 1},)),
    sampling=SamplingParams(logit_bias={5: -100.0}, seed=2**62, stop=("끝",)),
    num_choices=2,
)
COMMANDS: list[Command] = [
    Load(model_path="/m.gguf", model_id="m", settings={"n_ctx": None, "swa_full": True}, cache_dir="/c"),
    Submit(request=CHAT),
    Submit(
        request=CHAT,
        resumption=Resumption(
            prompt_tokens=(1, 2), seed=3, choice_tokens=((4,), ()), num_chars_sent=(1, 0), finished=(False, True)
        ),
    ),
    Cancel(request_id="r"),
    Tokenize(request_id="t", prompt=TextPrompt(text="a\x00b")),
    Tokenize(request_id="t", prompt=TokenPrompt(tokens=(1, 2, 3))),
    Ping(number=1),
    Shutdown(),
]
REPORTS: list[Report] = [
    Loading(stage="reading", fraction=0.5),
    Ready(info=fake_model_info()),
    LoadFailed(reason="no"),
    Step(
        events=(
            Accepted(request_id="r", prompt_tokens=(1,), seed=2**62, prompt_text="p"),
            PromptLogprobs(request_id="r", tokens=(LOGPROB,)),
            Delta(request_id="r", index=1, text="한", tokens=(7,), logprobs=(LOGPROB,)),
            Finished(
                request_id="r",
                index=1,
                reason=FinishReason.STOP,
                usage=Usage(num_prompt_tokens=1, num_cached_tokens=0, num_completion_tokens=1),
                timings=Timings(queue_ms=1.0, prefill_ms=2.0, decode_ms=3.0),
                stop="끝",
            ),
        ),
        metrics=EngineMetrics(num_steps=3),
    ),
    Rejected(request_id="r", error="QueueFull", data={"retry_after_s": 2.0}),
    Rejected(
        request_id="r",
        error="AccountLimitReached",
        data={"limit": "requests waiting", "allowed": 32, "retry_after_s": 2.0},
    ),
    Tokenized(request_id="t", tokens=(1, 2)),
    Pong(number=1),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_command_arrives_as_it_was_sent(command: Command) -> None:
    [body] = FrameSplitter().feed(encode(command))
    assert decode_command(body) == command


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: type(report).__name__)
def test_a_report_arrives_as_it_was_sent(report: Report) -> None:
    [body] = FrameSplitter().feed(encode(report))
    assert decode_report(body) == report


@pytest.mark.parametrize("seed", range(20))
def test_frames_survive_any_cutting_of_the_stream(seed: int) -> None:
    chance = random.Random(seed)
    stream = b"".join(encode(report) for report in REPORTS)
    splitter, bodies, position = FrameSplitter(), [], 0
    while position < len(stream):
        size = chance.choice([1, 2, 3, 7, 100, 10_000])
        bodies += splitter.feed(stream[position : position + size])
        position += size
    assert [decode_report(body) for body in bodies] == REPORTS


def test_a_hostile_length_is_refused_before_its_bytes_come() -> None:
    with pytest.raises(FrameTooLong) as caught:
        FrameSplitter().feed((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
    assert caught.value.num_bytes == MAX_FRAME_BYTES + 1


@pytest.mark.parametrize(
    "body",
    [b"", b"\xc1", b"\x81", encode(Ping(number=1))[4:-1], msgspec.msgpack.encode({"type": "pong", "number": "one"})],
    ids=["empty", "reserved", "cut", "shortened", "wrong type"],
)
def test_a_body_outside_the_schema_is_a_decode_error(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_report(body)


def test_a_command_is_no_report() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_report(encode(Ping(number=1))[4:])
