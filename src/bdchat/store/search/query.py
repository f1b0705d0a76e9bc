"""The text of a search field → the query for the index, and the terms to highlight. Pure.

Every word must be there; "quoted words" next to each other. The last word may be a beginning. Whatever is typed, the
indexes get quoted terms of letters and digits alone: there is no syntax that could be injected.
"""

import re
from collections.abc import Container
from dataclasses import dataclass

from bdchat.store.search.hangul import SPACED, LetterRun, fold, runs, stem

_WORD = re.compile(r'"([^"]*)"?|([^\s"]+)')
_QUOTES = str.maketrans("“”„«»「」『』", '"' * 9)
_BETWEEN_RUNS = r"[\W_]{0,8}"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Terms that stand next to each other. `is_prefix`: the last one may go on."""

    terms: tuple[str, ...]
    is_prefix: bool
    pattern: str  # of the folded text
    words: tuple[str, ...]  # what the pattern is made of

    @property
    def stretch(self) -> str:
        """What a text of terms with a space around each has in it when the phrase is there."""
        return f" {' '.join(self.terms)}{'' if self.is_prefix else ' '}"


@dataclass(frozen=True, slots=True)
class Query:
    """At least one phrase; all of them must be found."""

    phrases: tuple[Phrase, ...]

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches what to highlight in a folded text."""
        longest_first = sorted({phrase.pattern for phrase in self.phrases}, key=len, reverse=True)
        return re.compile("|".join(longest_first))

    @property
    def words(self) -> list[str]:
        """Folded, each once: what a reader of a text that was found wants to see marked."""
        return list(dict.fromkeys(word for phrase in self.phrases for word in phrase.words))

    def without(self, numbers: Container[int]) -> "Query":
        """Less the phrases of these numbers; some are left."""
        return Query(tuple(phrase for number, phrase in enumerate(self.phrases) if number not in numbers))

    def for_fts5(self) -> str:
        return " AND ".join(f'"{" ".join(phrase.terms)}"{" *" if phrase.is_prefix else ""}' for phrase in self.phrases)

    def for_tsquery(self) -> str:
        """Which terms must be there; that they are neighbours, `neighbours` asks."""
        terms: list[str] = []
        for phrase in self.phrases:
            *first, last = (f"'{term}'" for term in phrase.terms)
            terms += [*first, f"{last}:*" if phrase.is_prefix else last]
        return " & ".join(dict.fromkeys(terms))

    @property
    def neighbours(self) -> list[str]:
        """LIKE patterns for a text of terms with a space around each."""
        return [f"%{phrase.stretch}%" for phrase in self.phrases if len(phrase.terms) > 1]


def parse(typed: str, *, is_loose: bool = False) -> Query | None:
    """None: nothing in it can be found (only signs). `is_loose`: endings that may be particles are left out too."""
    words = [(match[1], match[2]) for match in _WORD.finditer(typed.translate(_QUOTES))]
    phrases: list[Phrase] = []
    for position, (quoted, word) in enumerate(words):
        found = runs(fold(quoted if word is None else word))
        if not found:
            continue
        if word is not None and found[-1].is_unspaced:
            found[-1] = LetterRun(stem(found[-1].text, is_loose=is_loose), is_unspaced=True)
        phrases.append(_phrase(found, may_go_on=word is not None and position == len(words) - 1))
    return Query(tuple(dict.fromkeys(phrases))) if phrases else None


def _phrase(found: list[LetterRun], *, may_go_on: bool) -> Phrase:
    *first, last = found
    is_prefix = len(last.text) == 1 if last.is_unspaced else may_go_on
    terms = [term for run in first for term in run.terms(with_last=True)] + last.terms(with_last=False)
    patterns = [_run_pattern(run, may_go_on=is_prefix and run is last) for run in found]
    return Phrase(tuple(terms), is_prefix, _BETWEEN_RUNS.join(patterns), tuple(run.text for run in found))


def _run_pattern(run: LetterRun, *, may_go_on: bool) -> str:
    if run.is_unspaced:
        return re.escape(run.text)
    return rf"(?<!{SPACED}){re.escape(run.text)}" + ("" if may_go_on else rf"(?!{SPACED})")
