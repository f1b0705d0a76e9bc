"""The key-value part of a GGUF header: read once, bounded, then asked by name.

Scalars, short texts, the chat template and short lists of numbers are kept; long lists (the vocabulary) are walked and
only counted. Raises GGUFError. Knows GGUF's value types and the tokenizer's lists, not the model's architecture.
"""

import re
from typing import NamedTuple

from bdchat.engine.gguf.cursor import Cursor, GGUFError
from bdchat.engine.gguf.types import ARRAY, FLOAT32, INT32, SCALARS, STRING

MAX_PAIRS = 65_536
MAX_KEY_BYTES = 1024
MAX_TEXT_BYTES = 4096  # longer texts (readmes, whole tokenizer files) are skipped
MAX_TEMPLATE_BYTES = 1 << 20
MAX_LIST_KEPT = 1024  # per-layer numbers; llama.cpp has at most 512 layers
MAX_LIST = 1 << 24  # entries; no vocabulary comes near
MAX_TOKENS = 1 << 20  # bounds the memory of the check for equal ones
MAX_TOKEN_BYTES = 65_535
MAX_TEXTS_KEPT = 256  # languages or tags named by a header; more are not kept
LANGUAGES_KEY = "general.languages"
TAGS_KEY = "general.tags"
LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)
TOKENS_KEY = "tokenizer.ggml.tokens"
# Fill in the middle: keys that name its tokens, and what each family of models calls them.
FIM_KEYS = ("tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id")
FIM_WAYS = (
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
    ("<PRE>", "<SUF>", "<MID>"),
    ("▁<PRE>", "▁<SUF>", "▁<MID>"),
    ("[PREFIX]", "[SUFFIX]"),
)
FIM_TOKENS = tuple(text.encode() for way in FIM_WAYS for text in way)
TEMPLATE_KEY = "tokenizer.chat_template"


class List(NamedTuple):
    value_type: int
    length: int
    numbers: tuple[int | float, ...] | None  # None: too long to keep, or strings
    texts: tuple[str, ...] = ()  # of languages, tags, and of the vocabulary the tokens for gaps, alone


Value = int | float | bool | str | List


