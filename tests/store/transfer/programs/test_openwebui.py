"""What Open WebUI's export becomes."""

from typing import Any

from bdchat.store.transfer.programs.openwebui import chat_of, is_chat
from tests.store.transferable import contents


def openwebui(**fields: Any) -> dict[str, Any]:
    messages = {
        "u": {
            "id": "u",
            "parentId": None,
            "childrenIds": ["a"],
            "role": "user",
            "content": "hi",
            "timestamp": 1_700_000_000,
        },
        "a": {
            "id": "a",
            "parentId": "u",
            "role": "assistant",
            "content": "yes",
            "model": "llama3",
            "usage": {"eval_count": 5},
        },
        "b": {
            "id": "b",
            "parentId": "u",
            "role": "assistant",
            "content": "",
            "error": {"content": "boom"},
            "done": True,
        },
    }
    inner = {
        "title": "T",
        "models": ["qwen"],
        "history": {"currentId": "a", "messages": messages},
        "params": {"system": "Be brief"},
    }
    return {"id": "ow-1", "title": "outer", "chat": inner, "meta": {"tags": ["work"]}, "pinned": True, **fields}


def test_an_open_webui_chat_keeps_its_tree_tags_folder_and_prompt() -> None:
    chat = chat_of(openwebui(folder_id="1234567890", archived=True, updated_at=1_700_000_100))
    assert (chat.origin, chat.title, chat.head_id, chat.folder) == ("openwebui:ow-1", "T", "a", "Open WebUI 12345678")
    assert (chat.is_pinned, chat.is_archived, chat.updated_at_ms) == (True, True, 1_700_000_100_000)
    assert chat.config == {"system_prompt": "Be brief"}
    first, answer, failed = chat.messages
    assert (first.created_at_ms, first.metadata) == (1_700_000_000_000, {"extra": {"tags": ["work"]}})
    assert (answer.metadata["model"], answer.metadata["completion_tokens"], answer.token_count) == ("llama3", 5, 5)
    assert (failed.content, failed.status, failed.metadata["model"]) == ("[error: boom]", "failed", "qwen")


def test_the_old_form_and_a_mere_path_are_read_too() -> None:
    inner = openwebui()["chat"]
    assert is_chat(inner)
    assert contents(chat_of(inner)) == {"u": "hi", "a": "yes", "b": "[error: boom]"}
    path = chat_of(
        {"title": "T", "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}]}
    )
    assert [(message.parent_id, message.content) for message in path.messages] == [(None, "hi"), ("0", "yo")]
    assert path.head_id == "1"


def test_open_webui_images_and_files_become_notes() -> None:
    said = {
        "role": "user",
        "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:"}}],
        "files": [{"type": "image", "url": "data:"}, {"type": "file", "name": "plan.pdf"}, 7],
    }
    assert chat_of({"messages": [said]}).messages[0].content == (
        "look\n\n[image]\n\n[image]\n\n[file: plan.pdf]\n\n[unknown part]"
    )


def test_open_webui_junk_is_no_crash() -> None:
    junk: list[object] = [3, "x", None, [], {}]
    for value in junk:
        said = dict.fromkeys(("content", "files", "error", "usage", "output", "model", "timestamp"), value)
        said["role"] = "assistant"
        item = {
            "chat": {"history": {"currentId": value, "messages": {"a": said, "b": {"role": "user", "content": "hi"}}}}
        }
        assert contents(chat_of({**item, "meta": value, "folder_id": value}))["b"] == "hi"


def test_code_that_was_run_and_a_text_before_it_was_edited_are_kept() -> None:
    run = {
        "name": "x",
        "code": "print(1)",
        "language": "python",
        "result": {"output": "1", "files": [{"name": "a.csv"}]},
    }
    said = {
        "role": "assistant",
        "content": "new",
        "originalContent": "old",
        "code_executions": [run],
        "followUps": ["?"],
    }
    chat = chat_of({"chat": {"messages": [said]}})
    (message,) = chat.messages
    assert message.content == "new\n\n```python\nprint(1)\n```\n\n[result]\n\n```\n1\n```\n\n[file: a.csv]"
    assert message.metadata["extra"] == {"before_editing": "old"}
    assert chat.not_kept == {"files": 1, "details": 1}


def test_a_text_that_was_edited_stands_for_itself() -> None:
    """`output` still says what the model had said."""
    output = [{"type": "message", "content": [{"type": "output_text", "text": "as it was"}]}]
    chat = chat_of({"chat": {"messages": [{"role": "assistant", "content": "as I want it", "output": output}]}})
    assert chat.messages[0].content == "as I want it"


def test_an_answer_of_a_tool_that_called_nobody_is_kept() -> None:
    output = [{"type": "function_call_output", "call_id": "gone", "output": "21C"}, {"type": "new_kind", "a": 1}]
    chat = chat_of({"chat": {"messages": [{"role": "assistant", "content": "", "output": output}]}})
    assert (
        chat.messages[0].content
        == '[tool]\n\n[result]\n\n```\n21C\n```\n\n[new_kind]\n\n```json\n{\n "type": "new_kind",\n "a": 1\n}\n```'
    )
