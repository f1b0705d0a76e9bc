"""What a system prompt's pin reads is what every chat with it begins with."""

import pytest

from bdchat.engine.request import ChatMessage, ChatPrompt, Prompt
from bdchat.engine.text.chat_template import CHATML
from bdchat.engine.text.prompt import PromptBuilder, make_prompt_builder
from bdchat.engine.text.shared_beginning import shared_beginning
from tests.engine.byte_tokenizer import ByteTokenizer

SYSTEM = "You are the voice of a library. Answer in one line."
AS_USER = "{% for m in messages %}[{{ 'user' if m.role == 'system' else m.role }}] {{ m.content | trim }}\n{% endfor %}"


def chat(builder: PromptBuilder, text: str) -> list[int]:
    messages = (ChatMessage(role="system", content=SYSTEM), ChatMessage(role="user", content=text))
    return builder.build(ChatPrompt(messages=messages))


@pytest.mark.parametrize("template", [CHATML, AS_USER])
@pytest.mark.parametrize("text", ["hello", "\n\n\n", " x", "a", "0", "안녕", "<|im_end|>", "(", "한", "{{"])
def test_a_chat_begins_with_it(template: str, text: str) -> None:
    builder = make_prompt_builder(ByteTokenizer(), template, "", "")
    beginning = shared_beginning(builder.build, SYSTEM)
    tokens = chat(builder, text)
    assert tokens[: len(beginning)] == beginning
    assert SYSTEM.encode() in bytes(beginning)


def test_a_token_that_reaches_into_what_the_user_says_is_no_part_of_it() -> None:
    """A vocabulary with one token for two line breaks writes the template's and the user's as one."""

    def build(prompt: Prompt) -> list[int]:
        assert isinstance(prompt, ChatPrompt)
        text = "".join(f"{message.role}\n{message.content}" for message in prompt.messages)
        pairs = text.replace("\n\n", "\0")
        return [ord(letter) for letter in pairs]

    assert shared_beginning(build, SYSTEM) == [ord(letter) for letter in f"system\n{SYSTEM}user"]
