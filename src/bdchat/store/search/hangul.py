"""Text → search terms, the same way for what is stored and for what is asked. Pure.

Hangul, Kana, Han and the scripts that write no spaces become overlapping pairs of characters, with the last one of a
run alone at its end; everything else is words. A word inside a run is then a run of pairs: 환불은 is 환불 불은 은, and
환불 is found in it, whatever particle follows. One letter is found as a prefix of pairs.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

PIECE_CHARS = 4096  # half a millisecond of work
MAX_PIECE_CHARS = 128 * 1024  # a text that has no sign for so long is cut anywhere: one pair is lost
MAX_WORD_LENGTH = 64  # of what is longer (base64, links without end) the beginning is a term; PostgreSQL takes 2 kB
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Myanmar, Khmer
    "\u1100-\u11ff\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f"  # Jamo, Kana, 々, 〇
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"  # Hangul, Han
)
_MARKS_IN_WORDS = "\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u0f18-\u0fbc"  # vowel signs: re's \w lacks them
SPACED = rf"(?:(?![{_UNSPACED}])[^\W_]|[{_MARKS_IN_WORDS}])"  # one character of a word in a spaced script
_RUN = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|{SPACED}+")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_SIGN = re.compile(r"[\x00-/:-@\[-`{-\x7f\u3000-\u3002\uff01\uff0c\uff1f]")  # is in no term and composes with nothing

# A stem of two letters or more (마을 and 도로 are nouns), then the longest particle.
_CLEAR = "에서는|으로는|에서|에게|으로|까지|부터|처럼|한테|에는|은|는|을|를"  # end hardly any noun
_DOUBTFUL = "이라는|이랑|이나|하고|보다|이|가|의|에|로|와|과|도|만|랑|나"  # do: 고양이, 전문가, 제주도
_CLEAR_ENDING = re.compile(f"([가-힣]{{2,}}?)({_CLEAR})")
_ANY_ENDING = re.compile(f"([가-힣]{{2,}}?)({_CLEAR}|{_DOUBTFUL})")
_AFTER_CONSONANT = {"은": True, "는": False, "을": True, "를": False, "이": True, "가": False, "와": False, "과": True}


@dataclass(frozen=True, slots=True)
class LetterRun:
    """One script's stretch of a word, folded."""

    text: str
    is_unspaced: bool

    def terms(self, *, with_last: bool) -> list[str]:
        """`with_last`: also the letter that ends an unspaced run, alone."""
        if not self.is_unspaced:
            return [self.text[:MAX_WORD_LENGTH]]
        pairs = [self.text[at : at + 2] for at in range(len(self.text) - 1)]
        return [*pairs, self.text[-1]] if with_last or not pairs else pairs


def fold(text: str) -> str:
    """As it is compared: compatibility forms, case, accents and decomposed Hangul (macOS) are no difference."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold()))


def runs(folded: str) -> list[LetterRun]:
    return [LetterRun(match[0], match["unspaced"] is not None) for match in _RUN.finditer(folded)]


def pieces(text: str) -> Iterator[str]:
    """`text` in parts whose terms, one after the other, are those of the whole: a long one needs neither the memory of
    all its terms at once nor one long stretch of work."""
    at = 0
    while at < len(text):
        sign = _SIGN.search(text, at + PIECE_CHARS, at + MAX_PIECE_CHARS)
        end = sign.end() if sign else at + MAX_PIECE_CHARS
        yield text[at:end]
        at = end


def index_terms(text: str) -> list[str]:
    """In the order of the text, repetitions included: phrases are found by neighbourhood."""
    found: list[str] = []
    for match in _RUN.finditer(fold(text)):
        run = match[0]
        if match["unspaced"] is None:
            found.append(run[:MAX_WORD_LENGTH])
        else:
            found += [run[at : at + 2] for at in range(len(run) - 1)]
            found.append(run[-1])
    return found


def stem(word: str, *, is_loose: bool) -> str:
    """A Hangul word without its particle, if it clearly has one. `is_loose`: or perhaps has one."""
    match = (_ANY_ENDING if is_loose else _CLEAR_ENDING).fullmatch(word)
    return match[1] if match and _agrees(match[1][-1], match[2]) else word


def _agrees(letter: str, particle: str) -> bool:
    """은, 을, 이, 과 follow a final consonant; 는, 를, 가, 와 a vowel."""
    wanted = _AFTER_CONSONANT.get(particle)
    return wanted is None or ((ord(letter) - ord("가")) % 28 != 0) == wanted
