"""Regular languages over Unicode: union, intersection and complement, whether one is empty, and an expression for it.

By derivatives: what may follow a character in a language is a language again, and there are finitely many, also of
complements. Languages are interned: two that are built alike are one object, so a language is compared by identity.
"""

from collections.abc import Iterable
from typing import Any

from ..unsupported import Budget, UnsupportedSchema

Ranges = tuple[tuple[int, int], ...]  # sorted, disjoint, both ends included

LAST = 0x10FFFF
ALL: Ranges = ((0, LAST),)
NO_CHARACTER = "[^\\x{0}-\\x{10FFFF}]"
MAX_STATES = 400  # of a language that is written as an expression
MAX_EXPRESSION = 20_000  # characters


class Language:
    """Made by Languages alone. `kind`: none, empty, one, cat, any, all, not or rep; `parts` fit the kind."""

    __slots__ = ("cuts", "derived", "kind", "nullable", "parts", "serial")

    def __init__(self, serial: int, kind: str, parts: tuple[Any, ...], nullable: bool, cuts: frozenset[int]) -> None:
        self.serial = serial  # the order of making, which is the same in every run
        self.kind = kind
        self.parts = parts
        self.nullable = nullable  # the empty text is in it
        self.cuts = cuts  # characters at which what may come first changes
        self.derived: dict[int, Language] = {}


