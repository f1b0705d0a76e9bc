"""What is waited for has PATIENCE_S, or a bound with a name that says why it is shorter."""

import re
import time
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S, until

TESTS = Path(__file__).parent
NUMBERED = re.compile(r"(?:asyncio\.timeout\(|settimeout\(|\btimeout=|wait_for\(.*, )(?P<s>\d[\d.]*)\b(?! \*)")
LOOK_S = 0.1  # what is shorter waits for nothing to happen


def numbered_waits(source: str) -> list[str]:
    return [found.group() for found in NUMBERED.finditer(source) if LOOK_S < float(found["s"]) < PATIENCE_S]


def test_no_test_gives_up_where_a_machine_stands_still_for_a_while() -> None:
    """A server that did not listen within ten seconds, on a machine that gave it none of them, made the suite red."""
    sources = {path: path.read_text("utf-8") for path in TESTS.rglob("*.py") if path != Path(__file__)}
    found = {str(path.relative_to(TESTS)): numbered_waits(source) for path, source in sources.items()}
    assert {path: waits for path, waits in found.items() if waits} == {}


def test_a_wait_with_a_number_is_found() -> None:
    assert numbered_waits("async with asyncio.timeout(5):\n    await asyncio.wait_for(reader.read(), 0.05)") == [
        "asyncio.timeout(5"
    ]
    assert numbered_waits("httpx.AsyncClient(timeout=10)\nsock.settimeout(PATIENCE_S)") == ["timeout=10"]


@pytest.mark.anyio
async def test_time_without_a_turn_does_not_count() -> None:
    looks = iter([False, False, True])

    def look() -> bool:
        time.sleep(0.3)  # the machine stands still
        return next(looks)

    await until(look, 0.25)
    with pytest.raises(TimeoutError):
        await until(lambda: False, 0.02)
