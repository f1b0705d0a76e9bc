"""Reads ECMA-262's regular expressions, as `pattern` has them, into the languages of the texts in which they are found.

Look-aheads are intersections and complements of what follows. Word boundaries, look-behinds, back references, classes
of Unicode properties are not read: the expression is then left to the compiler, which may know it.
"""

from dataclasses import dataclass

from .languages import Language, Languages, Ranges, inverted, merged

DIGITS: Ranges = ((0x30, 0x39),)
WORDS: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
SPACES: Ranges = merged(
    [
        (9, 13),
        (0x2000, 0x200A),
        (0x2028, 0x2029),
        *((code, code) for code in (0x20, 0xA0, 0x1680, 0x202F, 0x205F, 0x3000, 0xFEFF)),
    ]
)
DOT: Ranges = inverted(((10, 10), (13, 13), (0x2028, 0x2029)))
CLASSES = {"d": DIGITS, "w": WORDS, "s": SPACES, "D": inverted(DIGITS), "W": inverted(WORDS), "S": inverted(SPACES)}
CONTROLS = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "0": 0}

MAX_LENGTH = 4_000  # characters of an expression that is read
MAX_DEPTH = 40  # groups in groups
MAX_REPEATED = 1_000  # times that a counted part may be repeated


class Unread(Exception):
    """The expression is not of the kind that is read here."""


@dataclass(frozen=True, slots=True)
class Succession:
    items: "tuple[Item, ...]"


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Succession, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    item: "Item"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Ahead:
    inner: Choice
    wanted: bool


@dataclass(frozen=True, slots=True)
class Anchor:
    at_start: bool


Item = Language | Choice | Repeat | Ahead | Anchor


def language_of(text: str, languages: Languages) -> Language | None:
    """The texts in which the expression is found somewhere; None when it is not read."""
    if len(text) > MAX_LENGTH:
        return None
    try:
        reader = _ExpressionReader(text, languages)
        choice = reader.choice(0)
        if reader.at < len(text):
            return None
        return languages.union([_found(option, languages) for option in _from_start(choice)])
    except Unread:
        return None


def _from_start(choice: Choice) -> list[Succession]:
    """The options, with those of a group at the start written out when "^" stands in it."""
    options: list[Succession] = []
    for option in choice.options:
        first = option.items[0] if option.items else None
        if isinstance(first, Choice) and _has(first, anchors_only=True):
            options += [Succession((*each.items, *option.items[1:])) for each in _from_start(first)]
        else:
            options.append(option)
    return options


def _found(option: Succession, languages: Languages) -> Language:
    items = option.items
    if items and items[0] == Anchor(at_start=True):
        return _following(items[1:], languages.anything, languages)
    return languages.concatenation([languages.anything, _following(items, languages.anything, languages)])


def _following(items: tuple[Item, ...], rest: Language, languages: Languages) -> Language:
    """What the items and then `rest` say of the text from here on."""
    for item in reversed(items):
        if isinstance(item, Anchor):
            if item.at_start:
                raise Unread
            rest = languages.intersection([languages.empty_text, rest])
        elif isinstance(item, Ahead):
            ahead = languages.union(
                [_following(each.items, languages.anything, languages) for each in item.inner.options]
            )
            rest = languages.intersection([ahead if item.wanted else languages.complement(ahead), rest])
        elif isinstance(item, Choice) and _has(item):
            rest = languages.union([_following(each.items, rest, languages) for each in item.options])
        else:
            rest = languages.concatenation([_plain(item, languages), rest])
    return rest


def _plain(item: Item, languages: Languages) -> Language:
    if isinstance(item, Language):
        return item
    if isinstance(item, Repeat):
        return languages.repeated(_plain(item.item, languages), item.least, item.most)
    if isinstance(item, Choice):
        sequences = ([_plain(each, languages) for each in option.items] for option in item.options)
        return languages.union([languages.concatenation(sequence) for sequence in sequences])
    raise Unread


def _has(item: Item, *, anchors_only: bool = False) -> bool:
    """Whether something in it speaks of what stands around it (`anchors_only`: of the start of the text)."""
    if isinstance(item, Anchor):
        return item.at_start or not anchors_only
    if isinstance(item, Ahead):
        return not anchors_only
    if isinstance(item, Repeat):
        return _has(item.item, anchors_only=anchors_only)
    if isinstance(item, Choice):
        return any(_has(each, anchors_only=anchors_only) for option in item.options for each in option.items)
    return False


