"""In which encoding weights are held here: what it gains in prompts and answers, and how near its answers are.

Each round starts with nothing known, as at a model's first load; the least and the most of the rounds are told.
"""

import shutil
from pathlib import Path
from statistics import median
from time import perf_counter

from bdchat.engine.weights.cache import verdicts
from bdchat.engine.weights.verdict import MAX_PERPLEXITY, Verdict
from bdchat.settings import EngineSettings

from .bars import Bar
from .compare import Log, Run
from .hardening import Outcome
from .servers import find_weights

MAX_KL = EngineSettings().weights_max_kl


def encodings(model: Path, data_dir: Path, overrides: tuple[str, ...], log: Log, *, num_rounds: int) -> list[Outcome]:
    """`data_dir` is emptied before each round. Raises BootstrapError."""
    found: list[tuple[Verdict, float]] = []
    for number in range(1, num_rounds + 1):
        shutil.rmtree(data_dir, ignore_errors=True)
        began = perf_counter()
        find_weights(model, data_dir, overrides)
        verdict = verdicts(data_dir / "cache")[0]
        found.append((verdict, perf_counter() - began))
        log(f"weights, round {number}: {verdict.reason} {verdict.encodings} in {found[-1][1]:.0f} s")
    shutil.rmtree(data_dir, ignore_errors=True)
    figures = {"seconds": median(seconds for _, seconds in found), **_gains([verdict for verdict, _ in found])}
    near = [verdict.fidelity for verdict, _ in found if verdict.fidelity is not None]
    if near:
        figures |= {
            "mean_kl": max(each.mean_kl for each in near),
            "file_kl": max(each.file_kl for each in near),
            "perplexity": max(each.perplexity for each in near),
            "same_choice": min(each.same_choice for each in near),
        }
    run = Run("bdchat", "weights", 1, 0, figures)
    is_near = all(each.is_near(MAX_KL) for each in near)
    detail = f"{len(near)} of {num_rounds} rounds encoded anew"
    if near:
        detail += f", mean KL at most {figures['mean_kl']:.4f}, perplexity x {figures['perplexity']:.4f}"
    text = f"answers as near as {MAX_KL} nats and x {MAX_PERPLEXITY}: {detail}"
    return [Outcome(Bar(3, text, is_near), run)]


def _gains(found: list[Verdict]) -> dict[str, float]:
    """Of typical speeds, least, median and most; 1 where nothing was encoded anew."""
    figures: dict[str, float] = {}
    for what in ("prompt", "alone", "streams"):
        gains = [
            getattr(verdict.after, what) / getattr(verdict.before, what)
            if verdict.before is not None and verdict.after is not None
            else 1.0
            for verdict in found
        ]
        figures |= {f"{what}_min": min(gains), f"{what}": median(gains), f"{what}_max": max(gains)}
    return figures
