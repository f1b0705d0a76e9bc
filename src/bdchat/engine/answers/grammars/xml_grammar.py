"""Arguments in tags, <parameter=key>value</parameter>, as rules of a grammar, in the order of the properties. Pure.

A value in tags stands for itself, and nothing there says how it hangs together with the others; where a schema wants
more than that, the arguments are written as JSON between the same tags, which the reader takes too.
"""

from collections.abc import Callable, Mapping

from bdchat.engine.answers.grammars.lark import ANY_TEXT, quoted

_ANNOTATIONS = frozenset(("description", "title", "default", "examples"))
_PLAIN = _ANNOTATIONS | {"type", "properties", "required", "additionalProperties", "$defs", "definitions", "$schema"}
_DEFINITIONS = ("$defs", "definitions", "$schema")
_CLOSING = "\n</parameter>\n"


def has_plain_parameters(schema: Mapping[str, object] | None) -> bool:
    """Whether each argument can be held to its own schema, and that is all. None: there are no parameters."""
    if schema is None:
        return True
    properties = schema.get("properties")
    return (
        schema.get("type") == "object"
        and schema.keys() <= _PLAIN
        and isinstance(properties, Mapping)
        and (bool(properties) or schema.get("additionalProperties") is False)
        and all(isinstance(value, Mapping) and _is_writable(value) for value in properties.values())
        and not any(set(">\n") & set(str(key)) for key in properties)
    )


class XmlArguments:
    """`rules`: `rule` and those that it is made of."""

    def __init__(
        self,
        prefix: str,
        tool_name: str,
        schema: Mapping[str, object] | None,
        schema_text: Callable[[str, Mapping[str, object]], str],
    ) -> None:
        self.rule = f"{prefix}_arguments"
        self._prefix, self._tool_name, self._schema_text = prefix, tool_name, schema_text
        self.rules: list[str] = []
        self._whole = schema or {}
        required, properties = self._whole.get("required"), self._whole.get("properties")
        required_keys = required if isinstance(required, list) else []
        written = []
        for number, (key, value) in enumerate(properties.items() if isinstance(properties, Mapping) else ()):
            argument = f"{quoted(f'<parameter={key}>{chr(10)}')} {self._value(number, value)}"
            written.append(argument if key in required_keys else f"({argument})?")
        self.rules.insert(0, f"{self.rule}: {' '.join(written) or quoted('')}")

    def _value(self, number: int, schema: Mapping[str, object]) -> str:
        """With the closing tag behind it."""
        rule = f"{self._prefix}_value_{number}"
        choices = schema.get("enum")
        if isinstance(choices, list) and all(isinstance(choice, str) for choice in choices):
            return f"({' | '.join(quoted(choice + _CLOSING) for choice in choices)})"
        if schema.get("type") == "string":
            self.rules.append(f"{rule}[suffix={quoted(_CLOSING)}]: {ANY_TEXT}")
            return rule
        definitions = {key: self._whole[key] for key in _DEFINITIONS if key in self._whole}
        self.rules.append(f"{rule}: %json {self._schema_text(self._tool_name, {**definitions, **schema})}")
        return f"{rule} {quoted(_CLOSING)}"


def _is_writable(schema: Mapping[str, object]) -> bool:
    """A string between tags is any text or one of several; others are JSON."""
    if schema.get("type") != "string":
        return not isinstance(schema.get("enum"), list) or schema.keys() <= _ANNOTATIONS | {"enum"}
    choices = schema.get("enum")
    is_choice = isinstance(choices, list) and choices and all(isinstance(choice, str) for choice in choices)
    return schema.keys() <= _ANNOTATIONS | ({"type", "enum"} if is_choice else {"type"})
