"""What is Claude's own in its exports."""

from typing import Any

import pytest

from bdchat.store.transfer.programs.claude import chat_of
from tests.store.transferable import contents


def said_by(**fields: Any) -> str | None:
    return contents(chat_of({"chat_messages": [{"uuid": "a", "sender": "assistant", **fields}]}))["a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<antThinking>hm</antThinking>yes", "<think>\nhm\n</think>\n\nyes"),
        (
            'see <antArtifact identifier="x" type="code" language="py" title="T">\n1\n</antArtifact> ok',
            "see \n\n[artifact: T]\n\n```py\n1\n```\n\n ok",
        ),
        ('<antArtifact type="text/markdown" identifier="x"># cut', "[artifact: x]\n\n# cut"),
        ("a < b <ant>", "a < b <ant>"),
    ],
)
def test_tags_of_old_exports_become_what_they_stand_for(text: str, expected: str) -> None:
    assert said_by(text=text) == expected
    assert said_by(text="once more", content=[{"type": "text", "text": text}]) == expected


def test_messages_that_name_their_parents_are_a_tree() -> None:
    def message(own: str, parent: str, sender: str) -> dict[str, Any]:
        return {"uuid": own, "parent_message_uuid": parent, "sender": sender, "text": own}

    root = "00000000-0000-4000-8000-000000000000"
    messages = [message("q", root, "human"), message("a", "q", "assistant"), message("b", "q", "assistant")]
    chat = chat_of({"chat_messages": messages, "current_leaf_message_uuid": "a"})
    assert [each.parent_id for each in chat.messages] == [root, "q", "q"]
    assert chat.head_id == "a"


def test_a_part_of_a_new_kind_is_there_as_json() -> None:
    assert said_by(content=[{"type": "dance", "step": "left"}]) == (
        '[dance]\n\n```json\n{\n "type": "dance",\n "step": "left"\n}\n```'
    )
