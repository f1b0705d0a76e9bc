"""Writes the page's wire types from the server's own, so that the two cannot differ.

webui/src/api/types.gen.ts from the OpenAPI document, webui/src/live/frames.gen.ts from the live sockets' frames.

    .venv/bin/python scripts/webui_types.py [--check]

--check writes nothing and fails when a file is not what would be written. No server is started and no model loaded:
the document is made from what the endpoints say of themselves.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).resolve().parent.parent / "webui" / "src"
HEADER = """\
/** {what}. Made by scripts/webui_types.py: never edited by hand. */
"""
NAME = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
Schema = Mapping[str, Any]


def typescript(document: Schema) -> str:
    """`Schemas`' interfaces by name, and `Endpoints`: "GET /api/x" → what it takes and gives."""
    parts = [HEADER.format(what="What /api and /v1 take and give"), *_declared(document["components"]["schemas"])]
    lines = [
        f"  {json.dumps(f'{method.upper()} {path}')}: {_endpoint(operation)};"
        for path, operations in sorted(document["paths"].items())
        for method, operation in sorted(operations.items())
    ]
    parts.append("\n".join(["export interface Endpoints {", *lines, "}", ""]))
    return "\n".join(parts)


def frames(said: Mapping[str, Schema], heard: Mapping[str, Schema]) -> str:
    """`said` by a client and `heard` from a server, by "type", each with its unions."""
    parts = [HEADER.format(what="The frames of the live sockets, src/bdchat/api/schemas/live.py")]
    for union, schemas in (("SaidFrame", said), ("HeardFrame", heard)):
        names = {f"{union.removesuffix('Frame')}{name}": schema for name, schema in schemas.items()}
        parts += [*_declared(names), f"export type {union} = {_union(names)};\n"]
    return "\n".join(parts)


def _declared(schemas: Mapping[str, Schema]) -> list[str]:
    return [
        f"{_comment(schema)}export type {_identifier(name)} = {_type(schema)};\n"
        for name, schema in sorted(schemas.items())
    ]


def _endpoint(operation: Schema) -> str:
    parameters = operation.get("parameters", ())
    path = {each["name"]: each["schema"] for each in parameters if each["in"] == "path"}
    query = {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}
    required = [each["name"] for each in parameters if each["in"] == "query" and each["required"]]
    body = operation.get("requestBody", {}).get("content", {})
    response: Schema = next((answer for status, answer in operation["responses"].items() if status.startswith("2")), {})
    fields = {
        "path": _object(path, list(path)) if path else "undefined",
        "query": _object(query, required) if query else "undefined",
        "body": _content(body) if body else "undefined",
        "response": _content(response.get("content", {})),
    }
    return "{ " + "; ".join(f"{name}: {kind}" for name, kind in fields.items()) + " }"


def _content(content: Schema) -> str:
    """Of several media types JSON is what the page reads."""
    if not content:
        return "undefined"
    schema = (content.get("application/json") or next(iter(content.values())))["schema"]
    return "Blob" if schema.get("format") == "binary" else _type(schema)


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return _identifier(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return _union(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    for name in ("anyOf", "oneOf"):
        if name in schema:
            return _union(_type(each) for each in schema[name])
    kind = schema.get("type")
    if isinstance(kind, list):
        return _union(_type({**schema, "type": each}) for each in kind)
    return _of_kind(kind, schema)


def _of_kind(kind: str | None, schema: Schema) -> str:
    if kind == "array" and "prefixItems" in schema:
        return "[" + ", ".join(_type(each) for each in schema["prefixItems"]) + "]"
    if kind == "array":
        return f"Array<{_type(schema.get('items', {}))}>"
    if kind == "object" and "properties" in schema:
        return _object(schema["properties"], schema.get("required", []))
    if kind == "object":
        values = schema.get("additionalProperties", True)
        return f"Record<string, {_type(values) if isinstance(values, dict) else 'unknown'}>"
    return PLAIN.get(kind or "", "unknown")


def _object(properties: Mapping[str, Schema], required: Sequence[str]) -> str:
    fields = [f"{_key(name)}{'' if name in required else '?'}: {_type(schema)}" for name, schema in properties.items()]
    return "{ " + "; ".join(fields) + " }" if fields else "Record<string, never>"


def _union(kinds: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(kinds))


def _key(name: str) -> str:
    return name if NAME.fullmatch(name) else json.dumps(name)


def _identifier(name: str) -> str:
    """The document tells a model that is read and written apart as "Name-Input" and "Name-Output"."""
    return re.sub(r"\W", "", name, flags=re.ASCII)


def _comment(schema: Schema) -> str:
    text = " ".join(schema.get("description", "").split()).replace("*/", "* /")
    return f"/** {text} */\n" if text else ""


def served_document() -> Schema:
    from bdchat.api.app import App
    from bdchat.api.http.openapi import document
    from bdchat.engine.router import Router
    from bdchat.settings import Settings

    return document(App(Settings(), Router({}, default=None, created=0)).routes)


def served_frames() -> tuple[Mapping[str, Schema], Mapping[str, Schema]]:
    import msgspec

    from bdchat.api.schemas import live

    said = {schema.__name__: schema.model_json_schema() for schema in live.IN_FRAMES.values()}
    structs = [each for each in vars(live).values() if isinstance(each, type) and issubclass(each, live.OutFrame)]
    _, heard = msgspec.json.schema_components(structs)
    tagged = {name: schema for name, schema in heard.items() if schema["properties"]["type"]["enum"] != [name]}
    return said, tagged


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="fail when a file is not what would be written")
    is_check = parser.parse_args(argv).check
    wanted = {
        SOURCES / "api" / "types.gen.ts": typescript(served_document()),
        SOURCES / "live" / "frames.gen.ts": frames(*served_frames()),
    }
    changed = {path: text for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text}
    if is_check and changed:
        names = ", ".join(str(path.relative_to(SOURCES)) for path in changed)
        sys.stderr.write(f"out of date: {names} → run .venv/bin/python scripts/webui_types.py\n")
        return 1
    for path, text in changed.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
