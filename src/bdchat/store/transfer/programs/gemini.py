"""An entry of Google Takeout's activity of Gemini → Chat. Pure; believes nothing that it reads.

{"header": "Gemini Apps", "title": "Prompted …", "time", "safeHtmlItem": [{"html": "<p>…"}], …}: a question and its
answer. Which of them belong to one conversation is not in it, so each is a chat of its own: guessed by time, those of
one hour would lie together that had nothing to do with each other, and each new export would be another chat.
"""

import hashlib
import re
from typing import Any

from bdchat.store.transfer.chat import MAX_TITLE_CHARS, Chat, TransferMessage, line_of, origin_of, text_of, time_of
from bdchat.store.transfer.programs.html_markdown import as_markdown
from bdchat.store.transfer.programs.parts import Said, list_of, object_of, string_of

PROGRAM = "gemini"
_ASKED = re.compile(r"(?:Prompted with: |Prompted |Asked Gemini: |Asked Bard: |Asked |Said |Branched |Answered )")
_ATTACHED = re.compile(r"\s*Attached \d+ files?\.?\s*\Z")
_CITE = re.compile(r" ?\[cite: ?[\d, ]{1,200}\]|\[cite_start\]")
_NAMES = ("gemini", "bard")
_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".heic")


def is_chat(value: dict[str, Any]) -> bool:
    """What was asked or answered; not that a chat was shared, or a feature used."""
    if not isinstance(value.get("title"), str) or not ("time" in value or "safeHtmlItem" in value):
        return False
    labels = [string_of(value.get("header")), *map(string_of, list_of(value.get("products")))]
    is_its = any(name in label.lower() for label in labels for name in _NAMES)
    return is_its and bool(_ASKED.match(value["title"]) or _answers(value))


def chat_of(value: dict[str, Any]) -> Chat:
    """Raises BadChat."""
    title = value["title"]
    asked = _ATTACHED.sub("", _ASKED.sub("", title, count=1) if _ASKED.match(title) else title)
    at_ms = time_of(value.get("time"))
    key = hashlib.sha256(f"{value.get('time')} {title}".encode()).hexdigest()[:32]
    chat = Chat(origin=origin_of(PROGRAM, key), title=line_of(asked, MAX_TITLE_CHARS), created_at_ms=at_ms)
    question, answer = Said(chat.not_kept), Said(chat.not_kept)
    question.say(text_of(asked))
    files = [each for each in list_of(value.get("attachedFiles")) if isinstance(each, str)]
    files += [each for each in (value.get("imageFile"), value.get("audioFile")) if isinstance(each, str)]
    for name in dict.fromkeys(files):
        question.attach(_asset(name), name)
    for html in _answers(value):
        text, num_marks = _CITE.subn("", as_markdown(html))
        answer.say(text_of(text))
        answer.leave_out("citations", num_marks)
    for place in map(object_of, list_of(value.get("subtitles"))):
        if (name := string_of(place.get("name"))).strip() and not name.startswith("Attached "):
            address = string_of(place.get("url"))
            answer.say(f"[{name}]({address})" if address else name)
    chat.messages = [
        TransferMessage("question", None, "user", question.content or None, at_ms),
        TransferMessage("answer", "question", "assistant", answer.content or None, at_ms),
    ]
    chat.head_id = "answer"
    return chat


def _asset(name: str) -> str:
    if name.lower().endswith(_IMAGES):
        return "image"
    return "audio" if name.lower().endswith((".mp3", ".wav", ".m4a", ".ogg")) else "file"


def _answers(value: dict[str, Any]) -> list[str]:
    items = value.get("safeHtmlItem")
    found = [object_of(item) for item in (items if isinstance(items, list) else [items])]
    return [html for item in found if (html := string_of(item.get("html") or item.get("htmlValue"))).strip()]
