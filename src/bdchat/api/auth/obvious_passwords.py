"""Detects passwords that an attacker would try first, by rules instead of a list of leaked ones. Pure.

Obvious is what has few different characters or repeats itself, walks over the keyboard or the alphabet, is a date, or
is one or two words of obvious_words.txt with digits and signs around or instead of letters ("P@ssw0rd123!"). Korean
words are there as they come out of a Latin keyboard.
"""

import functools
import itertools
import re
from pathlib import Path

WORDS = Path(__file__).with_name("obvious_words.txt")
NUM_FEW = 3  # different characters
MAX_CHUNK = 4  # "abcdabcd"
MIN_WALK = 3
MAX_NUM_WALKS = 5
NUM_BESIDE_WALKS = 2  # characters that a walk may have around it: "123456789a"
CUT_WORD = 8  # where some old systems cut passwords off
KEYBOARD = ("`1234567890-=", " qwertyuiop[]", " asdfghjkl;'", " zxcvbnm,./")
MIN_WORD = 3  # letters; one word alone has more
NUMBER_PAD = ("789", "456", "123", "0")
SHIFTED = str.maketrans('~!@#$%^&*()_+{}:"<>?|', "`1234567890-=[];',./" + "\\")
LEET = {"0": "o", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s", "!": "i", "+": "t"}
DATES = (r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])", r"(0[1-9]|1[0-2])([0-2]\d|3[01])(19|20)\d\d")
DATE = re.compile("|".join((*DATES, r"([0-2]\d|3[01])(0[1-9]|1[0-2])(19|20)\d\d")))
DECORATED = re.compile(r"[\W\d_]{0,6}(.*?)[\W\d_]{0,6}", re.DOTALL)


def is_obvious(password: str) -> bool:
    folded = password.casefold()
    if len(set(folded)) <= NUM_FEW or _repeats(folded):
        return True
    if _is_walk(folded) or DATE.fullmatch("".join(char for char in folded if char not in "-./ ")):
        return True
    return any(_is_words(spelt) for spelt in _spellings(folded))


def _repeats(text: str) -> bool:
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, MAX_CHUNK + 1))


def _is_walk(text: str) -> bool:
    """A few runs, each from a key to one beside it, or from a letter or digit to its neighbour: "qwer1234". Two may
    alternate: "q1w2e3r4"."""
    plain = text.translate(SHIFTED)
    if len(plain) >= 2 * MIN_WALK and all(_num_walked(half) == len(half) for half in (plain[::2], plain[1::2])):
        return True
    return len(plain) - _num_walked(plain) <= NUM_BESIDE_WALKS


def _num_walked(text: str) -> int:
    """Of its characters, those that belong to a walk; none when there are many walks."""
    steps = [b in _beside(a) or abs(ord(a) - ord(b)) <= 1 for a, b in itertools.pairwise(text)]
    walks = [len(list(run)) + 1 for goes_on, run in itertools.groupby(steps) if goes_on]
    walks = [size for size in walks if size >= MIN_WALK]
    return sum(walks) if len(walks) <= MAX_NUM_WALKS else 0


@functools.cache
def _beside(key: str) -> frozenset[str]:
    """The keys around it, as far as a finger goes without a thought."""
    return _around(key, KEYBOARD, slant=1) | _around(key, NUMBER_PAD, slant=0)


def _around(key: str, rows: tuple[str, ...], *, slant: int) -> frozenset[str]:
    """`slant` 1: each row lies half a key to the right of the one above it."""
    row, place = next(((r, keys.find(key)) for r, keys in enumerate(rows) if key in keys), (-1, -1))
    if row < 0 or key == " ":
        return frozenset()
    near = [(row, place - 1), (row, place + 1), (row - 1, place), (row + 1, place)]
    near += [(row - 1, place + 1), (row + 1, place - 1)] if slant else []
    inside = (rows[r][p] for r, p in near if 0 <= r < len(rows) and 0 <= p < len(rows[r]))
    return frozenset(inside) - {" "}


def _spellings(text: str) -> set[str]:
    """Without what stands around the letters, and with letters for the signs that look like them."""
    match = DECORATED.fullmatch(text)
    spellings = {text, match[1] if match else text}
    for one in ("l", "i"):
        letters = text.translate(str.maketrans("".join(LEET) + "1", "".join(LEET.values()) + one))
        spellings.add(letters)
        for num_behind in range(1, 7):  # "p@ssw0rd123": the digits behind are digits
            if text[-num_behind:].isalpha() or len(text) - num_behind < MIN_WORD:
                break
            spellings.add(letters[:-num_behind])
    return spellings


def _is_words(text: str) -> bool:
    """One word, or two; or one twice."""
    words = _words()
    if (text in words and len(text) > MIN_WORD) or (len(text) == CUT_WORD and text in _cut_words()):
        return True
    return any(text[:place] in words and text[place:] in words for place in range(MIN_WORD, len(text) - MIN_WORD + 1))


@functools.cache
def _words() -> frozenset[str]:
    return frozenset(WORDS.read_text("utf-8").casefold().split())


@functools.cache
def _cut_words() -> frozenset[str]:
    return frozenset(word[:CUT_WORD] for word in _words())