class Metadata:
    """Immutable after reading."""

    def __init__(self, values: dict[str, Value]) -> None:
        self._values = values

    def has_any(self, *prefixes: str) -> bool:
        return any(key.startswith(prefixes) for key in self._values)

    def text(self, key: str) -> str | None:
        value = self._values.get(key)
        if value is not None and not isinstance(value, str):
            raise GGUFError(f"{key} is not a text")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise GGUFError(f"{key} is not a boolean")
        return value

    def integer(self, key: str, low: int, high: int, *, default: int | None = None) -> int:
        value = self._values.get(key, default)
        if value is None:
            raise GGUFError(f"{key} is missing")
        if isinstance(value, bool) or not isinstance(value, int):
            raise GGUFError(f"{key} is not an integer")
        if not low <= value <= high:
            raise GGUFError(f"{key} is {value}, outside {low} to {high}")
        return value

    def number(self, key: str, low: float, high: float) -> float | None:
        """Of a key that only advises: None also where it is no number, or outside of low to high."""
        value = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(f"{value:.6g}") if low <= value <= high else None  # a float32's 0.6 is 0.60000002

    def languages(self) -> tuple[str, ...]:
        """Their codes; what is no code is left out. It only advises."""
        named = self._values.get(LANGUAGES_KEY)
        return tuple(text for text in named.texts if LANGUAGE.fullmatch(text)) if isinstance(named, List) else ()

    def tags(self) -> tuple[str, ...]:
        """Of its model card, in small letters. They only advise."""
        named = self._values.get(TAGS_KEY)
        return tuple(text.lower() for text in named.texts) if isinstance(named, List) else ()

    def advice(self, key: str) -> str:
        """A text that only advises: "" also where it is none."""
        value = self._values.get(key)
        return value if isinstance(value, str) else ""

    def has_fim(self) -> bool:
        """Whether its vocabulary has all tokens of one way to fill gaps. It only advises."""
        tokens = self._values.get(TOKENS_KEY)
        there = tokens.texts if isinstance(tokens, List) else ()
        return self.has_any(*FIM_KEYS) or any(all(text in there for text in way) for way in FIM_WAYS)

    def per_layer(self, key: str, num_layers: int, high: int) -> tuple[int, ...] | None:
        """One number for all layers, or a list with one for each. None when the key is absent."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, List):
            return (self.integer(key, 0, high),) * num_layers
        numbers = value.numbers or ()
        if len(numbers) != num_layers:
            raise GGUFError(f"{key} has {value.length} entries for {num_layers} layers")
        checked = tuple(number for number in numbers if isinstance(number, int) and 0 <= number <= high)
        if len(checked) != num_layers:
            raise GGUFError(f"{key} has an entry that is not a whole number from 0 to {high}")
        return checked

    def num_tokens(self) -> int:
        """The vocabulary's size. llama.cpp reads the lists beside it by the vocabulary's length and by their types
        unchecked, so both are checked here."""
        tokens = self._values.get(TOKENS_KEY)
        if not isinstance(tokens, List) or tokens.value_type != STRING or tokens.length == 0:
            raise GGUFError("has no tokenizer (tokenizer.ggml.tokens is missing or empty)")
        for key, value_type in (("tokenizer.ggml.scores", FLOAT32), ("tokenizer.ggml.token_type", INT32)):
            beside = self._values.get(key)
            if beside is None:
                continue
            if not isinstance(beside, List) or beside.value_type != value_type or beside.length != tokens.length:
                raise GGUFError(f"{key} does not match the {tokens.length} tokens")
        merges = self._values.get("tokenizer.ggml.merges")
        if merges is not None and (not isinstance(merges, List) or merges.value_type != STRING):
            raise GGUFError("tokenizer.ggml.merges is not a list of texts")
        return tokens.length


def read_metadata(cursor: Cursor, num_pairs: int) -> Metadata:
    if num_pairs > MAX_PAIRS:
        raise GGUFError(f"claims {num_pairs} settings, at most {MAX_PAIRS} are allowed")
    values: dict[str, Value] = {}
    seen: set[str] = set()
    for _ in range(num_pairs):
        key = _decode(cursor.text(MAX_KEY_BYTES, "a key"), "a key")
        if not key or key in seen:
            raise GGUFError(f"has the key {key!r} twice" if key else "has an empty key")
        seen.add(key)
        value = _read_value(cursor, key)
        if value is not None:
            values[key] = value
    return Metadata(values)


def _read_value(cursor: Cursor, key: str) -> Value | None:
    """None: a text too long to keep."""
    value_type = cursor.u32()
    if value_type == ARRAY:
        return _read_list(cursor, key)
    if value_type == STRING:
        return _read_text(cursor, key)
    if value_type not in SCALARS:
        raise GGUFError(f"{key!r} has the unknown type {value_type}")
    (scalar,) = cursor.unpack(SCALARS[value_type])
    return scalar


def _read_text(cursor: Cursor, key: str) -> str | None:
    if key == TEMPLATE_KEY:
        return _decode(cursor.text(MAX_TEMPLATE_BYTES, key), key)
    length = cursor.peek_u64()
    if length > MAX_TEXT_BYTES:
        cursor.skip(8)
        cursor.skip(length)
        return None
    return cursor.text(MAX_TEXT_BYTES, key).decode("utf-8", "replace")


def _read_list(cursor: Cursor, key: str) -> List:
    value_type, length = cursor.u32(), cursor.u64()
    if value_type == ARRAY:
        raise GGUFError(f"{key!r} is a list of lists")
    if length > MAX_LIST:
        raise GGUFError(f"{key!r} claims {length} entries, at most {MAX_LIST} are allowed")
    if value_type == STRING:
        if key == TOKENS_KEY and length > MAX_TOKENS:
            raise GGUFError(f"has {length} tokens, at most {MAX_TOKENS} are allowed")
        if key == TOKENS_KEY:
            found = cursor.skip_distinct_strings(  # llama.cpp aborts on equal ones
                length, MAX_TOKEN_BYTES, "a token", among=FIM_TOKENS
            )
            return List(value_type, length, None, tuple(token.decode() for token in found))
        if key in {LANGUAGES_KEY, TAGS_KEY} and length <= MAX_TEXTS_KEPT:
            texts = (cursor.text(MAX_TEXT_BYTES, key).decode("utf-8", "replace") for _ in range(length))
            return List(value_type, length, None, tuple(texts))
        cursor.skip_strings(length)
        return List(value_type, length, None)
    if value_type not in SCALARS:
        raise GGUFError(f"{key!r} is a list of the unknown type {value_type}")
    layout = SCALARS[value_type]
    if length > MAX_LIST_KEPT:
        cursor.skip(length * layout.size)
        return List(value_type, length, None)
    raw = cursor.take(length * layout.size)
    return List(value_type, length, tuple(number for (number,) in layout.iter_unpack(raw)))


def _decode(raw: bytes, what: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise GGUFError(f"{what} is not UTF-8") from error
