"""Seeded histories on a virtual clock: whatever happens, every answer is what it is alone, and every book is true.

A tenth of what `scripts/bench --workload laws` plays. A history that breaks a law is told as small as it gets: paste it
into test_regressions.py.
"""

import pytest

from tests.engine.scheduling.laws.drawing import draw
from tests.engine.scheduling.laws.reporting import report
from tests.engine.scheduling.laws.shrinking import fault_of

NUM_EACH = 100


@pytest.mark.parametrize("part", range(20))
def test_no_history_breaks_a_law(part: int) -> None:
    for seed in range(NUM_EACH * part, NUM_EACH * (part + 1)):
        if fault_of(draw(seed)) is not None:
            pytest.fail(report(seed))
