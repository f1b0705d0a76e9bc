"""What an optimizer process is told and what it tells: one JSON document in, lines of JSON out. Values."""

import sys
from typing import Any

import msgspec

from bdchat.engine.weights.verdict import Verdict
from bdchat.lifeline import tied

_MODULE = "bdchat.engine.process.optimizer"
MAX_LINE_BYTES = 64 * 1024


class OptimizerJob(msgspec.Struct, frozen=True, kw_only=True):
    """Of engine.wire.Load what matters here."""

    model_path: str
    model_id: str
    cache_dir: str
    settings: dict[str, Any]  # EngineSettings as JSON


class OptimizerProgress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    stage: str
    fraction: float | None = None  # None: nobody knows


class OptimizerDone(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """Either a verdict or, in one line, why there is none."""

    verdict: Verdict | None = None
    failure: str = ""


def optimizer_command() -> list[str]:
    return tied([sys.executable, "-P", "-m", _MODULE])


def encode_job(job: OptimizerJob) -> bytes:
    return msgspec.json.encode(job)


def encode_line(told: OptimizerProgress | OptimizerDone) -> bytes:
    return msgspec.json.encode(told) + b"\n"


def decode_line(line: bytes) -> OptimizerProgress | OptimizerDone | None:
    """None: it is no such line."""
    try:
        return msgspec.json.decode(line, type=OptimizerProgress | OptimizerDone)
    except msgspec.DecodeError:
        return None
