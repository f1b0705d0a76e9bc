"""The bench's items for evaluation, and how lm-eval reads an answer."""

import random
from pathlib import Path
from typing import Any

import pytest

from benchmark.evaluation import Item, Reference, items, read
from tests.tiny_models import write_tiny_llama


def approx(likelihood: float, is_greedy: bool) -> Any:
    return pytest.approx((likelihood, is_greedy))


def test_the_last_entry_is_the_new_token_and_is_left_out() -> None:
    item = Item(context=(1, 2), continuation=(3, 4))
    tops = [None, {"b": -0.1}, {"c": -0.2}, {"x": -0.1, "d": -0.5}, {"<end>": -0.3}]
    choice: dict[str, Any] = {"logprobs": {"token_logprobs": [None, -0.1, -0.2, -0.5, -0.3], "top_logprobs": tops}}
    assert read(choice, item) == approx(-0.7, False)
    assert read(choice, Item(context=(1,), continuation=(2, 3))) == approx(-0.8, False)
    first: dict[str, Any] = {"logprobs": {name: values[:4] for name, values in choice["logprobs"].items()}}
    assert read(first, Item(context=(1, 2), continuation=(3,))) == approx(-0.2, True)


def test_the_reference_scores_what_follows_and_follows_what_was_answered(tmp_path: Path) -> None:
    reference = Reference(write_tiny_llama(tmp_path / "tiny.gguf"))
    asked = items(reference, random.Random(1), 6)
    assert asked == items(reference, random.Random(1), 6)
    for item in asked:
        whole, _ = reference.score(item)
        first, _ = reference.score(Item(item.context, item.continuation[:1]))
        rest, _ = reference.score(Item(item.context + item.continuation[:1], item.continuation[1:]))
        assert whole == pytest.approx(first + rest, abs=1e-3)
    left = reference.margins(asked[0].context, "?")  # not what it would write
    followed = reference.margins(asked[0].context, left[-1][0])
    assert followed[: len(left) - 1] == left[:-1]
    assert len(followed) >= len(left)
    assert all(margin >= 0 for _, margin in followed)
