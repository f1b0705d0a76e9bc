"""What a request promises of its answer → the grammars that hold it there. Pure, and not bounded in time: a child of
process/trial_process.py does it.

An answer may be held from its first token on (a constraint, tool choice "required"), or from where the model itself
begins to call (tool choice "auto"). Thoughts come before either, and are free.
"""

import json
from collections.abc import Mapping
from typing import Literal

import msgspec

from bdchat.engine.answers.families import FAMILIES
from bdchat.engine.answers.tool_grammar import ToolGrammar
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import AnswerFormat, ChatPrompt, Constraint, GenerationRequest, ModelInfo, Value
from bdchat.engine.sampling.grammar import grammar_of, schema_text
from bdchat.engine.schemas.unsupported import UnsupportedSchema

_TEXT = "/(?s:.*)/"
_SPACE = "/[ \\n]{0,2}/"  # behind a thought; readers leave it out
_ANY_ARGUMENTS = {"type": "object"}


class GrammarOrder(Value, frozen=True, kw_only=True):
    constraint: Constraint | None
    tools: tuple[dict[str, object], ...]  # those that may be called
    tool_choice: Literal["none", "auto", "required"]
    is_parallel: bool
    is_chat: bool  # else the text is the caller's own: nothing in it is a thought
    opens_thought: bool  # the prompt ends inside one
    answer_format: AnswerFormat
    mark_tokens: dict[int, str]

    @property
    def may_be_free(self) -> bool:
        """Nothing was promised that a reader of the answer could miss."""
        is_strict = any(_function(tool).get("strict") is True for tool in self.tools)
        return self.constraint is None and self.tool_choice == "auto" and not is_strict

    @property
    def key(self) -> bytes:
        """The same for all that are held to the same."""
        constraint = self.constraint and msgspec.structs.replace(self.constraint, field="")
        return msgspec.msgpack.encode(msgspec.structs.replace(self, constraint=constraint))


class GrammarSources(msgspec.Struct):
    """As llguidance reads them. `whole` holds an answer from its first token, the others from behind an opening."""

    whole: str | None = None
    by_opening: dict[str, str] = {}


def order_of(request: GenerationRequest, info: ModelInfo, *, opens_thought: bool) -> GrammarOrder | None:
    """None: the answer is free."""
    prompt = request.prompt
    tools: tuple[dict[str, object], ...] = ()
    choice: Literal["none", "auto", "required"] = "none"
    if isinstance(prompt, ChatPrompt):
        allowed = set(prompt.allowed_tools)
        tools = tuple(tool for tool in prompt.tools if not allowed or _function(tool).get("name") in allowed)
        choice = prompt.tool_choice if tools else "none"
    if request.constraint is None and choice == "none":
        return None
    return GrammarOrder(
        constraint=request.constraint,
        tools=tools if choice != "none" else (),
        tool_choice=choice,
        is_parallel=isinstance(prompt, ChatPrompt) and prompt.parallel_tool_calls,
        is_chat=isinstance(prompt, ChatPrompt),
        opens_thought=opens_thought,
        answer_format=info.answer_format,
        mark_tokens=info.mark_tokens,
    )


def sources_of(order: GrammarOrder, *, is_loose: bool = False) -> GrammarSources:
    """`is_loose`: arguments are any JSON object. Raises InvalidRequest."""
    tools = _tool_grammar(order, is_loose=is_loose) if order.tools else None
    if order.constraint is None and order.tool_choice == "auto":
        assert tools is not None
        openings = FAMILIES[order.answer_format.family].triggers
        grammars = {opening: tools.of_call(opening) for opening in openings}
        return GrammarSources(by_opening={mark: grammar for mark, grammar in grammars.items() if grammar is not None})
    parts = []
    if order.constraint is not None:
        parts.append({**grammar_of(order.constraint), "name": "value"})
    if tools is not None:
        parts.append({"name": "calls", "lark_grammar": tools.of_answer()})
    main = _main(order, [str(part["name"]) for part in parts])
    if main is None:
        return GrammarSources(whole=_joined(parts))
    return GrammarSources(whole=_joined([{"name": "main", "lark_grammar": main}, *parts]))


def _tool_grammar(order: GrammarOrder, *, is_loose: bool) -> ToolGrammar:
    strict = {str(_function(tool)["name"]) for tool in order.tools if _function(tool).get("strict") is True}

    def text_of(name: str, parameters: Mapping[str, object]) -> str:
        try:
            return schema_text(_ANY_ARGUMENTS if is_loose and name not in strict else dict(parameters))
        except UnsupportedSchema as error:
            if name not in strict:
                return schema_text(_ANY_ARGUMENTS)
            raise InvalidRequest("tools", f"{name}: {error}", code="unsupported_schema") from error

    return ToolGrammar(order.answer_format, order.tools, text_of, order.mark_tokens, order.is_parallel)


def _main(order: GrammarOrder, names: list[str]) -> str | None:
    """What stands around the parts; None: nothing does. `calls` has its own thoughts, but for one that is open."""
    answer_format, rules, before = order.answer_format, [], ""
    written = {name: f"@{name}" for name in names}
    if order.is_chat and FAMILIES[answer_format.family].shape == "harmony":
        thought = _marks(order, "<|channel|>analysis<|message|>", "<|start|>assistant", between="thinking")
        if "value" in written:
            written["value"] = f"({thought})? {_marks(order, '<|channel|>final<|message|>')} @value"
            rules.append(_until(order, "<|end|>"))
    elif order.opens_thought:
        before = f"thinking {_SPACE} "
        rules.append(_until(order, answer_format.thought_closing))
    elif order.is_chat and answer_format.thinks and "value" in written:
        written["value"] = f"({_marks(order, answer_format.thought_opening)} thinking {_SPACE})? @value"
        rules.append(_until(order, answer_format.thought_closing))
    if not rules and len(names) == 1:
        return None
    return "\n".join([f"start: {before}({' | '.join(written.values())})", *rules]) + "\n"


def _until(order: GrammarOrder, closing: str) -> str:
    if closing in order.mark_tokens.values():
        return f"thinking: {_TEXT} {_marks(order, closing)}"
    return f"thinking[suffix={json.dumps(closing, ensure_ascii=False)}]: {_TEXT}"


def _marks(order: GrammarOrder, *texts: str, between: str = "") -> str:
    """A mark that is a control token is written by its number: as text nothing could match it."""
    ids = {text: token_id for token_id, text in order.mark_tokens.items()}
    written: list[str] = []
    for text in texts:
        pieces, rest = [], text
        while rest:
            mark = next((mark for mark in sorted(ids, key=len, reverse=True) if rest.startswith(mark)), rest[0])
            if mark in ids:
                pieces.append(f"<[{ids[mark]}]>")
            elif pieces and pieces[-1].startswith('"'):
                pieces[-1] = json.dumps(json.loads(pieces[-1]) + mark, ensure_ascii=False)
            else:
                pieces.append(json.dumps(mark, ensure_ascii=False))
            rest = rest[len(mark) :]
        written.append(" ".join(pieces))
    return f" {between} ".join(written)


def _joined(grammars: list[dict[str, object]]) -> str:
    return json.dumps({"grammars": grammars}, ensure_ascii=False)


def _function(tool: Mapping[str, object]) -> Mapping[str, object]:
    function = tool.get("function")
    return function if isinstance(function, Mapping) else {}
