"""Sets of strings: lengths, expressions found in them or not, formats, or a list of texts."""

from dataclasses import dataclass

from ..regular.expressions import language_of
from ..regular.languages import ALL, Language, Languages
from ..unsupported import UnsupportedSchema
from .formats import BY_EXPRESSION, HELD, are_apart

MAX_LIGHTER = 500  # characters of an expression that takes another's place to be lighter


@dataclass(frozen=True, slots=True)
class Strings:
    min_length: int = 0
    max_length: int | None = None
    patterns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    texts: tuple[str, ...] | None = None  # only these
    no_patterns: tuple[str, ...] = ()
    no_formats: tuple[str, ...] = ()
    no_texts: tuple[str, ...] = ()
    pointer: str = ""  # of a schema that asks for what may have to be refused


class Texts:
    """The strings of one rewrite and the languages behind them."""

    def __init__(self, languages: Languages) -> None:
        self._languages = languages
        self._patterns: dict[str, Language | None] = {}
        self._empty: dict[Strings, bool] = {}

    def meet(self, one: Strings, other: Strings) -> Strings | None:
        """None: nothing is in both, as far as that is seen without effort; `is_empty` sees more."""
        texts = one.texts if other.texts is None else other.texts
        if one.texts is not None and other.texts is not None:
            wanted = set(other.texts)
            texts = tuple(text for text in one.texts if text in wanted)
        lengths = [length for length in (one.max_length, other.max_length) if length is not None]
        met = Strings(
            min_length=max(one.min_length, other.min_length),
            max_length=min(lengths, default=None),
            patterns=_joined(one.patterns, other.patterns),
            formats=_joined(one.formats, other.formats),
            texts=texts,
            no_patterns=_joined(one.no_patterns, other.no_patterns),
            no_formats=_joined(one.no_formats, other.no_formats),
            no_texts=_joined(one.no_texts, other.no_texts),
            pointer=one.pointer or other.pointer,
        )
        if texts is not None:
            met = self._sifted(met)
            return met if met.texts else None
        too_long = met.max_length is not None and met.min_length > met.max_length
        contrary = not set(met.patterns).isdisjoint(met.no_patterns) or not set(met.formats).isdisjoint(met.no_formats)
        return None if too_long or contrary or are_apart(met.formats) else met

    def is_empty(self, strings: Strings) -> bool:
        if strings.texts is not None:
            return not strings.texts
        if len(strings.patterns) + bool(strings.no_patterns) + bool(strings.no_texts) < 2 and not (
            strings.patterns and (strings.min_length or strings.max_length is not None)
        ):
            return False
        known = self._empty.get(strings)
        if known is None:
            found = self._language(strings)
            known = self._empty[strings] = found is not None and self._languages.is_empty(found)
        return known

    def finds(self, pattern: str, text: str) -> bool | None:
        """None: the expression is not read here."""
        language = self._read(pattern)
        return None if language is None else self._languages.holds(language, text)

    def shown(self, strings: Strings, keyword: str) -> dict[str, object]:
        """As keywords of a schema. Raises UnsupportedSchema, naming `keyword`."""
        shown: dict[str, object] = {"type": "string"}
        if strings.texts is not None:
            shown = {"enum": list(strings.texts)}
        said = self._expressions(strings, keyword)
        held = [{"format": each} for each in strings.formats] + [{"pattern": each} for each in said]
        for each in held[:1]:
            shown.update(each)
        if len(held) > 1:
            shown["allOf"] = held[1:]
        if strings.min_length and strings.texts is None:
            shown["minLength"] = strings.min_length
        if strings.max_length is not None and strings.texts is None:
            shown["maxLength"] = strings.max_length
        return shown

    def expression(self, strings: Strings, keyword: str) -> str:
        """One expression for all of it, formats excepted. Raises UnsupportedSchema, naming `keyword`."""
        if strings.formats:
            raise UnsupportedSchema(strings.pointer, keyword, f"the format {strings.formats[0]} has no expression here")
        has_length = strings.min_length > 0 or strings.max_length is not None
        only_pattern = (
            len(strings.patterns) == 1 and not has_length and not strings.no_patterns and not strings.no_texts
        )
        if only_pattern and strings.texts is None and not is_hard(strings.patterns[0]):
            return self._told(strings.patterns[0])
        if strings.no_formats:
            self._refuse_formats(strings, keyword)
        found = self._language(strings)
        if found is None:
            raise UnsupportedSchema(strings.pointer, keyword, "an expression in it cannot be combined with others")
        return self._languages.expression(found, strings.pointer, keyword)

    def _expressions(self, strings: Strings, keyword: str) -> list[str]:
        if strings.no_formats:
            self._refuse_formats(strings, keyword)
        if strings.texts is None and (strings.no_patterns or strings.no_texts):
            alone = Strings(
                patterns=strings.patterns,
                no_patterns=strings.no_patterns,
                no_texts=strings.no_texts,
                pointer=strings.pointer,
            )
            return [self.expression(alone, keyword)]
        said = []
        for pattern in strings.patterns:
            if not is_hard(pattern):
                said.append(self._told(pattern))
                continue
            language = self._read(pattern)
            if language is None:
                raise UnsupportedSchema(strings.pointer, keyword, f"the expression {pattern[:100]!r} is not supported")
            said.append(self._languages.expression(language, strings.pointer, keyword))
        return said

    def _told(self, pattern: str) -> str:
        """A count in what is found anywhere is nothing but work for the compiler: its least is as good."""
        language = self._read(pattern) if "{" in pattern and not (pattern[0] == "^" and pattern[-1] == "$") else None
        if language is None:
            return without_nul(pattern)
        try:
            lighter = self._languages.expression(language, "", "pattern")
        except UnsupportedSchema:
            return without_nul(pattern)
        return lighter if len(lighter) < MAX_LIGHTER else without_nul(pattern)

    def _refuse_formats(self, strings: Strings, keyword: str) -> None:
        for each in strings.no_formats:
            if not any(are_apart((each, held)) for held in strings.formats):
                raise UnsupportedSchema(strings.pointer, keyword, f"strings that are no {each} cannot be told")

    def _sifted(self, strings: Strings) -> Strings:
        """Of a list of texts: without those that what is known excludes."""
        assert strings.texts is not None
        excluded = set(strings.no_texts)
        kept = [
            text
            for text in strings.texts
            if strings.min_length <= len(text)
            and (strings.max_length is None or len(text) <= strings.max_length)
            and text not in excluded
            and all(self.finds(pattern, text) is not False for pattern in strings.patterns)
            and not any(self.finds(pattern, text) for pattern in strings.no_patterns)
        ]
        unread = tuple(each for each in strings.patterns if self._read(each) is None)
        no_unread = tuple(each for each in strings.no_patterns if self._read(each) is None)
        return Strings(
            texts=tuple(kept),
            patterns=unread,
            no_patterns=no_unread,
            formats=strings.formats,
            no_formats=strings.no_formats,
            pointer=strings.pointer,
        )

    def _language(self, strings: Strings) -> Language | None:
        languages = self._languages
        wanted = [self._read(each) for each in strings.patterns]
        unwanted = [self._read(each) for each in strings.no_patterns]
        if None in wanted or None in unwanted:
            return None
        parts = [each for each in wanted if each is not None]
        parts += [languages.complement(each) for each in unwanted if each is not None]
        if strings.no_texts:
            parts.append(languages.complement(languages.union([languages.text(each) for each in strings.no_texts])))
        if strings.texts is not None:
            parts.append(languages.union([languages.text(each) for each in strings.texts]))
        if strings.min_length or strings.max_length is not None:
            parts.append(languages.repeated(languages.one(ALL), strings.min_length, strings.max_length))
        return languages.intersection(parts)

    def _read(self, pattern: str) -> Language | None:
        if pattern not in self._patterns:
            self._patterns[pattern] = language_of(pattern, self._languages)
        return self._patterns[pattern]


