"""The bench's judgement of what was measured in the browser."""

import copy

import pytest

from benchmark.page import Measured, judged

GOOD: Measured = {
    "streaming": {"tokens": 5000, "page_cpu_ms": 700, "ratio": 1.5},
    "commits": {"commits": 900, "most_in_a_frame": 1, "script_per_frame_p99_ms": 8.0},
    "opening": {"messages": 1000, "from_the_list_cpu_ms": 400},
    "reading_back": {"largest_jump_px": 1.2},
    "reload": {"reloads": 20, "after_load_max_ms": 500},
}


def test_what_is_at_the_bar_passes() -> None:
    assert all(bar.passed for bar in judged(GOOD).values())


@pytest.mark.parametrize(
    ("name", "figure", "value"),
    [
        ("streaming", "ratio", 1.51),
        ("commits", "most_in_a_frame", 2),
        ("commits", "script_per_frame_p99_ms", 8.1),
        ("opening", "from_the_list_cpu_ms", 401),
        ("reading_back", "largest_jump_px", 2.1),
        ("reload", "after_load_max_ms", 501),
    ],
)
def test_each_figure_can_fail_its_bar_alone(name: str, figure: str, value: float) -> None:
    measured = copy.deepcopy(GOOD)
    measured[name][figure] = value
    assert {other for other, bar in judged(measured).items() if not bar.passed} == {name}
