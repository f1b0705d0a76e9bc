"""Detects names that look like others' (Unicode's security mechanisms, UTS 39). Pure; knows no accounts.

A name is written in one script: "аdmin" with a Cyrillic а is none. Korean, Japanese and Chinese are written with Latin
letters beside their own ("highly restrictive", UTS 39 5.2). Two names look alike when they have a skeleton in common:
every character replaced by the one that all of its look-alikes share (UTS 39 4).
"""

import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

# UAX 31, table 5: scripts that people write today. Others are for scholars and for tricks.
# fmt: off
IN_USE = (
    "Latn", "Grek", "Cyrl", "Armn", "Hebr", "Arab", "Thaa", "Deva", "Beng", "Guru", "Gujr", "Orya", "Taml", "Telu",
    "Knda", "Mlym", "Sinh", "Thai", "Laoo", "Tibt", "Mymr", "Geor", "Hang", "Ethi", "Khmr", "Hira", "Kana", "Bopo",
    "Hani",
)
# fmt: on
TOGETHER = (("Latn", "Hani", "Hira", "Kana"), ("Latn", "Hani", "Bopo"), ("Latn", "Hani", "Hang"))
MAX_MARKS = 4  # on one letter; UTS 39 5.4
TABLE = Path(__file__).with_name("confusables.txt")  # scripts/confusables.py


def is_one_script(text: str) -> bool:
    """Digits, blanks and signs belong to every script; but digits of two kinds are two."""
    zeros = {ord(char) - unicodedata.decimal(char) for char in text if unicodedata.decimal(char, None) is not None}
    return len(zeros) <= 1 and _one_script().fullmatch(text) is not None


def is_in_use(char: str) -> bool:
    """Of a script that people write today, or of none."""
    return _in_use().fullmatch(char) is not None


def is_plainly_visible(text: str) -> bool:
    """Nothing in it is invisible, turns the direction of what follows, or piles marks upon a letter. What joins emoji,
    and letters of scripts that are written joined, may."""
    bare = _joiners().sub("", text)
    return _unseen().search(bare) is None and _piles().search(unicodedata.normalize("NFD", text)) is None


def words(text: str) -> list[str]:
    """Each may be of a script of its own: "Анна (Anna)"."""
    return [str(word) for word in _words().findall(text)]


@lru_cache(maxsize=16_384)
def skeletons(name: str) -> frozenset[str]:
    """Of the name as it is written, and without capitals: "AIice" is "Alice" only as it is written."""
    return frozenset({_skeleton(name), _skeleton(name.casefold())})


def _skeleton(name: str) -> str:
    shared = unicodedata.normalize("NFD", name).translate(_prototypes())
    return unicodedata.normalize("NFD", shared).casefold()


@cache
def _prototypes() -> dict[int, str]:
    lines = (line.split("\t") for line in TABLE.read_text("utf-8").splitlines())
    return {ord(char): prototype for prototype, chars in lines for char in chars}


# --- patterns, made when the first name is looked at: `regex` knows scripts, `re` does not ----------------------------


@cache
def _one_script() -> Any:
    return _compiled("|".join(_all_of(scripts) for scripts in (*TOGETHER, *((script,) for script in IN_USE))))


@cache
def _in_use() -> Any:
    return _compiled(_all_of(IN_USE))


def _all_of(scripts: tuple[str, ...]) -> str:
    return "[" + "".join(rf"\p{{scx={script}}}" for script in scripts) + r"\p{sc=Common}\p{sc=Inherited}]*+"


@cache
def _joiners() -> Any:
    emoji = r"(?<=\p{Emoji}\p{EMod}?\uFE0F?)\u200D(?=\p{ExtPict})|(?<=\p{Emoji})\uFE0F"
    return _compiled(rf"{emoji}|(?<=[\p{{Arab}}\p{{ccc=9}}])[\u200C\u200D](?=\p{{L}})")


@cache
def _unseen() -> Any:
    return _compiled(r"[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Cc}\p{Co}\p{Cn}\u2028\u2029\uFFF9-\uFFFB]")


@cache
def _piles() -> Any:
    return _compiled(rf"[\p{{Mn}}\p{{Me}}]{{{MAX_MARKS + 1},}}")


@cache
def _words() -> Any:
    return _compiled(r"[\p{L}\p{M}\p{N}]+")


def _compiled(pattern: str) -> Any:
    import regex

    return regex.compile(pattern)
