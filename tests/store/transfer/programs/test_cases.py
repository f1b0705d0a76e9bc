"""Four small exports that were read wrongly once, and what is right for each."""

from bdchat.store.transfer.chat import Chat
from tests.store.transfer.programs.exports import file
from tests.store.transferable import only_chat


def case(name: str) -> Chat:
    return only_chat(file(f"cases/{name}.json")).chat


def said(chat: Chat) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in chat.messages if message.content is not None]


def test_an_agents_words_in_librechat() -> None:
    """Two of four messages came, as a tool's."""
    chat = case("librechat-agents")
    assert chat.title == "Winter tyres"
    assert said(chat) == [
        ("user", "When should I change tyres?"),
        ("assistant", "Below seven degrees."),
        ("user", "And back?"),
        ("assistant", "In spring."),
    ]
    assert [message.created_at_ms for message in chat.messages][:2] == [1_788_080_400_000, 1_788_080_405_000]


def test_a_thought_of_open_webui_folds_away() -> None:
    answer = "<think>\nThe user asks for a sum.\nTwo and two.\n</think>\n\nIt is **4**."
    assert said(case("openwebui-details")) == [("user", "How much is two and two?"), ("assistant", answer)]


def test_marks_of_chatgpt_become_links_and_names() -> None:
    answer = "Iron came early. ([Iron](https://example.org/iron)) By Ann Example it was dated."
    assert said(case("chatgpt-citations")) == [("user", "When was iron first smelted?"), ("assistant", answer)]


def test_a_chain_of_tools_keeps_its_roles() -> None:
    assert said(case("chatgpt-tool-chain")) == [
        ("user", "How tall is the tower?"),
        ("assistant", "Let me look."),
        ("tool", "828 m"),
        ("assistant", "It is 828 metres tall."),
    ]
