"""scripts/webui_types.py: the page's types say what the OpenAPI document says."""

import json
from pathlib import Path
from string import Formatter
from typing import Any, get_args

import pytest

from bdchat.engine.models.downloads import PullFault
from bdchat.store.transfer.reasons import KINDS_NOT_KEPT, SENTENCES
from webui_types import frames, typescript


def one_schema(schema: dict[str, Any]) -> str:
    written = typescript({"components": {"schemas": {"Thing": schema}}, "paths": {}})
    return written.partition("export type Thing = ")[2].partition(";\n")[0]


def test_a_schema_becomes_a_type() -> None:
    nullable = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    pair = {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}]}
    thing = {
        "type": "object",
        "required": ["name", "kind"],
        "properties": {
            "name": nullable,
            "kind": {"enum": ["a", "b"]},
            "at-ms": {"type": ["integer", "null"]},
            "marks": {"type": "array", "items": pair},
            "other": {"$ref": "#/components/schemas/Other-Output"},
            "rest": {"type": "object", "additionalProperties": True},
            "counts": {"type": "object", "additionalProperties": {"type": "number"}},
            "any": {},
        },
    }
    assert one_schema(thing) == (
        '{ name: string | null; kind: "a" | "b"; "at-ms"?: number | null; marks?: Array<[number, number]>; '
        "other?: OtherOutput; rest?: Record<string, unknown>; counts?: Record<string, number>; any?: unknown }"
    )


def test_a_description_cannot_end_its_comment() -> None:
    written = typescript(
        {"components": {"schemas": {"T": {"description": "a */ b\n  c", "type": "null"}}}, "paths": {}}
    )
    assert "/** a * / b c */\nexport type T = null;" in written


def test_an_endpoint_says_what_it_takes_and_gives() -> None:
    def json_of(name: str) -> dict[str, Any]:
        return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}

    text = {"type": "string"}
    parameters = [
        {"name": "id", "in": "path", "required": True, "schema": text},
        {"name": "q", "in": "query", "required": True, "schema": text},
        {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer"}},
    ]
    operation = {"parameters": parameters, "requestBody": json_of("In"), "responses": {"201": json_of("Out")}}
    paths = {"/x/{id}": {"post": operation, "delete": {"responses": {"204": {}, "404": json_of("Error")}}}}
    written = typescript({"components": {"schemas": {}}, "paths": paths})
    assert (
        '"POST /x/{id}": { path: { id: string }; query: { q: string; limit?: number }; body: In; response: Out };'
        in written
    )
    assert '"DELETE /x/{id}": { path: undefined; query: undefined; body: undefined; response: undefined };' in written


def test_frames_are_unions_by_direction() -> None:
    ping = {"type": "object", "required": ["type"], "properties": {"type": {"const": "ping"}}}
    written = frames({"Ping": ping}, {"Ping": ping})
    assert 'export type SaidPing = { type: "ping" };' in written
    assert "export type HeardFrame = HeardPing;" in written


def locale(name: str, language: str) -> Any:
    folder = Path(__file__).parents[1] / "webui" / "src" / "locales"
    return json.loads((folder / f"{name}.{language}.json").read_text("utf-8"))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_has_words_for_every_fault_of_a_download(language: str) -> None:
    assert locale("admin", language)["admin"]["pulls"]["faults"].keys() == set(get_args(PullFault))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_has_words_for_every_reason_of_an_import(language: str) -> None:
    words = locale("pages", language)["import"]["reasons"]
    assert words.keys() == SENTENCES.keys()
    for code, sentence in SENTENCES.items():
        values = {name for _, name, _, _ in Formatter().parse(sentence) if name}
        used = {name for _, name, _, _ in Formatter().parse(words[code].replace("{{", "{").replace("}}", "}")) if name}
        assert used <= values, code


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_has_words_for_every_kind_that_an_import_leaves_out(language: str) -> None:
    words = locale("pages", language)["import"]["kinds"]
    assert {name.rpartition("_")[0] for name in words} == set(KINDS_NOT_KEPT)
