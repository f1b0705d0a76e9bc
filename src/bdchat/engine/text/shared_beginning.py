"""The tokens that every chat with one system prompt begins with. Any thread."""

from collections.abc import Callable

from bdchat.engine.request import ChatMessage, ChatPrompt

# What a user may say first: a template writes some of it in one token with what stands before it, a line break above
# all, and strips some. Where they part the beginning ends.
_OPENINGS = ("a", "0", " b", "\n\nc", "(", "\ud55c", "<d>")


def shared_beginning(build: Callable[[ChatPrompt], list[int]], system_prompt: str) -> list[int]:
    """Law: a chat with the system prompt has them as its first tokens. `build` raises InvalidRequest,
    ContextLengthExceeded, and so does this."""
    system = ChatMessage(role="system", content=system_prompt)
    spoken = [ChatPrompt(messages=(system, ChatMessage(role="user", content=text))) for text in _OPENINGS]
    chats = [build(prompt) for prompt in spoken]
    shortest = min(chats, key=len)
    num_shared = next(
        (place for place, token in enumerate(shortest) if any(chat[place] != token for chat in chats)), len(shortest)
    )
    return shortest[:num_shared]
