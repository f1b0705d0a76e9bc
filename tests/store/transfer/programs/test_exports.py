"""What every program's export becomes: nothing that was said is lost, and what is not kept is counted."""

import json
import re
from collections import Counter

import pytest

from bdchat.store.importing.batches import ReadyChat
from bdchat.store.importing.wire import LENGTH_BYTES, decode_batch, encode_batch
from bdchat.store.transfer.chat import Chat
from bdchat.store.transfer.reading import FoundChat
from bdchat.store.transfer.tree import rebuild
from bdchat.store.transfer.writing import prepare
from tests.store.transfer.programs.exports import FILES, NOT_KEPT, NUM_TEXTS
from tests.store.transferable import read

TEXT = re.compile(r"§\d+")
MARKUP = re.compile('[\ue000-\uf8ff]|turn\\d+search\\d+|<details type="(?!reasoning">§)|:::thinking|&(gt|lt|quot);')
TOLD_TWICE = {"claude": {"§9"}}  # a tool's name, with its call and with its result

CHATGPT = (
    "system - §2 0 | user 0 §7 1000 | assistant 1 §8 3000 | tool 2 §11 4000 | assistant 3 §12 7000"
    " | assistant 4 §17 8000 | tool 5 §19 9000 | user 4 §21 10000 | assistant 7 §22 11000 > 8"
)
OPENWEBUI = "user - §14 0 | assistant 0 §3 1000 | assistant 0 §17 2000 > 2"
LIBRECHAT = (
    "user - §2 0 | assistant 0 §7 60000 | user 1 §10 120000 | assistant 2 §11 180000 | assistant 2 §13 240000 > 4"
)
LLAMACPP = "user - §2 0 | assistant 0 §8 1000 | tool 1 §9 2000 | assistant 2 §10 3000 | assistant 0 §12 4000 > 1"
TREES = {
    "chatgpt": CHATGPT,
    "chatgpt-2026.zip": CHATGPT,
    "openwebui": OPENWEBUI,
    "openwebui-output": "user - §2 0 | assistant 0 §3 1000 > 1",
    "openwebui-old": "user - §2 0 | assistant 0 §3 1000 > 1",
    "librechat-flat": LIBRECHAT,
    "librechat-tree": LIBRECHAT,
    "claude": "user - §3 0 | assistant 0 §6 60000 > 1",
    "claude-old": "user - §2 0 | assistant 0 §3 60000 > 1",
    "lmstudio": "user - §3 0 | assistant 0 §5 5000 | assistant 0 §12 0 | user 2 §13 0 > 3",
    "llamacpp": LLAMACPP,
    "llamacpp-lines": LLAMACPP,
    "llamacpp-lines.zip": LLAMACPP,
    "llamacpp-old": "user - §1 0 | assistant 0 §2 0 > 1",
    "jan.zip": "user - §3 0 | assistant 0 §4 1000 | assistant 1 §8 2000 > 2",
    "anythingllm": "user - §2 0 | assistant 0 §3 0 | user 1 §4 120000 | assistant 2 §5 120000 > 3",
    "anythingllm-lines": "user - §2 0 | assistant 0 §3 0 > 1",
    "gemini": "user - §1 0 | assistant 0 §3 0 > 1",
}


def chat_in(name: str) -> Chat:
    (found,) = [each for each in read(FILES[name]) if isinstance(each, FoundChat)]
    return found.chat


@pytest.mark.parametrize("name", FILES)
def test_every_text_is_kept_once_and_what_is_not_is_counted(name: str) -> None:
    chat = chat_in(name)
    said = " ".join(message.content or "" for message in chat.messages)
    extra = json.dumps([message.metadata.get("extra") for message in chat.messages], ensure_ascii=False)
    beside = " ".join([chat.title, (chat.config or {}).get("system_prompt", ""), extra])
    assert set(TEXT.findall(f"{beside} {said}")) == {f"§{number}" for number in range(1, NUM_TEXTS[name] + 1)}
    assert {text for text, num in Counter(TEXT.findall(said)).items() if num > 1} == TOLD_TWICE.get(name, set())
    assert not MARKUP.search(said)
    assert chat.not_kept == NOT_KEPT.get(name, {})


@pytest.mark.parametrize("name", FILES)
def test_roles_branches_times_and_the_shown_path_are_kept(name: str) -> None:
    """A message is its role, the number of what it hangs on, its first text, and milliseconds since the first."""
    tree = rebuild(chat_in(name), now_ms=1)
    told = []
    for message, above, at_ms in zip(tree.messages, tree.parents, tree.at_ms, strict=True):
        text = TEXT.findall(message.content or "")[0]
        told.append(f"{message.role} {'-' if above is None else above} {text} {at_ms - tree.at_ms[0]}")
    assert f"{' | '.join(told)} > {tree.head}" == TREES[name]


@pytest.mark.parametrize("name", FILES)
def test_a_chat_that_was_read_goes_to_another_process(name: str) -> None:
    prepared, _ = prepare(chat_in(name), "ann")
    assert decode_batch(encode_batch([ReadyChat(prepared, "")])[LENGTH_BYTES:]) == [ReadyChat(prepared, "")]
