"""The time to the first token that a request is told when it comes, under load, and what it then takes."""

import asyncio
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ..bars import Bar
from ..client import ANSWER_TIMEOUT_S, Reply
from ..compare import Log, Run
from ..figures import percentile
from ..hardening import Outcome
from ..prompts import Shape, user, words
from ..servers import bdchat, started
from .standing_load import Ask, StandingLoad

WIDTH = 24  # 16 run, 8 wait
PROMPT_TOKENS = (50, 600)
NEW_TOKENS = (32, 128)
NUM_WARM = 32  # that are not counted: the server has learned by them how long answers are
NUM_TOLD = 200
QUICK_WIDTH, QUICK_TOLD = 4, 4
MAX_ERROR = 0.30
TELLS = {"stream_options": {"include_usage": True, "include_progress": True}}
NO_TITLES = "generations.makes_titles=false"


class Told(NamedTuple):
    eta_s: float
    real_s: float  # from when it was told

    @property
    def error(self) -> float:
        return abs(self.eta_s - self.real_s) / self.real_s


async def eta(
    model: Path, overrides: tuple[str, ...], logs: Path, log: Log, *, seed: int, is_short: bool
) -> list[Outcome]:
    rng = random.Random(f"eta {seed}")  # noqa: S311
    width, num_told, num_warm = (QUICK_WIDTH, QUICK_TOLD, 2) if is_short else (WIDTH, NUM_TOLD, NUM_WARM)
    with TemporaryDirectory(prefix="bdchat-eta-") as folder:
        async with started(bdchat(model, Path(folder), (NO_TITLES, *overrides)), logs) as running:
            shape = await Shape.measure(running.client, rng)

            def ask(place: int) -> Ask:
                prompt = [user(words(rng, shape.num_words(rng.randint(*PROMPT_TOKENS))))]
                return Ask(prompt, rng.randint(*NEW_TOKENS))

            async with (
                asyncio.timeout(ANSWER_TIMEOUT_S),
                StandingLoad(running.client, width, ask, dict(TELLS)) as load,
            ):
                await load.until_ended(num_warm + num_told)
                replies = [reply for reply in load.replies()[num_warm:] if reply.is_done]
    found = [told for reply in replies if (told := told_of(reply)) is not None]
    log(f"{len(replies)} requests, {len(found)} of them told when")
    return [outcome(found, len(replies))]


def told_of(reply: Reply) -> Told | None:
    """The first estimate that came, before its first text; None: there was none."""
    if not reply.deltas:
        return None
    first = reply.deltas[0].at
    for at, data in reply.events:
        if at >= first:
            return None
        progress = (json.loads(data).get("bdchat") or {}).get("progress") or {}
        if progress.get("eta_ms") is not None:
            return Told(progress["eta_ms"] / 1000, first - at)
    return None


def outcome(found: Sequence[Told], num_replies: int) -> Outcome:
    """Whoever was told nothing counts as told wrongly."""
    errors = [each.error for each in found] + [math.inf] * (num_replies - len(found))
    p80 = sorted(errors)[math.ceil(0.8 * len(errors)) - 1] if errors else math.inf
    longer = sum(each.real_s > each.eta_s for each in found)
    text = (
        f"time to the first token as told on arrival, {num_replies} requests under load, {len(found)} told: off by"
        f" {percentile([each.error for each in found], 50):.0%} in the median, {p80:.0%} at p80 (≤ {MAX_ERROR:.0%});"
        f" {longer} took longer"
    )
    figures = {
        "num_told": float(len(found)),
        "error_p50": percentile([each.error for each in found], 50),
        "error_p80": p80 if math.isfinite(p80) else math.nan,
        "real_p50_ms": percentile([each.real_s for each in found], 50) * 1000,
    }
    return Outcome(Bar(7, text, p80 <= MAX_ERROR), Run("bdchat", "eta", num_replies, 0, figures))