def is_hard(pattern: str) -> bool:
    """Whether the compiler refuses it or reads it otherwise: look-arounds, and plain members of an ECMAScript class."""
    if any(each in pattern for each in ("(?=", "(?!", "(?<=", "(?<!", "&&", "--", "~~")):
        return True
    in_class = escaped = False
    for each in pattern:
        if escaped:
            escaped = False
        elif each == "\\":
            escaped = True
        elif each == "[" and in_class:
            return True
        elif each in "[]":
            in_class = each == "["
    return False


def without_nul(pattern: str) -> str:
    """The expression without U+0000 in the classes that are given by what they exclude.

    derivre 0.3 lets an escaped quote or backslash pass for any class that has all control characters. No answer holds
    that one anyway: it would have to be written as an escape, which is not allowed.
    """
    written = []
    in_class = escaped = False
    for at, each in enumerate(pattern):
        written.append(each)
        if escaped or each == "\\":
            escaped = not escaped
        elif each == "[" and not in_class:
            in_class = True
        elif each == "]" and in_class:
            in_class = False
        elif each == "^" and in_class and pattern[at - 1] == "[" and pattern[at + 1 : at + 2] != "]":
            written.append("\\x00")
    return "".join(written)


def _joined(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one + other)) if one and other else one or other


def asserting(keyword: str, value: object, pointer: str) -> Strings | None:
    """None: an annotation that holds nothing."""
    match keyword, value:
        case "minLength", int():
            return Strings(min_length=value)
        case "maxLength", int():
            return Strings(max_length=value)
        case "pattern", str():
            return Strings(patterns=(value,), pointer=pointer)
        case "format", str() if value in HELD:
            return Strings(formats=(value,), pointer=pointer)
        case "format", str() if value in BY_EXPRESSION:
            return Strings(patterns=(BY_EXPRESSION[value],), pointer=pointer)
    return None


def denying(keyword: str, value: object, pointer: str) -> Strings | None:
    """None: there is no such string."""
    match keyword, value:
        case "minLength", int():
            return Strings(max_length=value - 1, pointer=pointer) if value > 0 else None
        case "maxLength", int():
            return Strings(min_length=value + 1)
        case "pattern", str():
            return Strings(no_patterns=(value,), pointer=pointer)
        case "format", str() if value in HELD:
            return Strings(no_formats=(value,), pointer=pointer)
        case "format", str() if value in BY_EXPRESSION:
            return Strings(no_patterns=(BY_EXPRESSION[value],), pointer=pointer)
    return None
