"""Real JSON Schemas with instances that are valid or not: how many the engine's constraint decides as they are meant.

Two parts. The first compiles each schema as the engine does, over single bytes, and offers it the instances. The second
lets a running server answer under some of them, and validates what it says. Knows the engine's rewrite and /v1.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from llguidance import LLMatcher, LLTokenizer

from bdchat.engine.schemas.document import SchemaDocument
from bdchat.engine.schemas.forms.nodes import Leaf
from bdchat.engine.schemas.rewrite import rewritten
from bdchat.engine.schemas.unsupported import Budget, UnsupportedSchema

from .bars import Bar
from .compare import Log, Run
from .hardening import Outcome
from .servers import Contender, started

MIN_PASSED = 0.95
MAX_TOKENS = 256
AT_A_TIME = 4
APPLIED = ("$ref", "allOf", "anyOf", "oneOf", "if", "then", "else")
DEPENDENT = ("dependencies", "dependentRequired", "dependentSchemas")


class InOrder:
    """Instances with their properties in the order in which a schema names them, where it names them."""

    def __init__(self, schema: Any) -> None:
        self._validator = validator_for(schema, default=Draft202012Validator)(schema)
        self._document = SchemaDocument(schema, Budget(1_000_000, "$schema", "it is too large to be read"))

    def of(self, value: Any) -> Any:
        return self._ordered(value, [self._document.root])

    def _ordered(self, value: Any, leaves: list[Leaf]) -> Any:
        leaves = [each for leaf in leaves for each in self._applied(leaf, value, 0)]
        if isinstance(value, list):
            return [self._ordered(each, self._of_item(leaves, at)) for at, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        places = {name: at for at, name in enumerate(self._names(leaves))}
        names = sorted(value, key=lambda name: places.get(name, len(places)))
        return {name: self._ordered(value[name], self._of_property(leaves, name)) for name in names}

    def _applied(self, leaf: Leaf, value: Any, depth: int) -> Iterator[Leaf]:
        """What speaks of the same value: a leaf for each keyword, in their order; of branches those that are met."""
        if not isinstance(leaf.schema, dict) or depth > 20:
            return
        for keyword, said in leaf.schema.items():
            if keyword == "$ref":
                yield from self._applied(self._document.resolve(leaf, said), value, depth + 1)
            elif keyword in APPLIED and isinstance(said, list):
                branches = [self._document.child(leaf, keyword, at) for at in range(len(said))]
                for branch in branches:
                    if keyword == "allOf" or self._validator.evolve(schema=branch.schema).is_valid(value):
                        yield from self._applied(branch, value, depth + 1)
            elif keyword in APPLIED:
                yield from self._applied(self._document.child(leaf, keyword), value, depth + 1)
            else:
                yield Leaf({keyword: said}, leaf.pointer, leaf.base)

    @staticmethod
    def _names(leaves: list[Leaf]) -> Iterator[str]:
        found: dict[str, None] = {}
        late: dict[str, None] = {}
        for leaf in leaves:
            for keyword, value in leaf.schema.items():  # type: ignore[attr-defined]
                if keyword == "properties" or keyword in DEPENDENT:
                    found.update(dict.fromkeys(value))
                elif keyword == "required":
                    late.update(dict.fromkeys(value))
        return iter(dict.fromkeys([*found, *late]))

    def _of_property(self, leaves: list[Leaf], name: str) -> list[Leaf]:
        found = []
        for leaf in leaves:
            for keyword, value in leaf.schema.items():  # type: ignore[attr-defined]
                if keyword == "properties" and name in value:
                    found.append(self._document.child(leaf, keyword, name))
                elif keyword == "patternProperties":
                    found += [self._document.child(leaf, keyword, pattern) for pattern in value]
                elif keyword == "additionalProperties":
                    found.append(self._document.child(leaf, keyword))
        return found

    def _of_item(self, leaves: list[Leaf], at: int) -> list[Leaf]:
        found = []
        for leaf in leaves:
            for keyword, value in leaf.schema.items():  # type: ignore[attr-defined]
                if keyword in ("items", "prefixItems") and isinstance(value, list):
                    found += [self._document.child(leaf, keyword, at)] if at < len(value) else []
                elif keyword in ("items", "additionalItems"):
                    found.append(self._document.child(leaf, keyword))
        return found


class Verdict:
    """What became of one schema. `refusal`: keyword and reason of one that is not supported."""

    def __init__(self, row: dict[str, Any], tokenizer: LLTokenizer) -> None:
        self.refusal: str | None = None
        self.num_valid_refused = self.num_invalid_taken = self.num_out_of_order = 0
        began = process_time()
        try:
            schema = rewritten(row["schema"])
        except UnsupportedSchema as error:
            self.refusal = f"{error.keyword}: {error.reason}"
            return
        matcher = LLMatcher(tokenizer, LLMatcher.grammar_from_json_schema(json.dumps(schema)), log_level=0)
        self.cpu_ms = (process_time() - began) * 1000
        if matcher.is_error():
            self.refusal = f"compiler: {matcher.get_error().splitlines()[0][:80]}"
            return
        order = InOrder(row["schema"])
        for test in row["tests"]:
            as_it_is = _takes(matcher, tokenizer, test["data"])
            ordered = _takes(matcher, tokenizer, order.of(test["data"]))
            self.num_valid_refused += test["valid"] and not ordered
            self.num_out_of_order += test["valid"] and ordered and not as_it_is
            self.num_invalid_taken += not test["valid"] and (ordered or as_it_is)

    @property
    def passed(self) -> bool:
        return self.refusal is None and not self.num_valid_refused and not self.num_invalid_taken


def rows_of(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.read_text("utf-8").splitlines()]


def coverage(data: Path, log: Log) -> Outcome:
    """Every instance is offered twice: as it is written, and in the schema's order, which answers keep to."""
    tokenizer = LLTokenizer("byte")
    rows = rows_of(data)
    verdicts = [Verdict(row, tokenizer) for row in rows]
    refusals = Counter(verdict.refusal for verdict in verdicts if verdict.refusal is not None)
    for refusal, number in refusals.most_common():
        log(f"schemas: {number} refused, {refusal}")
    for row, verdict in zip(rows, verdicts, strict=True):
        if verdict.num_valid_refused or verdict.num_invalid_taken:
            wrong = f"{verdict.num_valid_refused} valid refused, {verdict.num_invalid_taken} invalid taken"
            log(f"schemas: {row['name']}: {wrong}")
    times = sorted(verdict.cpu_ms for verdict in verdicts if verdict.refusal is None)
    figures = {
        "schemas": float(len(rows)),
        "passed": float(sum(verdict.passed for verdict in verdicts)),
        "refused": float(sum(refusals.values())),
        "valid_refused": float(sum(verdict.num_valid_refused for verdict in verdicts)),
        "invalid_taken": float(sum(verdict.num_invalid_taken for verdict in verdicts)),
        "valid_out_of_order": float(sum(verdict.num_out_of_order for verdict in verdicts)),
        "cpu_ms_p50": times[len(times) // 2],
        "cpu_ms_p90": times[len(times) * 9 // 10],
        "cpu_ms_max": times[-1],
    }
    log(f"schemas: {', '.join(f'{name} {figure:.4g}' for name, figure in figures.items())}")
    share = figures["passed"] / len(rows)
    text = f"{share:.1%} of {len(rows)} schemas decided as they are meant, {figures['invalid_taken']:.0f} invalid taken"
    bar = Bar(2, text, share >= MIN_PASSED and not figures["invalid_taken"])
    return Outcome(bar, Run("constraint", "schemas", len(rows), 0, figures))


async def schemas(
    contender: Contender, data: Path, logs: Path, log: Log, *, seed: int, num_generated: int
) -> list[Outcome]:
    outcomes = [coverage(data, log)]
    if num_generated:
        outcomes.append(await _generated(contender, data, logs, log, seed=seed, num=num_generated))
    return outcomes


async def _generated(contender: Contender, data: Path, logs: Path, log: Log, *, seed: int, num: int) -> Outcome:
    """Answers at temperature 1 under that many of the schemas that are supported."""
    rows = rows_of(data)
    random.Random(f"schemas {seed}").shuffle(rows)  # noqa: S311
    ends: Counter[str] = Counter()
    async with started(contender, logs) as running:
        url = running.client.base_url.removesuffix("/v1")
        async with httpx.AsyncClient(base_url=url, timeout=600) as http:
            left = iter(rows)

            async def one_after_another() -> None:
                for row in left:
                    if ends.total() - ends["unsupported_schema"] >= num:
                        break
                    end = await _answered(http, row, seed, log)
                    ends[end] += 1
                    log(f"schemas: {row['name']}: {end}")

            await asyncio.gather(*(one_after_another() for _ in range(min(AT_A_TIME, num))))
    finished, invalid = ends["valid"] + ends["invalid"], ends["invalid"]
    text = f"{ends['valid']} of {finished} finished answers valid, {ends['cut']} cut at {MAX_TOKENS} tokens"
    log(f"schemas: {dict(ends)}")
    figures = {name.replace(" ", "_"): float(number) for name, number in ends.items()}
    bar = Bar(2, text, finished > 0 and not invalid and ends.keys() <= {"valid", "cut", "unsupported_schema"})
    return Outcome(bar, Run(contender.name, "schemas", num, 0, figures))


async def _answered(http: httpx.AsyncClient, row: dict[str, Any], seed: int, log: Log) -> str:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": row["schema"]}}
    asked = f"Give an example of {row['schema'].get('title') or row['schema'].get('description') or 'this'} as JSON."
    messages = [{"role": "user", "content": asked[:400]}]
    body = {"messages": messages, "max_tokens": MAX_TOKENS, "temperature": 1, "seed": seed, "response_format": form}
    answer = await http.post("/v1/chat/completions", json=body)
    if answer.status_code == 400 and answer.json()["error"]["code"] == "unsupported_schema":
        return "unsupported_schema"
    if not answer.is_success:
        log(f"schemas: {row['name']}: {answer.status_code} {answer.text[:300]}")
        return f"status {answer.status_code}"
    choice = answer.json()["choices"][0]
    if choice["finish_reason"] != "stop":
        return "cut"
    validator = validator_for(row["schema"], default=Draft202012Validator)(row["schema"])
    try:
        value = json.loads(choice["message"]["content"])
        problems = [str(problem.message)[:200] for problem in validator.iter_errors(value)]
    except ValueError as error:
        problems = [str(error)]
    if problems:
        log(f"schemas: {row['name']}: {problems[0]}: {choice['message']['content'][:300]}")
    return "invalid" if problems else "valid"


def _takes(matcher: LLMatcher, tokenizer: LLTokenizer, value: Any) -> bool:
    tokens = tokenizer.tokenize_str(json.dumps(value, ensure_ascii=False))
    matcher.reset()
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())
