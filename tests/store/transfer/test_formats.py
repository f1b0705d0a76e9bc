"""What ChatGPT's and Open WebUI's exports become."""

from typing import Any

import pytest

from bdchat.store.transfer.chat import BadChat, Chat, ms_of
from bdchat.store.transfer.chatgpt import chat_of as of_chatgpt
from bdchat.store.transfer.openwebui import chat_of as of_openwebui
from bdchat.store.transfer.openwebui import is_chat as is_openwebui
from tests.store.transferable import conversation, node


def contents(chat: Chat) -> dict[str, str | None]:
    return {message.message_id: message.content for message in chat.messages}


def test_a_chatgpt_conversation_keeps_title_times_models_and_head() -> None:
    chat = of_chatgpt(
        conversation(
            node("root", None),
            node("sys", "root", "system", ""),
            node("u", "sys", "user", "환불은?"),
            node("a", "u", "assistant", "네", metadata={"model_slug": "o3", "finish_details": {"type": "stop"}}),
            node("b", "u", "assistant", "아니오", create_time=None),
            current_node="a",
            is_archived=True,
        )
    )
    assert (chat.origin, chat.title, chat.head_id, chat.is_archived) == ("chatgpt:c1", "환불", "a", True)
    assert (chat.created_at_ms, chat.updated_at_ms) == (1_700_000_000_000, 1_700_000_060_250)
    assert contents(chat) == {"root": None, "sys": None, "u": "환불은?", "a": "네", "b": "아니오"}
    first, second = chat.messages[3], chat.messages[4]
    assert (first.metadata, first.finish_reason) == ({"model": "o3"}, "stop")
    assert (second.metadata, second.created_at_ms) == ({"model": "gpt-5"}, None)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"content_type": "text", "parts": ["a", "", "b"]}, "a\n\nb"),
        ({"content_type": "code", "language": "python", "text": "x = 1"}, "```python\nx = 1\n```"),
        ({"content_type": "code", "language": "unknown", "text": "a ``` b"}, "````\na ``` b\n````"),
        ({"content_type": "execution_output", "text": "42"}, "```\n42\n```"),
        (
            {
                "content_type": "multimodal_text",
                "parts": [{"content_type": "image_asset_pointer", "width": 1}, "a cat"],
            },
            "[image]\n\na cat",
        ),
        (
            {
                "content_type": "multimodal_text",
                "parts": [{"content_type": "image_asset_pointer", "metadata": {"dalle": {"prompt": "a\ncat"}}}],
            },
            "[image: a cat]",
        ),
        ({"content_type": "multimodal_text", "parts": [{"content_type": "audio_transcription", "text": "hi"}]}, "hi"),
        ({"content_type": "multimodal_text", "parts": [{"content_type": "hologram"}, 7]}, "[hologram]\n\n[int]"),
        ({"content_type": "thoughts", "thoughts": [{"summary": "S", "content": "C"}]}, "[reasoning]\n\nS\n\nC"),
        ({"content_type": "reasoning_recap", "content": "Thought for 3s"}, "[Thought for 3s]"),
        ({"content_type": "tether_quote", "title": "T", "text": "Q"}, "[quote: T]\n\nQ"),
        ({"content_type": "system_error", "name": "Timeout", "text": "slow"}, "[error: Timeout]\n\nslow"),
        ({"content_type": "smell", "text": "roses"}, "[smell]\n\nroses"),
        ({"content_type": "smell"}, "[smell]"),
        ("plain", "plain"),
        ({"content_type": "text", "parts": []}, None),
        (None, None),
        (3, None),
    ],
)
def test_parts_that_are_no_text_become_notes(content: object, expected: str | None) -> None:
    said = {"id": "m", "parent": "u", "message": {"author": {"role": "assistant"}, "content": content}}
    chat = of_chatgpt(conversation(node("u", None, "user", "hi"), said))
    assert contents(chat)["m"] == expected


def test_a_tools_message_says_which_tool_and_to_whom() -> None:
    said = node("t", None, "critic", "fine", recipient="python")
    said["message"]["author"]["name"] = "bio"
    message = of_chatgpt(conversation(said)).messages[0]
    assert message.role == "tool"
    assert message.metadata == {"extra": {"role": "critic", "name": "bio", "recipient": "python"}}


@pytest.mark.parametrize("mapping", [{}, {"a": None}, {"a": 1, "b": {"message": "no"}}, {"a": {"message": {}}}])
def test_a_conversation_that_says_nothing_is_refused(mapping: dict[str, Any]) -> None:
    with pytest.raises(BadChat, match="no messages"):
        of_chatgpt({"mapping": mapping})


def test_fields_of_the_wrong_kind_are_as_good_as_absent() -> None:
    junk: list[object] = [3, "x", None, [], {}]
    fields = ("title", "create_time", "update_time", "current_node", "conversation_id", "id", "default_model_slug")
    for value in junk:
        said: dict[str, Any] = dict.fromkeys(("author", "metadata", "create_time", "status", "recipient"), value)
        said["content"] = "hi"
        chat = of_chatgpt({**dict.fromkeys(fields, value), "mapping": {"a": {"parent": value, "message": said}}})
        assert contents(chat) == {"a": "hi"}


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
    chat = of_openwebui(openwebui(folder_id="1234567890", archived=True, updated_at=1_700_000_100))
    assert (chat.origin, chat.title, chat.head_id, chat.folder) == ("openwebui:ow-1", "T", "a", "Open WebUI 12345678")
    assert (chat.is_pinned, chat.is_archived, chat.updated_at_ms) == (True, True, 1_700_000_100_000)
    assert chat.config == {"system_prompt": "Be brief"}
    first, answer, failed = chat.messages
    assert (first.created_at_ms, first.metadata) == (1_700_000_000_000, {"extra": {"tags": ["work"]}})
    assert (answer.metadata["model"], answer.metadata["completion_tokens"], answer.token_count) == ("llama3", 5, 5)
    assert (failed.content, failed.status, failed.metadata["model"]) == ("[error: boom]", "failed", "qwen")


def test_the_old_form_and_a_mere_path_are_read_too() -> None:
    inner = openwebui()["chat"]
    assert is_openwebui(inner)
    assert contents(of_openwebui(inner)) == {"u": "hi", "a": "yes", "b": "[error: boom]"}
    path = of_openwebui(
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
    assert of_openwebui({"messages": [said]}).messages[0].content == (
        "look\n\n[image]\n\n[image]\n\n[file: plan.pdf]\n\n[unknown part]"
    )


def test_open_webui_junk_is_no_crash() -> None:
    junk: list[object] = [3, "x", None, [], {}]
    for value in junk:
        said = dict.fromkeys(("content", "files", "error", "usage", "output", "model", "timestamp"), value)
        item = {
            "chat": {"history": {"currentId": value, "messages": {"a": said, "b": {"role": "user", "content": "hi"}}}}
        }
        assert contents(of_openwebui({**item, "meta": value, "folder_id": value}))["b"] == "hi"


def test_times_are_seconds_or_milliseconds_and_within_reach() -> None:
    assert ms_of(1_700_000_000.5) == 1_700_000_000_500
    assert ms_of(1_700_000_000_500) == 1_700_000_000_500
    for bad in (None, "1", True, -1, 0, 1e300, float("nan"), float("inf"), 10**400):
        assert ms_of(bad) is None