class _ExpressionReader:
    def __init__(self, text: str, languages: Languages) -> None:
        self.text = text
        self.at = 0
        self.languages = languages

    def choice(self, depth: int) -> Choice:
        if depth > MAX_DEPTH:
            raise Unread
        options = [self._sequence(depth)]
        while self._take("|"):
            options.append(self._sequence(depth))
        return Choice(tuple(options))

    def _sequence(self, depth: int) -> Succession:
        items: list[Item] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            items.append(self._repeated(self._item(depth)))
        return Succession(tuple(items))

    def _item(self, depth: int) -> Item:
        character = self._next()
        match character:
            case "^" | "$":
                return Anchor(at_start=character == "^")
            case ".":
                return self.languages.one(DOT)
            case "(":
                return self._group(depth)
            case "[":
                return self.languages.one(self._class())
            case "\\":
                return self.languages.one(self._escape(in_class=False))
            case "*" | "+" | "?":
                raise Unread
            case _:
                return self.languages.one(((ord(character), ord(character)),))

    def _group(self, depth: int) -> Item:
        kind = "" if not self._take("?") else self._next()
        if kind == "<":
            end = self.text.find(">", self.at)
            if end < 0 or self.text[self.at] in "=!":
                raise Unread
            self.at = end + 1
        elif kind not in ("", ":", "=", "!"):
            raise Unread
        inner = self.choice(depth + 1)
        if not self._take(")"):
            raise Unread
        return Ahead(inner, wanted=kind == "=") if kind in ("=", "!") and kind else inner

    def _repeated(self, item: Item) -> Item:
        if self._take("*"):
            bounds: tuple[int, int | None] = (0, None)
        elif self._take("+"):
            bounds = (1, None)
        elif self._take("?"):
            bounds = (0, 1)
        elif self.text.startswith("{", self.at):
            bounds = self._counts()
        else:
            return item
        self._take("?")  # lazy or not, the same texts
        if self.at < len(self.text) and self.text[self.at] in "*+?{":
            raise Unread
        if _has(item):
            raise Unread
        return Repeat(item, *bounds)

    def _counts(self) -> tuple[int, int | None]:
        end = self.text.find("}", self.at)
        parts = self.text[self.at + 1 : end].split(",") if end > 0 else []
        if not 1 <= len(parts) <= 2 or not all(part.isascii() and (part.isdecimal() or part == "") for part in parts):
            raise Unread
        if not parts[0] or any(len(part) > 6 for part in parts):
            raise Unread
        least = int(parts[0])
        most = None if parts[-1] == "" else int(parts[-1])
        if max(least, most or 0) > MAX_REPEATED or (most is not None and most < least):
            raise Unread
        self.at = end + 1
        return least, most

    def _class(self) -> Ranges:
        is_inverted = self._take("^")
        ranges: list[tuple[int, int]] = []
        while not self._take("]"):
            first = self._member()
            is_range = self.text.startswith("-", self.at) and not self.text.startswith("-]", self.at)
            if not is_range or len(first) != 1 or first[0][0] != first[0][1]:
                ranges += first
                continue
            self.at += 1
            last = self._member()
            if len(last) != 1 or last[0][0] != last[0][1] or last[0][0] < first[0][0]:
                raise Unread
            ranges.append((first[0][0], last[0][0]))
        found = merged(ranges)
        return inverted(found) if is_inverted else found

    def _member(self) -> Ranges:
        character = self._next()
        if character == "\\":
            return self._escape(in_class=True)
        if character in "[&~" and self.text[self.at - 1 : self.at + 1] in ("[:", "&&", "~~"):
            raise Unread  # means something else to the compiler
        return ((ord(character), ord(character)),)

    def _escape(self, *, in_class: bool) -> Ranges:
        character = self._next()
        if character in CLASSES:
            return CLASSES[character]
        if character in CONTROLS:
            return ((CONTROLS[character], CONTROLS[character]),)
        if character == "b" and in_class:
            return ((8, 8),)
        if character in "xu":
            digits = self.text[self.at : self.at + (2 if character == "x" else 4)]
            if len(digits) != (2 if character == "x" else 4) or not all(
                each in "0123456789abcdefABCDEF" for each in digits
            ):
                raise Unread
            self.at += len(digits)
            code = int(digits, 16)
            if 0xD800 <= code <= 0xDFFF:
                raise Unread
            return ((code, code),)
        if character.isalnum():
            raise Unread
        return ((ord(character), ord(character)),)

    def _next(self) -> str:
        if self.at >= len(self.text):
            raise Unread
        self.at += 1
        return self.text[self.at - 1]

    def _take(self, character: str) -> bool:
        if not self.text.startswith(character, self.at):
            return False
        self.at += len(character)
        return True
