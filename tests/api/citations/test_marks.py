import itertools
import random

import pytest

from bdchat.api.citations.marks import MAX_IN_ONE, Mark, marks_in


def found(text: str, *known: int) -> list[tuple[int, str]]:
    return [(mark.number, text[mark.start : mark.end]) for mark in marks_in(text, set(known or (1, 2, 3)))]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("It is 500 [1].", [(1, "[1]")]),
        ("월세는 50만원입니다[1][2].", [(1, "[1]"), (2, "[2]")]),
        ("Both [1, 2] say so.", [(1, "[1"), (2, ", 2]")]),
        ("Both [1; 2,3].", [(1, "[1"), (2, "; 2"), (3, ",3]")]),
        ("전각 【2】 과 ［3］", [(2, "【2】"), (3, "［3］")]),
        ("At the end\n[1]", [(1, "[1]")]),
        ("In a list:\n- [1] the lease", [(1, "[1]")]),
    ],
)
def test_marks(text: str, marks: list[tuple[int, str]]) -> None:
    assert found(text) == marks


@pytest.mark.parametrize(
    "text",
    [
        "`a[1]` is code",
        "``a ` [1]`` too",
        "```\nx = [1]\n```",
        "```python\nx = [1]",
        "~~~\n[1]\n~~~",
        "> ```\n> [1]\n> ```",
        "- ```\n  [1]\n  ```",
        "[1](https://example.org)",
        "![1](x.png)",
        "[1]: https://example.org",
        r"\[1]",
        "- [x] done\n- [ ] open",
        "[4] is no passage",
        "a vector [1, 99]",
        "[^1] and [one]",
        "[" + ", ".join(["1"] * (MAX_IN_ONE + 1)) + "]",
        "[123456]",
    ],
)
def test_no_marks(text: str) -> None:
    assert found(text) == []


def test_code_ends() -> None:
    assert found("```\n[1]\n```\nand [2]") == [(2, "[2]")]
    assert found("a ` b\n\n[1] ` c") == [(1, "[1]")]  # a tick of another paragraph opens nothing
    assert found("`x` [1] `y`") == [(1, "[1]")]


def test_without_passages_nothing_is_a_mark() -> None:
    assert marks_in("[1]", set()) == []


@pytest.mark.parametrize("seed", range(80))
def test_marks_are_in_order_and_apart(seed: int) -> None:
    rng = random.Random(seed)
    text = "".join(
        rng.choice(["[1]", "[1, 2]", "[", "]", "`", "```", "\n", "\n\n", "글", "a ", "(", "1", ","]) for _ in range(120)
    )
    marks: list[Mark] = marks_in(text, {1, 2})
    assert all(before.end <= after.start for before, after in itertools.pairwise(marks))
    assert all(str(mark.number) in text[mark.start : mark.end] for mark in marks)


def test_many_ticks_take_no_time() -> None:
    text = " ".join("`" * (1 + n % 50) for n in range(4000)) + " [1]"
    assert len(marks_in(text, {1})) <= 1
