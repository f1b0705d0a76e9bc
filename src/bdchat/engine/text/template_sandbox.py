"""Sandboxed Jinja for untrusted chat templates: no access to Python, bounded memory and time.

Jinja's immutable sandbox closes the ways to Python; the limits here close the ways to memory: every operation that can
make a value much larger than its operands is bounded before it runs. Time is bounded by time_limit.py. What is
left (a single C call that takes long without growing) is the engine watchdog's to end. The names that templates may
use are those of Hugging Face's chat templates.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import BuiltinMethodType, MethodType
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import TemplateRuntimeError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedFormatter

_MAX_INT_BITS = 256
_MAX_WIDTH = 1000  # of a padded or indented field
_MAX_NODES = 250_000  # values within one value that becomes text

_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        [
            "capitalize",
            "casefold",
            "count",
            "endswith",
            "find",
            "format",
            "format_map",
            "index",
            "isalnum",
            "isalpha",
            "isdecimal",
            "isdigit",
            "islower",
            "isnumeric",
            "isspace",
            "istitle",
            "isupper",
            "join",
            "lower",
            "lstrip",
            "partition",
            "removeprefix",
            "removesuffix",
            "replace",
            "rfind",
            "rindex",
            "rpartition",
            "rsplit",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
            "swapcase",
            "title",
            "upper",
        ]
    ),
    dict: frozenset(("copy", "get", "items", "keys", "values")),
    list: frozenset(("copy", "count", "index")),
    tuple: frozenset(("count", "index")),
    int: frozenset(),  # to_bytes(10**10)
    float: frozenset(),
    bytes: frozenset(),
}
_FILTERS = frozenset(
    [
        "abs",
        "batch",
        "capitalize",
        "count",
        "d",
        "default",
        "dictsort",
        "e",
        "escape",
        "first",
        "float",
        "format",
        "groupby",
        "indent",
        "int",
        "items",
        "join",
        "last",
        "length",
        "list",
        "lower",
        "map",
        "max",
        "min",
        "reject",
        "rejectattr",
        "replace",
        "reverse",
        "round",
        "safe",
        "select",
        "selectattr",
        "slice",
        "sort",
        "string",
        "sum",
        "title",
        "tojson",
        "trim",
        "unique",
        "upper",
        "urlencode",
    ]
)
_TEXT_FILTERS = ("capitalize", "e", "escape", "lower", "safe", "title", "trim", "upper", "urlencode")
_STRFTIME = re.compile(r"(?:[^%]|%[-_^#]?[A-Za-z%])*", re.DOTALL)  # no field widths


class TemplateLimitExceeded(TemplateRuntimeError):
    """The template asked for more than a chat prompt can need."""


class TemplateRaised(TemplateRuntimeError):
    """The template itself refused the conversation: raise_exception(message)."""


class _BoundedCodeGenerator(CodeGenerator):
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 (Jinja's visitor)
        self.write("environment.concat_values((")
        for arg in node.nodes:
            self.visit(arg, frame)
            self.write(", ")
        self.write("))")


class GenerationTag(Extension):
    """`{% generation %}…{% endgeneration %}` marks training text in Hugging Face templates; here it is its content."""

    tags = {"generation"}  # noqa: RUF012 (Jinja's own declaration)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class TemplateSandbox(ImmutableSandboxedEnvironment):
    """`max_chars` bounds every text and, as a length, every list that a template makes."""

    code_generator_class = _BoundedCodeGenerator
    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def __init__(self, *, max_chars: int, now: Callable[[], datetime]) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,  # no constant folding: everything runs under the limits
            finalize=self._checked,
            extensions=(loopcontrols, GenerationTag),
        )
        self.max_chars = max_chars
        self._now = now
        self.concat = self._concat  # type: ignore[method-assign]
        defaults = self.filters
        self.filters = {name: defaults[name] for name in _FILTERS}
        self.filters |= {name: self._on_text(defaults[name]) for name in _TEXT_FILTERS}
        self.filters |= {
            "tojson": self._to_json,
            "string": self._text,
            "format": lambda value, *args, **kwargs: self._percent(self._text(value), kwargs or args),
            "indent": self._bounded_indent(defaults["indent"]),
            "join": self._join_filter,
            "replace": lambda value, old, new, count=None: self._replace(self._text(value), old, new, count),
            "sum": self._sum,
            "round": self._bounded_round(defaults["round"]),
            "batch": self._bounded_batch(defaults["batch"]),
        }
        for name in ("lipsum", "cycler", "joiner"):
            self.globals.pop(name, None)
        self.globals["raise_exception"] = self._raise_exception
        self.globals["strftime_now"] = self._strftime_now

    # What generated code calls

    def concat_values(self, values: Iterable[Any]) -> str:
        return self._concat(self._text(value) for value in values)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            return self._percent(left, right)
        if operator == "+":
            return self._add(left, right)
        if operator == "*" and _is_sized(left) and isinstance(right, int):
            self._check_size(left, len(left) * right)
        elif operator == "*" and _is_sized(right) and isinstance(left, int):
            self._check_size(right, len(right) * left)
        elif isinstance(left, int) and isinstance(right, int) and operator != "%":
            bits = left.bit_length() * max(right, 1) if operator == "**" else left.bit_length() + right.bit_length()
            if bits > _MAX_INT_BITS:
                raise TemplateLimitExceeded("a number grew too large")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind, allowed in _METHODS.items():
            if isinstance(obj, kind):
                return attr in allowed
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Also bounds the methods of str that can grow text: Jinja asks here for every method it hands out."""
        if not isinstance(value, MethodType | BuiltinMethodType) or not isinstance(value.__self__, str):
            return None
        text = str(value.__self__)
        if value.__name__ == "format":
            return lambda *args, **kwargs: _BoundedFormatter(self).vformat(text, args, kwargs)
        if value.__name__ == "format_map":
            return lambda mapping: _BoundedFormatter(self).vformat(text, (), mapping)
        if value.__name__ == "replace":
            return lambda old, new, count=None: self._replace(text, old, new, count)
        if value.__name__ == "join":
            return lambda pieces: self._join(text, list(pieces))
        return None

    # Bounds

    def _check_length(self, length: int) -> None:
        if length > self.max_chars:
            raise TemplateLimitExceeded(f"a value grew beyond {self.max_chars} characters")

    def _check_size(self, like: Any, size: int) -> None:
        if isinstance(like, str):
            self._check_length(size)
        elif size > _MAX_NODES:
            raise TemplateLimitExceeded("a list grew too long")

    def _checked(self, value: Any) -> Any:
        """A value that is about to become text. A list that holds itself many times over would become a huge one."""
        if isinstance(value, str | int | float | None | Undefined):
            return value
        num_nodes, num_chars, rest = 0, 0, [value]
        while rest:
            item = rest.pop()
            num_nodes += 1
            if isinstance(item, Mapping):
                rest.extend(item.keys())
                rest.extend(item.values())
            elif isinstance(item, list | tuple | set | frozenset):
                rest.extend(item)
            elif isinstance(item, str):
                num_chars += len(item)
            if num_nodes + len(rest) > _MAX_NODES:
                raise TemplateLimitExceeded("a value has too many parts")
            self._check_length(num_chars)
        return value

    def _text(self, value: Any) -> str:
        return str(self._checked(value))

    def _concat(self, pieces: Iterable[str]) -> str:
        kept, length = [], 0
        for piece in pieces:
            kept.append(piece)
            length += len(piece)
            self._check_length(length)
        return "".join(kept)

    def _add(self, left: Any, right: Any) -> Any:
        if _is_sized(left) and _is_sized(right):
            self._check_size(left, len(left) + len(right))
        return left + right  # numbers grow by one bit at most

    def _join(self, separator: str, pieces: list[str]) -> str:
        self._check_length(sum(len(piece) for piece in pieces) + len(separator) * len(pieces))
        return separator.join(pieces)

    def _replace(self, text: str, old: str, new: str, count: int | None) -> str:
        num = text.count(old) if count is None or count < 0 else min(text.count(old), count)
        self._check_length(len(text) + num * len(new))
        return text.replace(old, new, -1 if count is None else count)

    def _percent(self, text: str, values: Any) -> str:
        for field in re.findall(r"%(?:\([^)]*\))?[-#0 +]*(\*|\d+)?(?:\.(\*|\d+))?", text):
            _check_widths(field)
        self._check_length(len(text) + text.count("%") * _MAX_WIDTH)
        self._checked(values)
        sizes = [len(self._text(v)) for v in (values.values() if isinstance(values, Mapping) else _as_tuple(values))]
        self._check_length(len(text) + text.count("%") * max(sizes, default=0))
        return str(text % values)

    def _to_json(
        self,
        value: Any,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        """Hugging Face's tojson: no HTML escapes, Hangul stays Hangul."""
        if indent is not None:
            _check_widths((str(indent),))
        text = json.dumps(
            self._checked(value),
            ensure_ascii=ensure_ascii,
            indent=indent,
            separators=tuple(separators) if separators else None,  # type: ignore[arg-type]
            sort_keys=sort_keys,
        )
        self._check_length(len(text))
        return text

    def _raise_exception(self, message: Any = "") -> None:
        raise TemplateRaised(self._text(message)[:500])

    def _strftime_now(self, form: str) -> str:
        if len(form) > 200 or not _STRFTIME.fullmatch(form):
            raise TemplateLimitExceeded("strftime_now: unusable format")
        return self._now().strftime(form)

    def _bounded_indent(self, indent: Callable[..., str]) -> Callable[..., str]:
        def bounded(value: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
            text = self._text(value)
            size = len(width) if isinstance(width, str) else int(width)
            _check_widths((str(size),))
            self._check_length(len(text) + (text.count("\n") + 1) * size)
            return indent(text, width, first, blank)

        return bounded

    def _join_filter(self, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
        names = [] if attribute is None else str(attribute).split(".")
        return self._join(self._text(d), [self._text(self._attribute(item, names)) for item in value])

    def _sum(self, values: Iterable[Any], attribute: str | int | None = None, start: Any = 0) -> Any:
        names = [] if attribute is None else str(attribute).split(".")
        for value in values:
            start = self._add(start, self._attribute(value, names))
        return start

    def _on_text(self, text_filter: Callable[..., Any]) -> Callable[..., Any]:
        return lambda value, *args, **kwargs: text_filter(self._text(value), *args, **kwargs)

    def _attribute(self, item: Any, names: list[str]) -> Any:
        for name in names:
            item = self.getitem(item, int(name) if name.isdigit() else name)
        return item

    def _bounded_round(self, round_: Callable[..., float]) -> Callable[..., float]:
        def bounded(value: float, precision: int = 0, method: Any = "common") -> float:
            _check_widths((str(abs(precision)),))
            return round_(value, precision, method)

        return bounded

    def _bounded_batch(self, batch: Callable[..., Any]) -> Callable[..., Any]:
        def bounded(value: Iterable[Any], linecount: int, fill_with: Any = None) -> Any:
            self._check_length(linecount)
            return batch(value, linecount, fill_with)

        return bounded


class _BoundedFormatter(SandboxedFormatter):
    def __init__(self, sandbox: TemplateSandbox) -> None:
        super().__init__(sandbox)
        self._sandbox = sandbox

    def vformat(self, format_string: str, args: Any, kwargs: Any) -> str:
        self._sandbox._check_length(len(format_string) + format_string.count("{") * _MAX_WIDTH)
        return str(super().vformat(format_string, args, kwargs))

    def format_field(self, value: Any, format_spec: str) -> str:
        _check_widths(re.findall(r"\d+", format_spec))
        return str(super().format_field(self._sandbox._checked(value), format_spec))

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return super().convert_field(self._sandbox._checked(value), conversion)


def _check_widths(widths: Iterable[str]) -> None:
    if any(width == "*" or (width and (len(width) > 6 or int(width) > _MAX_WIDTH)) for width in widths):
        raise TemplateLimitExceeded("a field is too wide")


def _is_sized(value: Any) -> bool:
    return isinstance(value, str | list | tuple | bytes)


def _as_tuple(values: Any) -> tuple[Any, ...]:
    return values if isinstance(values, tuple) else (values,)
