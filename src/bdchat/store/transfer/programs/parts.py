"""What the parsers have in common: values of a stranger's JSON, and the notes that stand for what is no text. Pure.

A message is Markdown here. What a model thought stands before its answer between <think> tags, where the page folds it
away; pictures, files and calls of tools become notes in brackets.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from bdchat.store.transfer.chat import MAX_MESSAGE_BYTES, BadChat, line_of, text_of

ROLES = frozenset({"user", "assistant", "system", "tool"})  # ours, and of most programs by the same names
NAME_CHARS = 200
_TICKS = re.compile("`+")
_KINDS = {"image": "images", "audio": "recordings", "video": "recordings"}


def object_of(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def string_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def id_of(value: object) -> str | None:
    """What names another value; some programs number theirs."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        return str(value)
    return value if isinstance(value, str) and value else None


def joined(texts: Iterable[str]) -> str:
    """Paragraphs. Raises BadChat when they are too long together."""
    return text_of("\n\n".join(text for text in texts if text.strip()))


def fenced(code: str, language: str = "") -> str:
    """The fence is longer than any inside."""
    longest = max((len(run[0]) for run in _TICKS.finditer(code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{line_of(language, 30)}\n{code}\n{fence}"


def written(value: object) -> str:
    """Any value as text: strings as they are, the rest as JSON. Raises BadChat when it is nested too deep."""
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, ensure_ascii=False, indent=1)
    except RecursionError as error:
        raise BadChat("unknown_message") from error


def as_note(kind: str, about: object = "") -> str:
    """ "[image: cat.png]", "[image]" without a name."""
    named = line_of(about, 500)
    return f"[{line_of(kind, 100)}: {named}]" if named else f"[{line_of(kind, 100)}]"


def as_link(title: str, address: str) -> str:
    return f"[{title.replace('[', '(').replace(']', ')') or address}]({address})"


def kind_not_kept(asset: str) -> str:
    return next((kind for word, kind in _KINDS.items() if word in asset), "files")


class Said:
    """What one message says, collected in its order. `not_kept`: of its chat, counted up here."""

    def __init__(self, not_kept: dict[str, int]) -> None:
        self.thoughts: list[str] = []
        self.texts: list[str] = []
        self._not_kept = not_kept

    @property
    def content(self) -> str:
        """Raises BadChat when it is too long."""
        thought = joined(self.thoughts)
        return joined([as_thought(thought) if thought else "", *self.texts])

    def think(self, text: str) -> None:
        if text.strip():
            self.thoughts.append(text.strip())

    def say(self, text: str) -> None:
        if text.strip():
            self.texts.append(text)

    def attach(self, asset: str, name: object = "", *, text: str = "", language: str = "") -> None:
        """A note; with the text of what is attached, where the file has it. Else its content is not kept."""
        if text.strip():
            self.say(f"{as_note(asset, name)}\n\n{fenced(text, language)}")
            return
        self.say(as_note(asset, name))
        self.leave_out(kind_not_kept(asset))

    def call(self, tool: object, arguments: object, result: object = None) -> None:
        """Of a tool, with what it was asked and what it answered."""
        self.say(as_call(tool, arguments, result))

    def leave_out(self, kind: str, num: int = 1) -> None:
        if num:
            self._not_kept[kind] = self._not_kept.get(kind, 0) + num


def as_thought(text: str) -> str:
    """A closing tag that is quoted in the thought must not end it."""
    return f"<think>\n{text.replace('</think>', '</think >')}\n</think>"


def as_call(tool: object, arguments: object, result: object = None) -> str:
    asked, answered = written(_decoded(arguments)), written(_decoded(result))
    texts = [as_note("tool", tool)]
    if asked.strip():
        texts.append(fenced(asked, "json" if not isinstance(arguments, str) or asked[:1] in "[{" else ""))
    if answered.strip():
        texts += [as_note("result"), fenced(answered, "json" if answered[:1] in "[{" else "")]
    return "\n\n".join(texts)


def data_texts(value: object) -> list[str]:
    """The texts of a tool's answer: a string, a list of parts, or one part. What is none of these is JSON."""
    if isinstance(value, list):
        return [text for part in value for text in data_texts(part)]
    part = object_of(value)
    if isinstance(text := part.get("text"), str):
        return [text]
    if "image" in string_of(part.get("type")):
        return [as_note("image")]
    text = written(value)
    return [text] if text.strip() else []


def _decoded(value: object) -> object:
    """JSON in a string that is a string again, as some write it, is that string."""
    if isinstance(value, str) and value[:1] == '"' and len(value) <= MAX_MESSAGE_BYTES:
        try:
            inner = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return inner if isinstance(inner, str) else value
    return value
