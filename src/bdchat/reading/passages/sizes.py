"""How many tokens a text has, without a model: as multilingual-e5, whose vocabulary is XLM-RoBERTa's, would count.

Weights a character, fitted to that tokenizer's counts of 400 texts of 14 kinds: within 20 % for 600 characters of
prose, code, tables or Base64. Spaces belong to the word behind them.
"""

import unicodedata
from functools import cache

# By script: the first and the last code point, and the weight of a letter. The first that fits.
_SCRIPTS = (
    (0x1100, 0x11FF, 0.25),  # Hangul jamo: two or three of them are one syllable
    (0xA960, 0xA97F, 0.25),
    (0xD7B0, 0xD7FF, 0.25),
    (0xAC00, 0xD7A3, 0.59),  # Hangul syllables
    (0x3040, 0x30FF, 0.45),  # Kana
    (0x2E80, 0x9FFF, 0.67),  # Han
    (0xF900, 0xFAFF, 0.67),
    (0x20000, 0x3FFFF, 0.67),
    (0, 0x5FF, 0.274),  # Latin, Greek, Cyrillic
)
_CAPITAL = 1.1  # a Latin one begins a token nearly always
_LETTER = 0.29  # of any other script
_DIGIT = 0.74
_SIGN = 0.86


def num_tokens(text: str) -> float:
    return sum(map(weight, text))


@cache
def weight(character: str) -> float:
    code = ord(character)
    category = unicodedata.category(character)
    if category[0] in "LM":
        if category == "Lu" and code < 0x250:
            return _CAPITAL
        return next((each for first, last, each in _SCRIPTS if first <= code <= last), _LETTER)
    if character.isspace():
        return 0.0
    return _DIGIT if category[0] == "N" else _SIGN
