"""What ChatGPT's export becomes."""

import json
from typing import Any

import pytest

from bdchat.store.transfer.chat import BadChat
from bdchat.store.transfer.programs.chatgpt import chat_of
from tests.store.transferable import contents, conversation, node


def test_a_chatgpt_conversation_keeps_title_times_models_and_head() -> None:
    chat = chat_of(
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
        ({"content_type": "thoughts", "thoughts": [{"summary": "S", "content": "C"}]}, "<think>\nS\n\nC\n</think>"),
        ({"content_type": "reasoning_recap", "content": "Thought for 3s"}, "<think>\nThought for 3s\n</think>"),
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
    chat = chat_of(conversation(node("u", None, "user", "hi"), said))
    assert contents(chat)["m"] == expected


def test_a_tools_message_says_which_tool_and_to_whom() -> None:
    said = node("t", None, "critic", "fine", recipient="python")
    said["message"]["author"]["name"] = "bio"
    message = chat_of(conversation(said)).messages[0]
    assert message.role == "tool"
    assert message.metadata == {"extra": {"role": "critic", "name": "bio", "recipient": "python"}}


@pytest.mark.parametrize("mapping", [{}, {"a": None}, {"a": 1, "b": {"message": "no"}}, {"a": {"message": {}}}])
def test_a_conversation_that_says_nothing_is_refused(mapping: dict[str, Any]) -> None:
    with pytest.raises(BadChat, match="no messages"):
        chat_of({"mapping": mapping})


def test_fields_of_the_wrong_kind_are_as_good_as_absent() -> None:
    junk: list[object] = [3, "x", None, [], {}]
    fields = ("title", "create_time", "update_time", "current_node", "conversation_id", "id", "default_model_slug")
    for value in junk:
        said: dict[str, Any] = dict.fromkeys(("author", "metadata", "create_time", "status", "recipient"), value)
        said["content"] = "hi"
        chat = chat_of({**dict.fromkeys(fields, value), "mapping": {"a": {"parent": value, "message": said}}})
        assert contents(chat) == {"a": "hi"}


def test_a_report_that_only_the_metadata_holds_is_the_messages_text() -> None:
    mark = "\ue200cite\ue202turn0search0\ue201"
    reference = {"matched_text": mark, "items": [{"title": "T", "url": "https://example.org"}]}
    report = {"content": {"parts": [f"# Found {mark}"]}, "metadata": {"content_references": [reference]}}
    state = json.dumps({"status": "completed", "report_message": report})
    said = node("a", None, "assistant", "", metadata={"chatgpt_sdk": {"widget_state": state}})
    assert contents(chat_of(conversation(said))) == {"a": "# Found ([T](https://example.org))"}


def test_thoughts_stay_where_more_than_one_answer_follows() -> None:
    thought = {"content_type": "thoughts", "thoughts": [{"summary": "S", "content": "say </think>"}]}
    chat = chat_of(
        conversation(
            node("t", None, "assistant", thought), node("a", "t", "assistant", "1"), node("b", "t", "user", "2")
        )
    )
    assert contents(chat) == {"t": "<think>\nS\n\nsay </think >\n</think>", "a": "1", "b": "2"}


def test_what_an_analysis_channel_says_is_a_thought() -> None:
    chat = chat_of(conversation(node("a", None, "assistant", "hm", channel="analysis")))
    assert contents(chat) == {"a": "<think>\nhm\n</think>"}


def test_what_was_set_for_all_chats_is_no_question_of_the_user() -> None:
    told = {"about_user_message": "I am an SRE", "about_model_message": "Be brief"}
    metadata = {"is_user_system_message": True, "user_context_message_data": told}
    (message,) = chat_of(conversation(node("s", None, "user", "", metadata=metadata))).messages
    assert (message.role, message.content) == ("system", "I am an SRE\n\nBe brief")


def test_a_picture_is_named_by_its_attachment_its_prompt_or_its_file() -> None:
    def picture(**fields: Any) -> dict[str, Any]:
        part = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_1", **fields}
        return {"content_type": "multimodal_text", "parts": [part]}

    attached = {"attachments": [{"id": "file_1", "name": "cat.png", "mime_type": "image/png"}]}
    chat = chat_of(
        conversation(
            node("a", None, "user", picture(), metadata=attached),
            node("b", "a", "tool", picture(metadata={"dalle": {"prompt": "a cat"}})),
            node("c", "b", "user", picture()),
        )
    )
    assert list(contents(chat).values()) == ["[image: cat.png]", "[image: a cat]", "[image: file_1]"]
    assert chat.not_kept == {"images": 3}
