"""An address copied from the hub's page is as good as the spec."""

import pytest

from bdchat.engine.models.specs import as_spec

HUB = "https://huggingface.co/owner/tiny-GGUF"


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        (f"{HUB}/resolve/main/tiny.gguf", "hf:owner/tiny-GGUF/tiny.gguf@main"),
        (f"{HUB}/resolve/main/sub/TINY%20v2.GGUF?download=true", "hf:owner/tiny-GGUF/sub/TINY v2.GGUF@main"),
        (f" {HUB}/blob/0123abc/tiny.gguf#x ", "hf:owner/tiny-GGUF/tiny.gguf@0123abc"),
        ("http://hf.co/owner/tiny-GGUF/blob/main/tiny.gguf", "hf:owner/tiny-GGUF/tiny.gguf@main"),
        ("hf:owner/tiny-GGUF/tiny.gguf", "hf:owner/tiny-GGUF/tiny.gguf"),
        ("https://example.com/owner/x/resolve/main/tiny.gguf", "https://example.com/owner/x/resolve/main/tiny.gguf"),
        ("./tiny.gguf", "./tiny.gguf"),
    ],
)
def test_an_address_of_the_hub_is_read_as_a_spec(text: str, spec: str) -> None:
    assert as_spec(text) == spec
