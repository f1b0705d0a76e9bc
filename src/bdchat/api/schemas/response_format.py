"""The fields by which a request says what form its answer's text has, each as a Constraint once validated.

OpenAI's response_format, vLLM's guided_* and structured_outputs, llama.cpp's grammar and json_schema; on chat
completions and on completions. Whether a schema or a grammar can be held to is the engine's to say: it compiles them.

Deliberate divergences:
1. response_format's schema may stand beside `type` too ({"type": "json_object", "schema": {…}}: llama.cpp and its kin);
   `name` may be absent.
2. A grammar is GBNF when it has `::=`, else Lark, whichever field it comes in.
3. Two fields that ask for different forms are refused; two that ask for the same are one.
"""

import json
import re
from typing import Annotated, Any, Self

import msgspec
from pydantic import AfterValidator, model_validator

from bdchat.api.http.parsing import Wire, invalid, unsupported
from bdchat.engine.request import Constraint

SCHEMA_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
FORMAT_FIELDS = (
    "response_format",
    "guided_json",
    "guided_regex",
    "guided_choice",
    "guided_grammar",
    "structured_outputs",
    "grammar",
    "json_schema",
)


def json_text_of(schema: object) -> str:
    """With its keys in their order and its numbers of any size."""
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))


def _response_format(value: object) -> Constraint | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid("must be an object.")
    kind = value.get("type")
    if not isinstance(kind, str):
        raise invalid("must be 'text', 'json_object' or 'json_schema'.", at=".type")
    if kind == "text":
        return None
    if kind == "json_object":
        schema = value.get("schema")
        return Constraint(kind="json_object") if schema is None else _json_schema(schema, at=".schema")
    if kind == "json_schema":
        return _named_schema(value)
    raise unsupported(
        f"the type {kind[:40]!r} is not supported: 'text', 'json_object' and 'json_schema' are.", at=".type"
    )


def _named_schema(value: dict[str, Any]) -> Constraint:
    named = value.get("json_schema")
    if named is None and value.get("schema") is not None:
        return _json_schema(value["schema"], at=".schema")
    if not isinstance(named, dict):
        raise invalid("must be an object.", at=".json_schema")
    name = named.get("name")
    if name is not None and not (isinstance(name, str) and SCHEMA_NAME.fullmatch(name)):
        raise invalid("must have 1 to 64 letters, digits, '_' and '-'.", at=".json_schema.name")
    if not isinstance(named.get("strict"), bool | None):
        raise invalid("must be a boolean.", at=".json_schema.strict")
    if named.get("schema") is None:
        return Constraint(kind="json_object")
    return _json_schema(named["schema"], at=".json_schema.schema")


def _json_schema(schema: object, *, at: str = "", field: str = "response_format") -> Constraint:
    if not isinstance(schema, dict | bool):
        raise invalid("must be a JSON Schema: an object.", at=at)
    return Constraint(kind="json_schema", text=json_text_of(schema), field=field)


def _guided_json(value: object, field: str = "guided_json") -> Constraint | None:
    """A schema, or its text, as vLLM has it."""
    if value is None or value in ("", {}):
        return None
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (ValueError, RecursionError):
            raise invalid("is not JSON.") from None
    return _json_schema(value, field=field)


def _guided_regex(value: object, field: str = "guided_regex") -> Constraint | None:
    if value is None or value == "":
        return None
    return Constraint(kind="regex", text=_text(value), field=field)


def _guided_choice(value: object, field: str = "guided_choice") -> Constraint | None:
    if value is None or value == []:
        return None
    if not isinstance(value, list):
        raise invalid("must be a list of strings.")
    for index, choice in enumerate(value):
        if not isinstance(choice, str) or not choice:
            raise invalid("must be a string that is not empty.", at=f"[{index}]")
    return Constraint(kind="choice", text=json_text_of(value), field=field)


def _guided_grammar(value: object, field: str = "guided_grammar") -> Constraint | None:
    if value is None or value == "":
        return None
    text = _text(value)
    return Constraint(kind="gbnf" if "::=" in text else "lark", text=text, field=field)


def _grammar(value: object) -> Constraint | None:
    return _guided_grammar(value, "grammar")


def _llama_json_schema(value: object) -> Constraint | None:
    """{} is a schema: any JSON."""
    if value is None or value == "":
        return None
    return _json_schema(value, field="json_schema")


def _structured_outputs(value: object) -> Constraint | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid("must be an object.")
    if value.get("structural_tag"):
        raise unsupported("'structural_tag' is not supported.", at=".structural_tag")
    found = [
        _guided_json(value.get("json"), "structured_outputs"),
        _guided_regex(value.get("regex"), "structured_outputs"),
        _guided_choice(value.get("choice"), "structured_outputs"),
        _guided_grammar(value.get("grammar"), "structured_outputs"),
        Constraint(kind="json_object", field="structured_outputs") if value.get("json_object") is True else None,
    ]
    constraints = [each for each in found if each is not None]
    if len(constraints) > 1:
        raise invalid("must name one form, not several.")
    return constraints[0] if constraints else None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise invalid("must be a string.")
    return value


class FormatFields(Wire):
    """Each is a Constraint | None once validated."""

    response_format: Annotated[Any, AfterValidator(_response_format)] = None
    guided_json: Annotated[Any, AfterValidator(_guided_json)] = None
    guided_regex: Annotated[Any, AfterValidator(_guided_regex)] = None
    guided_choice: Annotated[Any, AfterValidator(_guided_choice)] = None
    guided_grammar: Annotated[Any, AfterValidator(_guided_grammar)] = None
    structured_outputs: Annotated[Any, AfterValidator(_structured_outputs)] = None
    grammar: Annotated[Any, AfterValidator(_grammar)] = None
    json_schema: Annotated[Any, AfterValidator(_llama_json_schema)] = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        asked = self._asked
        for each in asked[1:]:
            if (each.kind, each.text) != (asked[0].kind, asked[0].text):
                raise invalid(f"differs from {asked[0].field}, which asks for another form.", at=each.field)
        return self

    @property
    def constraint(self) -> Constraint | None:
        """What the answer's text must be."""
        return next(iter(self._asked), None)

    @property
    def _asked(self) -> list[Constraint]:
        values = (getattr(self, name) for name in FORMAT_FIELDS)
        return [value for value in values if value is not None]
