"""Names of chats: from the first message on, until the model or the owner gives one; and of a chat's forks. Pure."""

import re
import unicodedata

from bdchat.store.search.snippet import graphemes

MAX_GRAPHEMES = 40
MAX_TITLE_CHARS = 200  # as a title on the wire has
READ_CHARS = 8000  # of a message: its first words are there, unless it begins with a long block of code

_FENCE = re.compile(r"```.*?(?:```|$)", re.DOTALL)
_SIGNS = re.compile(r"^[#>*\-\s`]+")
_ENDS = ".。,，;；:：!！ "
_NUMBER = re.compile(r" \((\d{1,6})\)$", re.ASCII)


def first_words(question: str) -> str:
    """The beginning of the user's message, cut between words, or between whole characters where a word is too long.
    Empty only when nothing can be read in it."""
    question = question[:READ_CHARS]
    plain = one_line(_FENCE.sub(" ", question)) or one_line(question)
    plain = _SIGNS.sub("", plain) or plain
    clusters = list(graphemes(plain))
    if len(clusters) <= MAX_GRAPHEMES:
        return plain
    kept = "".join(clusters[:MAX_GRAPHEMES])
    if clusters[MAX_GRAPHEMES] != " " and (cut := kept.rfind(" ")) >= len(kept) // 2:
        kept = kept[:cut]
    return kept.rstrip(_ENDS) + "…"


def one_line(text: str) -> str:
    """Without what cannot be seen: control and direction characters, lone surrogates; joiners stay."""
    seen = (" " if letter.isspace() else letter for letter in text if _is_seen(letter))
    return " ".join("".join(seen).split())


def name_of(title: str) -> str:
    """A title without the number of a fork."""
    return _NUMBER.sub("", title)


def numbered(name: str, taken: list[str]) -> str:
    """The name of the next one beside `taken`, all of which have it: "Foxes", "Foxes (2)" → "Foxes (3)"."""
    numbers = [int(found[1]) for found in map(_NUMBER.search, taken) if found is not None]
    ending = f" ({max([1, *numbers]) + 1})"
    return name[: MAX_TITLE_CHARS - len(ending)] + ending


def _is_seen(letter: str) -> bool:
    return letter.isspace() or letter in "\u200c\u200d" or unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co"}
