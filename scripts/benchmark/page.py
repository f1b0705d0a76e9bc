"""What the web page costs in a real browser: an answer that streams, a long chat, a page loaded anew. Needs Chromium.

The measuring is TypeScript, tests/e2e/page/measure; here it is run and judged.
"""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

from bdchat.lifeline import tied
from bootstrap import ROOT, Place, cache_dir
from bootstrap_console import BootstrapError
from bootstrap_webui import Page, build, install_packages, ready_node

from .bars import Bar
from .compare import Log, Run
from .hardening import Outcome

MAX_STREAMING_RATIO = 1.5  # of the CPU of a bare <pre>
MAX_COMMIT_MS = 8.0  # script of one frame, p99
MAX_OPENING_CPU_MS = 400.0
MAX_JUMP_PX = 2.0
MAX_VISIBLE_MS = 500.0
Measured = dict[str, dict[str, float]]


async def page(logs: Path, log: Log) -> list[Outcome]:
    figures = await _measured(logs, log)
    return [Outcome(bar, Run("bdchat", f"page {name}", 0, 0, figures[name])) for name, bar in judged(figures).items()]


def judged(figures: Measured) -> dict[str, Bar]:
    """By the names of what was measured."""
    streaming, commits = figures["streaming"], figures["commits"]
    opening, reading, reload = figures["opening"], figures["reading_back"], figures["reload"]
    return {
        "streaming": Bar(
            2,
            f"{streaming['tokens']:.0f} tokens cost {streaming['page_cpu_ms']:.0f} ms of CPU,"
            f" {streaming['ratio']:.2f} times a bare <pre>",
            streaming["ratio"] <= MAX_STREAMING_RATIO,
        ),
        "commits": Bar(
            2,
            f"{commits['commits']:.0f} commits, at most {commits['most_in_a_frame']:.0f} in a frame;"
            f" script of a frame {commits['script_per_frame_p99_ms']:.1f} ms at p99",
            commits["script_per_frame_p99_ms"] <= MAX_COMMIT_MS and commits["most_in_a_frame"] <= 1,
        ),
        "opening": Bar(
            3,
            f"a chat of {opening['messages']:.0f} messages opens for {opening['from_the_list_cpu_ms']:.0f} ms of CPU",
            opening["from_the_list_cpu_ms"] <= MAX_OPENING_CPU_MS,
        ),
        "reading_back": Bar(
            3,
            f"reading back through it jumps by {reading['largest_jump_px']:.1f} px at most",
            reading["largest_jump_px"] <= MAX_JUMP_PX,
        ),
        "reload": Bar(
            4,
            f"the text is there {reload['after_load_max_ms']:.0f} ms after the page at most,"
            f" in {reload['reloads']:.0f} reloads, and whole",
            reload["after_load_max_ms"] <= MAX_VISIBLE_MS,
        ),
    }


async def _measured(logs: Path, log: Log) -> Measured:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise BootstrapError("there is no Chromium", "apt-get install chromium")
    place = Page(Place(ROOT, cache_dir(os.environ)))
    build(place, os.environ)
    node = ready_node(place, os.environ)
    install_packages(place, node)
    figures = logs / "page-figures.json"
    figures.unlink(missing_ok=True)
    environment = node.environment(os.environ) | {
        "BDCHAT_FIGURES": str(figures.absolute()),
        "BDCHAT_TEST_PYTHON": sys.executable,
        "BDCHAT_TEST_CHROMIUM": chromium,
        "NO_COLOR": "1",
    }
    program = shutil.which("node", path=environment["PATH"])
    assert program
    command = [program, "node_modules/vitest/vitest.mjs", "run", "--config", "e2e.config.ts"]
    child = await asyncio.create_subprocess_exec(
        *tied(command),
        cwd=ROOT / "webui",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert child.stdout
    lines = []
    async for line in child.stdout:
        lines.append(line.decode(errors="replace").rstrip())
        if lines[-1].strip():
            log(lines[-1])
    if await child.wait() != 0:
        raise BootstrapError("measuring the page failed", "read the lines above")
    measured: Measured = json.loads(figures.read_text("utf-8"))
    return measured
