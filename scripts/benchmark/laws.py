"""Seeded histories of the scheduler on a virtual clock: how many break a law, and what they take of one core.

The histories and their laws are the tests' (tests/engine/scheduling/laws), whose smaller share runs with them. In a
process of its own; no model is loaded.
"""

import json
import os
import subprocess
import sys

from .bars import Bar
from .compare import Log, Run
from .hardening import Outcome
from .servers import ROOT

NUM_HISTORIES = 20_000
MAX_MS = 3.0  # of one core, for a history


def laws(log: Log, *, first_seed: int, num_histories: int) -> list[Outcome]:
    arguments = ["--seed", str(first_seed), "--num-histories", str(num_histories)]
    played = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tests.engine.scheduling.laws", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    *reports, last = played.stdout.splitlines() or [""]
    if played.returncode not in {0, 1} or not last.startswith("{"):
        raise RuntimeError(f"the histories were not played to the end: {played.stdout[-500:]}")
    for line in reports:
        log(line)
    summary = json.loads(last)
    num_broken = sum(summary["broken"].values())
    each_ms = 1000 * summary["cpu_s"] / num_histories
    figures = {"histories": num_histories, "broken": num_broken, "cpu_s": summary["cpu_s"]}
    run = Run("bdchat", "laws", num_histories, 0, figures)
    text = f"{num_histories:,} histories from seed {first_seed}: {num_broken} break a law"
    speed = f"{summary['cpu_s']:.1f} s of one core, {each_ms:.2f} ms each, ≤ {MAX_MS} wanted"
    log(f"{text}; {speed}")
    return [Outcome(Bar(8, text, num_broken == 0), run), Outcome(Bar(8, speed, each_ms <= MAX_MS), run)]
