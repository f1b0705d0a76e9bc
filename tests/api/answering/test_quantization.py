"""Names of how weights are written."""

import pytest

from bdchat.api.answering.quantization import quantization


@pytest.mark.parametrize(
    ("description", "name"),
    [("llama 1B Q4_1", "Q4_1"), ("llama 1B Q4_K - Medium", "Q4_K_M"), ("bert F16", "F16"), ("", "")],
)
def test_the_last_word_is_the_name(description: str, name: str) -> None:
    assert quantization(description) == name
