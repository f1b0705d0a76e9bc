"""Declared tools and a family's way of writing → the grammar that holds an answer to them, in llguidance's Lark. Pure.

Names are the declared ones, letter by letter, and arguments what the tool's parameters say. A mark that is a control
token of the vocabulary is written by its id: as text nothing could match it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bdchat.engine.answers.families import FAMILIES, Family, behind
from bdchat.engine.answers.grammars.lark import SPACE, LarkText, RuleName
from bdchat.engine.answers.grammars.xml_grammar import XmlArguments, has_plain_parameters
from bdchat.engine.model_info import AnswerFormat
from bdchat.engine.request import function_of

# Name and parameters of a tool → the JSON Schema that the compiler takes, as text. What it raises goes to the caller.
SchemaText = Callable[[str, Mapping[str, object]], str]
_MAX_CALLS = 16  # of one answer: a small model that must call knows no end
# Where one of these stands, what else is allowed is its matter.
_OPEN = frozenset(
    [
        "additionalProperties",
        "patternProperties",
        "unevaluatedProperties",
        "propertyNames",
        "minProperties",
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "if",
        "not",
        "dependentSchemas",
        "dependencies",
        "dependentRequired",
    ]
)


@dataclass(frozen=True, slots=True)
class ToolGrammar:
    """`tools`: OpenAI's function tools, only those that may be called. `mark_tokens`: ModelInfo's."""

    answer_format: AnswerFormat
    tools: Sequence[Mapping[str, object]]
    schema_text: SchemaText
    mark_tokens: Mapping[int, str]
    is_parallel: bool = True  # several calls may be made

    def of_answer(self) -> str:
        """Of an answer that must call: nothing but calls, behind a thought where the model thinks."""
        family = self._family
        rules = ["start: calls"]
        if self.answer_format.thinks and family.shape == "harmony":
            thought = self._lark("<|channel|>analysis<|message|>", RuleName("thinking"), "<|start|>assistant")
            rules = [f"start: ({thought})? calls", self._text.until("thinking", "<|end|>")]
        elif self.answer_format.thinks:
            opening, closing = self.answer_format.thought_opening, self.answer_format.thought_closing
            thought = self._lark(opening, RuleName("thinking"))
            rules = [f"start: {SPACE} ({thought} {SPACE})? calls", self._text.until("thinking", closing)]
        opening = family.opening.removeprefix(family.prompt_ends_with)
        return "\n".join([*rules, *self._calls(opening + family.before)])

    def of_call(self, opening: str) -> str:
        """Of what follows an opening that the model wrote itself, up to the answer's end."""
        family = behind(opening, self._family)
        if family is not self._family:
            return replace(self, answer_format=AnswerFormat(family=family.name)).of_call(opening)
        if family.shape == "harmony":
            return "\n".join(["start: calls", *self._calls("")])
        written = family.opening + family.before
        place = written.find(opening)
        if place >= 0:
            rest = written[place + len(opening) :]
        else:  # another opening than the one of the table: it stands for that
            head = next((mark for mark in family.openings if written.startswith(mark)), "")
            rest = written.removeprefix(head)
        return "\n".join([f"start: {SPACE} calls", *self._calls(rest.lstrip())])

    @property
    def _text(self) -> LarkText:
        return LarkText(self.mark_tokens)

    @property
    def _family(self) -> Family:
        return FAMILIES[self.answer_format.family]

    def _calls(self, head: str) -> list[str]:
        """`head`: what stands before the first call's name."""
        family = self._family
        several = ""
        if self.is_parallel and family.separator:
            several = f"({self._lark(family.separator + family.before)} call){{0,{_MAX_CALLS - 1}}}"
        rules = [f"calls: {self._lark(head)} call {several} {self._lark(family.ending)}"]
        names: list[str] = []
        for number, tool in enumerate(self.tools):
            function = function_of(tool)
            names.append(f"call_{number}")
            rules += self._call(number, str(function["name"]), function.get("parameters"))
        return [*rules, f"call: {' | '.join(names)}"]

    def _call(self, number: int, name: str, parameters: object) -> list[str]:
        family, rule = self._family, f"call_{number}"
        schema = _object_schema(parameters)
        if family.shape == "xml" and has_plain_parameters(schema):
            xml = XmlArguments(rule, name, schema, self.schema_text)
            return [f"{rule}: {self._lark(name + family.between, RuleName(xml.rule), family.after)}", *xml.rules]
        between, after = family.between, family.after
        if family.shape == "xml":
            after = f"\n{after}"
        if schema is None:
            return [f"{rule}: {self._lark(name + between + '{}' + after)}"]
        arguments = f"{rule}_arguments"
        json_rule = f"{arguments}: %json {self.schema_text(name, schema)}"
        return [f"{rule}: {self._lark(name + between, RuleName(arguments), after)}", json_rule]

    def _lark(self, *elements: str | RuleName) -> str:
        return self._text.written(*elements)


def _object_schema(parameters: object) -> Mapping[str, object] | None:
    """None: the tool has no parameters. Arguments are an object, also where the schema does not say so."""
    if not isinstance(parameters, Mapping):
        return None
    return _closed(parameters if "type" in parameters else {"type": "object", **parameters})


def _closed(schema: Mapping[str, object]) -> Mapping[str, object]:
    """Nothing but the properties that are named, where others are neither allowed nor refused: whoever calls a function
    has no more to say, and a small model that may go on does so until its tokens are used up."""
    named, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(named, Mapping) or not isinstance(required, Sequence) or _OPEN & schema.keys():
        return schema
    return {**schema, "additionalProperties": False} if set(map(str, required)) <= set(named) else schema
