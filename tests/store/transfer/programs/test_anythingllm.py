"""What is AnythingLLM's own in its files."""

import json

import pytest

from bdchat.store.transfer.programs.anythingllm import chat_of


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("plain", "plain"),
        (json.dumps({"text": "said", "sources": [], "type": "chat"}), "said"),
        ('{"text": "JSON that was asked for"}', '{"text": "JSON that was asked for"}'),
        ('{"text": broken', '{"text": broken'),
    ],
)
def test_an_answer_of_an_old_export_is_taken_out_of_its_json(response: str, expected: str) -> None:
    row = {"id": 1, "prompt": "q", "response": response, "sent_at": None}
    _, answer = chat_of({"workspace": "w", "rows": [row]}).messages
    assert answer.content == expected