class Languages:
    """All languages of one rewrite."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._interned: dict[tuple[object, ...], Language] = {}
        self._empty: dict[Language, bool] = {}
        self.nothing = self._make("none", (), nullable=False)
        self.empty_text = self._make("empty", (), nullable=True)
        self.anything = self.star(self.one(ALL))

    def one(self, ranges: Ranges) -> Language:
        if not ranges:
            return self.nothing
        cuts = frozenset(cut for first, last in ranges for cut in (first, last + 1))
        return self._make("one", (ranges,), nullable=False, cuts=cuts)

    def text(self, text: str) -> Language:
        return self.concatenation([self.one(((ord(each), ord(each)),)) for each in text])

    def concatenation(self, parts: Iterable[Language]) -> Language:
        joined = self.empty_text
        for part in reversed(list(parts)):
            joined = self._cat(part, joined)
        return joined

    def union(self, parts: Iterable[Language]) -> Language:
        kept: dict[Language, None] = {}
        for part in parts:
            kept.update(dict.fromkeys(part.parts if part.kind == "any" else (part,)))
        kept.pop(self.nothing, None)
        ones = [part for part in kept if part.kind == "one"]
        if len(ones) > 1:
            for part in ones:
                del kept[part]
            kept[self.one(merged([pair for part in ones for pair in part.parts[0]]))] = None
        if self.anything in kept:
            return self.anything
        return self._several("any", kept, self.nothing)

    def intersection(self, parts: Iterable[Language]) -> Language:
        kept: dict[Language, None] = {}
        for part in parts:
            kept.update(dict.fromkeys(part.parts if part.kind == "all" else (part,)))
        kept.pop(self.anything, None)
        if self.nothing in kept or any(part.kind == "not" and part.parts[0] in kept for part in kept):
            return self.nothing
        return self._several("all", kept, self.anything)

    def complement(self, language: Language) -> Language:
        if language.kind == "not":
            inner: Language = language.parts[0]
            return inner
        if language is self.nothing:
            return self.anything
        if language is self.anything:
            return self.nothing
        return self._make("not", (language,), nullable=not language.nullable, cuts=language.cuts)

    def star(self, language: Language) -> Language:
        return self.repeated(language, 0, None)

    def repeated(self, language: Language, least: int, most: int | None) -> Language:
        if most == 0 or language is self.empty_text:
            return self.empty_text
        if language is self.nothing:
            return self.empty_text if least == 0 else self.nothing
        if (least, most) == (1, 1):
            return language
        if language.nullable:
            least = 0
        if language.kind == "rep" and language.parts[1:] == (0, None):
            return language
        return self._make("rep", (language, least, most), nullable=least == 0, cuts=language.cuts)

    def derivative(self, language: Language, character: int) -> Language:
        """What may follow the character. Deep expressions are refused when they are read, so this recurses safely."""
        known = language.derived.get(character)
        if known is not None:
            return known
        self._budget.spend()
        parts = language.parts
        match language.kind:
            case "one":
                inside = any(first <= character <= last for first, last in parts[0])
                found = self.empty_text if inside else self.nothing
            case "cat":
                ways = []
                rest = language
                while rest.kind == "cat":
                    first, rest = rest.parts
                    ways.append(self._cat(self.derivative(first, character), rest))
                    if not first.nullable:
                        break
                else:
                    ways.append(self.derivative(rest, character))
                found = self.union(ways)
            case "any":
                found = self.union([self.derivative(part, character) for part in parts])
            case "all":
                found = self.intersection([self.derivative(part, character) for part in parts])
            case "not":
                found = self.complement(self.derivative(parts[0], character))
            case "rep":
                inner, least, most = parts
                rest = self.repeated(inner, max(0, least - 1), None if most is None else most - 1)
                found = self._cat(self.derivative(inner, character), rest)
            case _:
                found = self.nothing
        language.derived[character] = found
        return found

    def holds(self, language: Language, text: str) -> bool:
        for each in text:
            if language is self.nothing or language is self.anything:
                break
            # Characters between two cuts lead to the same: the first of them stands for all.
            code = ord(each)
            language = self.derivative(language, max((cut for cut in language.cuts if cut <= code), default=0))
        return language.nullable

    def is_empty(self, language: Language) -> bool:
        """Raises UnsupportedSchema when the budget ends before it is known."""
        known = self._empty.get(language)
        if known is None:
            seen = {language}
            waiting = [language]
            known = True
            while waiting and known:
                state = waiting.pop()
                if state.nullable or self._empty.get(state) is False:
                    known = False
                for first, _ in self.pieces(state):
                    following = self.derivative(state, first)
                    if following not in seen and following is not self.nothing:
                        seen.add(following)
                        waiting.append(following)
            self._empty[language] = known
        return known

    def pieces(self, language: Language) -> list[tuple[int, int]]:
        """Ranges of characters that lead to the same language, from 0 to the last."""
        starts = sorted({0, *(cut for cut in language.cuts if cut <= LAST)})
        return list(zip(starts, [each - 1 for each in starts[1:]] + [LAST], strict=True))

    def expression(self, language: Language, pointer: str, keyword: str) -> str:
        """A regular expression that finds its texts whole. Raises UnsupportedSchema when it would be too large."""
        states: dict[Language, int] = {language: 0}
        arcs: dict[int, dict[int, str]] = {}
        waiting = [language]
        while waiting:
            state = waiting.pop()
            targets: dict[Language, list[tuple[int, int]]] = {}
            for piece in self.pieces(state):
                following = self.derivative(state, piece[0])
                if following is not self.nothing and not self.is_empty(following):
                    targets.setdefault(following, []).append(piece)
            for following in targets:
                if following not in states:
                    states[following] = len(states)
                    waiting.append(following)
            if len(states) > MAX_STATES:
                raise UnsupportedSchema(pointer, keyword, f"its texts need more than {MAX_STATES} states")
            arcs[states[state]] = {states[key]: class_text(tuple(pieces)) for key, pieces in targets.items()}
        ends = {number for state, number in states.items() if state.nullable}
        return f"^(?:{self._eliminated(arcs, ends, pointer, keyword)})$"

    def _eliminated(self, arcs: dict[int, dict[int, str]], ends: set[int], pointer: str, keyword: str) -> str:
        """State elimination; the newest state goes first, so that chains stay chains."""
        start, end = -1, -2
        arcs[start] = {0: ""}
        for number in ends:
            arcs[number][end] = ""
        for gone in sorted((each for each in arcs if each >= 0), reverse=True):
            out = arcs.pop(gone)
            loop = out.pop(gone, None)
            turn = "" if loop is None else f"(?:{loop})*"
            for leads in arcs.values():
                into = leads.pop(gone, None)
                if into is None:
                    continue
                for target, text in out.items():
                    self._budget.spend()
                    way = grouped(into) + turn + grouped(text)
                    leads[target] = _either(leads[target], way) if target in leads else way
                    if len(leads[target]) > MAX_EXPRESSION:
                        raise UnsupportedSchema(pointer, keyword, "its texts need an expression that is too long")
        return arcs[start].get(end, NO_CHARACTER)

    def _cat(self, first: Language, rest: Language) -> Language:
        if first is self.nothing or rest is self.nothing:
            return self.nothing
        if first is self.empty_text:
            return rest
        if rest is self.empty_text:
            return first
        if first.kind == "cat":  # to the right, so that equal languages are built alike
            parts = []
            while first.kind == "cat":
                parts.append(first.parts[0])
                first = first.parts[1]
            for part in (first, *reversed(parts)):
                rest = self._cat(part, rest)
            return rest
        if rest is self.anything and first.nullable:
            return self.anything
        cuts = first.cuts | rest.cuts if first.nullable else first.cuts
        return self._make("cat", (first, rest), nullable=first.nullable and rest.nullable, cuts=cuts)

    def _several(self, kind: str, kept: dict[Language, None], without: Language) -> Language:
        if len(kept) < 2:
            return next(iter(kept), without)
        parts = tuple(sorted(kept, key=lambda part: part.serial))
        nullable = (any if kind == "any" else all)(part.nullable for part in parts)
        return self._make(kind, parts, nullable=nullable, cuts=frozenset().union(*(part.cuts for part in parts)))

    def _make(
        self, kind: str, parts: tuple[object, ...], *, nullable: bool, cuts: frozenset[int] = frozenset()
    ) -> Language:
        key = (kind, *parts)
        known = self._interned.get(key)
        if known is None:
            self._budget.spend()
            known = self._interned[key] = Language(len(self._interned), kind, parts, nullable, cuts)
        return known


def merged(ranges: list[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def inverted(ranges: Ranges) -> Ranges:
    found = []
    following = 0
    for first, last in ranges:
        if first > following:
            found.append((following, first - 1))
        following = last + 1
    if following <= LAST:
        found.append((following, LAST))
    return tuple(found)


def class_text(ranges: Ranges) -> str:
    """A class of characters without U+0000 (see `without_nul`); surrogates, which no text holds, end no range."""
    ranges = merged(list(ranges))
    if ranges == ALL:
        return "(?s:.)"
    if ranges[0][0] == 0:
        ranges = ((1, ranges[0][1]), *ranges[1:]) if ranges[0][1] else ranges[1:]
    if not ranges:
        return NO_CHARACTER
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _escaped(ranges[0][0])
    inside = "".join(
        _escaped(first) if first == last else f"{_escaped(first)}-{_escaped(last)}"
        for first, last in (
            (0xE000 if 0xD800 <= a <= 0xDFFF else a, 0xD7FF if 0xD800 <= b <= 0xDFFF else b) for a, b in ranges
        )
        if first <= last
    )
    return f"[{inside}]"


def grouped(text: str) -> str:
    return f"(?:{text})" if "|" in text else text


def _either(one: str, other: str) -> str:
    if not one or not other:
        return f"(?:{one or other})?"
    return f"{one}|{other}"


def _escaped(code: int) -> str:
    return chr(code) if chr(code).isascii() and chr(code).isalnum() else f"\\x{{{code:X}}}"
