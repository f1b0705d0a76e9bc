"""Constraints and tools that must be refused, or answered rightly, within two seconds. Pure: bodies only."""

import json
from collections.abc import Iterator
from typing import Any

ASK = [{"role": "user", "content": "Say something short."}]
MANY = 60_000


def bombs(model: str) -> Iterator[tuple[str, bytes]]:
    """(name, body of a chat completion)."""
    for name, fields in _fields():
        body = {"model": model, "messages": ASK, "max_tokens": 4, **fields}
        yield name, json.dumps(body, ensure_ascii=False).encode()
    for name, schema in (("brackets in a schema", '{"properties":{"a":' * MANY + "{}" + "}}" * MANY),):
        form = f'{{"type": "json_schema", "json_schema": {{"name": "x", "schema": {schema}}}}}'
        yield name, f'{{"model": "{model}", "messages": {json.dumps(ASK)}, "response_format": {form}}}'.encode()


def _fields() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in _schemas():
        yield name, {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}
    for name, text in _expressions():
        yield name, {"guided_regex": text}
    for name, text in _grammars():
        yield name, {"guided_grammar": text}
    yield "100,000 choices", {"guided_choice": [f"choice number {i}" for i in range(100_000)]}
    yield "two long choices", {"guided_choice": ["a" * 400_000 + "b", "a" * 400_000 + "c"]}
    tools = [_tool(number, 8000) for number in range(128)]
    for choice in ("auto", "required"):
        yield f"128 tools with a megabyte of schemas, {choice}", {"tools": tools, "tool_choice": choice}


def _schemas() -> Iterator[tuple[str, Any]]:
    chain = {f"a{i}": {"$ref": f"#/$defs/a{i + 1}"} for i in range(5000)}
    yield "a chain of references", {"$defs": {**chain, "a5000": {"type": "string"}}, "$ref": "#/$defs/a0"}
    circle = {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}
    yield "a circle of references", {"$defs": circle, "$ref": "#/$defs/a"}
    yield "itself", {"$ref": "#"}
    for keyword in ("allOf", "anyOf", "oneOf"):
        doubled = {f"a{i}": {keyword: [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(24)}
        yield f"{keyword} doubled 24 times", {"$defs": {**doubled, "a24": {"type": "string"}}, "$ref": "#/$defs/a0"}
    either = [
        {"anyOf": [{"properties": {f"p{i}": {"type": "string"}}}, {"properties": {f"p{i}": {"type": "integer"}}}]}
        for i in range(20)
    ]
    yield "a product of alternatives", {"allOf": either}
    yield (
        "100,000 keys",
        {"type": "object", "properties": {f"property_{i}": {"type": "string"} for i in range(100_000)}},
    )
    yield "10,000 optional keys", {"type": "object", "properties": {f"property_{i}": {} for i in range(10_000)}}
    yield "100,000 values", {"enum": [f"value number {i}" for i in range(100_000)]}
    yield "a constant of a megabyte", {"const": "x" * 1_000_000}
    yield "a length of a billion", {"type": "string", "minLength": 500_000_000, "maxLength": 1_000_000_000}
    yield "a million items", {"type": "array", "items": {"type": "integer"}, "minItems": 1_000_000}
    yield "a multiple of a large number", {"type": "integer", "multipleOf": 9_999_991}
    yield "a multiple of a tiny number", {"type": "number", "multipleOf": 1e-9, "minimum": 0, "maximum": 1}
    yield "bounds of 300 digits", {"type": "integer", "minimum": -(10**300), "maximum": 10**300}
    yield (
        "patterns that must all match",
        {"allOf": [{"pattern": f"^[a-z]{{{i}}}.*x", "type": "string"} for i in range(30)]},
    )
    yield "patterns of names", {"type": "object", "patternProperties": {f"^x{i}[a-z]*y$": {} for i in range(300)}}
    yield "60,000 groups in a pattern", {"type": "string", "pattern": "(" * (MANY // 2) + "a" + ")" * (MANY // 2)}


def _expressions() -> Iterator[tuple[str, str]]:
    yield "60,000 groups", "(" * (MANY // 2) + "a" + ")" * (MANY // 2)
    yield "20,000 groups beside each other", "(a)" * 20_000
    yield "alternatives that overlap", "(a|aa)+(a|aa)+$"
    yield "a choice far behind", ".*a.{1000}b"
    yield "repetitions within repetitions", "(((x{1000}){1000}){1000}){1000}"
    yield "a billion repetitions", "x{1000000000}"
    yield "classes of all letters", r"(\p{L}|\p{N}|[^\p{L}]){1,1000}"
    yield "looking ahead", "(?=.*a)(?=.*b).{8,}"


def _grammars() -> Iterator[tuple[str, str]]:
    yield "groups in a grammar", "start: " + "(" * (MANY // 2) + '"a"' + ")" * (MANY // 2)
    rules = "".join(f"r{i}: r{i + 1} r{i + 1}\n" for i in range(4000))
    yield "a chain of rules", f'start: r0\n{rules}r4000: "a"\n'
    terminals = "".join(f"R{i}: R{i + 1} R{i + 1}\n" for i in range(40))
    yield "terminals doubled 40 times", f'start: R0\n{terminals}R40: "a"\n'
    yield "a terminal of itself", "start: A\nA: B\nB: A\n"
    yield "many readings", 'start: s\ns: s s | s s s | "a" | ""\n'
    yield (
        "terminals that must all match",
        "start: A\nA: " + " & ".join(f"/(.|\\n)*a(.|\\n){{{i}}}/" for i in range(2, 40)),
    )
    yield "groups in GBNF", "root ::= " + "(" * (MANY // 2) + '"a"' + ")" * (MANY // 2)
    yield (
        "rules in GBNF",
        "root ::= r0\n" + "".join(f"r{i} ::= r{i + 1} r{i + 1}\n" for i in range(4000)) + 'r4000 ::= "a"\n',
    )


def _tool(number: int, num_bytes: int) -> dict[str, Any]:
    properties = {f"argument_{i}_of_{number}": {"type": "string", "maxLength": 50} for i in range(num_bytes // 60)}
    parameters = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"type": "function", "function": {"name": f"tool_{number}", "parameters": parameters}}
