"""Runs the optimizer of a model's weights beside the engine that serves it, and says when its result can be taken.

Event loop only. The optimizer is a process of its own (engine/process/optimizer.py): what kills it costs no answer.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from bdchat.engine.weights.job import (
    MAX_LINE_BYTES,
    OptimizerDone,
    OptimizerJob,
    OptimizerProgress,
    decode_line,
    encode_job,
    optimizer_command,
)
from bdchat.engine.weights.verdict import Verdict
from bdchat.engine.wire import Load
from bdchat.lifeline import python_environment

log = logging.getLogger(__name__)

CALM_S = 2.0  # nobody asks for anything: then the engine may be started again with other weights
POLL_S = 0.25


async def optimize(load: Load, on_progress: Callable[[OptimizerProgress], None]) -> Verdict | None:
    """None: it found nothing out; the log says why. Cancelling ends the process."""
    job = OptimizerJob(
        model_path=load.model_path, model_id=load.model_id, cache_dir=load.cache_dir, settings=load.settings
    )
    try:
        process = await asyncio.create_subprocess_exec(
            *optimizer_command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=MAX_LINE_BYTES,
            env=python_environment(),
        )
    except OSError as error:
        log.warning("the weights' encoding cannot be looked at: %s", error, extra={"model_id": load.model_id})
        return None
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    said = asyncio.create_task(process.stderr.read(MAX_LINE_BYTES))
    try:
        process.stdin.write(encode_job(job))
        process.stdin.close()
        done = await _listen(process.stdout, on_progress)
        returncode = await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        words = (await said).decode("utf-8", errors="replace").strip().splitlines()
    if done is not None and done.verdict is not None:
        log.info("weights: %s", done.verdict.reason, extra={"model_id": load.model_id})
        return done.verdict
    why = done.failure if done is not None else " ".join([f"its process ended with {returncode}", *words[-1:]])
    log.warning("the weights stay as they are in the file: %s", why, extra={"model_id": load.model_id})
    return None


async def _listen(
    lines: asyncio.StreamReader, on_progress: Callable[[OptimizerProgress], None]
) -> OptimizerDone | None:
    with contextlib.suppress(ValueError):  # a line beyond the limit: it is none of ours
        while line := await lines.readline():
            told = decode_line(line)
            if isinstance(told, OptimizerDone):
                return told
            if told is not None:
                on_progress(told)
    return None


async def until_calm(num_in_flight: Callable[[], int]) -> None:
    """Nobody has asked for anything for CALM_S."""
    calm_s = 0.0
    while calm_s < CALM_S:
        await asyncio.sleep(POLL_S)
        calm_s = 0.0 if num_in_flight() else calm_s + POLL_S
