"""The hops of docs/architecture.md are those that an answer takes, in that order. The engine is a thread here."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.patience import PATIENCE_S
from tests.test_architecture import ROOT, SOURCE
from tests.test_architecture_page import BARE, CODE_WORD, STORED, hops_of, section

FAKED = ("engine/llama/", "engine/text/prompt.py")  # FakeRunner and FakePromptBuilder stand there
LAST_IN_ORDER = (
    "Run._take",
    "RecordedRun._take",
)  # readers pull: behind the log the caller is entered before the called


def environment() -> dict[str, str]:
    """The code under test, installed or not."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in (SOURCE.parent, ROOT, ROOT / "scripts"))}


def is_of(entered: tuple[str, str], path: str, name: str) -> bool:
    """Of a class: anything in it."""
    return entered[0] == path and f"{entered[1]}.".startswith(f"{name}.")


def missing(entered: Sequence[tuple[str, str]], names: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The first of `names` that was not entered after all those before it, and what comes after it."""
    rest = iter(entered)
    for number, (path, name) in enumerate(names):
        if not any(is_of(each, path, name) for each in rest):
            return list(names[number:])
    return []


def named_in(hop: str) -> list[tuple[str, str]]:
    path, found = "", list[tuple[str, str]]()
    for word in CODE_WORD.findall(hop):
        if word.endswith(".py"):
            path = word
        else:
            found.append((path, word))
    return [(path, name) for path, name in found if not path.startswith(FAKED)]


@pytest.mark.parametrize(("title", "kind"), [(BARE, "bare"), (STORED, "stored")])
def test_an_answer_takes_the_hops_of_the_page(title: str, kind: str) -> None:
    command = [sys.executable, "-m", "tests.hop_calls", kind]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=2 * PATIENCE_S, check=True
    )
    calls = [(path, name) for path, name in json.loads(ran.stdout)]
    hops = [named_in(hop) for hop in hops_of(section(title))]
    entered = set(calls)
    assert [name for hop in hops for name in hop if not any(is_of(each, *name) for each in entered)] == []
    last = next(n for n, hop in enumerate(hops) if hop[0][1] in LAST_IN_ORDER)
    assert missing(calls, [hop[0] for hop in hops[: last + 1]]) == []


def test_the_reader_of_calls_sees_a_wrong_order() -> None:
    entered = [("b.py", "C.f"), ("a.py", "f"), ("b.py", "C.g"), ("c.py", "f")]
    assert missing(entered, [("a.py", "f"), ("b.py", "C"), ("c.py", "f")]) == []
    assert missing(entered, [("a.py", "f"), ("b.py", "C.f"), ("c.py", "f")]) == [("b.py", "C.f"), ("c.py", "f")]
