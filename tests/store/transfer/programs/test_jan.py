"""What is Jan's own in its files."""

from typing import Any

from bdchat.store.transfer.programs.jan import chat_of, is_thread
from tests.store.transferable import contents


def message(text: str) -> dict[str, Any]:
    content = [{"type": "text", "text": {"value": text, "annotations": []}}]
    return {"id": "m", "object": "thread.message", "role": "user", "content": content}


def test_the_list_of_what_was_attached_becomes_notes() -> None:
    files = "- file_id: 1, name: a b.pdf, type: pdf, size: 3\n- file_id: 2, name: c.txt"
    text = f"look\n\n[ATTACHED_FILES]\n{files}\n[/ATTACHED_FILES]"
    chat = chat_of({"thread": None, "messages": [message(text)]})
    assert contents(chat) == {"m": "look\n\n[file: a b.pdf]\n\n[file: c.txt]"}
    assert chat.not_kept == {"files": 2}


def test_a_thread_of_a_newer_version_does_not_say_that_it_is_one() -> None:
    assert is_thread({"id": "t", "title": "T", "updated": 1, "assistants": []})
    assert not is_thread({"id": "t", "title": "T", "updated": 1, "assistants": [], "messages": []})
    assert not is_thread({"title": "T", "assistants": []})
