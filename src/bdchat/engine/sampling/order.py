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
from bdchat.engine.answers.grammars.lark import SPACE, LarkText, RuleName
from bdchat.engine.answers.grammars.tool_grammar import ToolGrammar
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.model_info import AnswerFormat, ModelInfo
from bdchat.engine.request import ChatPrompt, Constraint, GenerationRequest, Value, function_of
from bdchat.engine.sampling.grammar import grammar_of, schema_text
from bdchat.engine.schemas.unsupported import UnsupportedSchema

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
        is_strict = any(function_of(tool).get("strict") is True for tool in self.tools)
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
    tools = prompt.callable_tools if isinstance(prompt, ChatPrompt) else ()
    choice = prompt.tool_choice if isinstance(prompt, ChatPrompt) and tools else "none"
    if request.constraint is None and choice == "none":
        return None
    return GrammarOrder(
        constraint=request.constraint,
        tools=tools,
        tool_choice=choice,
        is_parallel=isinstance(prompt, ChatPrompt) and _may_call_several(prompt, info.answer_format),
        is_chat=isinstance(prompt, ChatPrompt),
        opens_thought=opens_thought,
        answer_format=info.answer_format,
        mark_tokens=info.mark_tokens,
    )


def _may_call_several(prompt: ChatPrompt, answer_format: AnswerFormat) -> bool:
    if prompt.parallel_tool_calls is not None:
        return prompt.parallel_tool_calls
    return prompt.tool_choice != "required" or answer_format.family != AnswerFormat().family


def sources_of(order: GrammarOrder, *, is_loose: bool = False) -> GrammarSources:
    """`is_loose`: arguments are any JSON object. Raises InvalidRequest."""
    tools = _tool_grammar(order, is_loose=is_loose) if order.tools else None
    if order.constraint is None and order.tool_choice == "auto":
        assert tools is not None
        openings = FAMILIES[order.answer_format.family].triggers
        return GrammarSources(by_opening={opening: tools.of_call(opening) for opening in openings})
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
    strict = {str(function_of(tool)["name"]) for tool in order.tools if function_of(tool).get("strict") is True}

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
    text, answer_format = LarkText(order.mark_tokens), order.answer_format
    rules: list[str] = []
    before = ""
    written = {name: f"@{name}" for name in names}
    if order.is_chat and FAMILIES[answer_format.family].shape == "harmony":
        thought = text.written("<|channel|>analysis<|message|>", RuleName("thinking"), "<|start|>assistant")
        if "value" in written:
            written["value"] = f"({thought})? {text.written('<|channel|>final<|message|>')} @value"
            rules.append(text.until("thinking", "<|end|>"))
    elif order.opens_thought:
        before = f"thinking {SPACE} "
        rules.append(text.until("thinking", answer_format.thought_closing))
    elif order.is_chat and answer_format.thinks and "value" in written:
        written["value"] = f"({text.written(answer_format.thought_opening)} thinking {SPACE})? @value"
        rules.append(text.until("thinking", answer_format.thought_closing))
    if not rules and len(names) == 1:
        return None
    return "\n".join([f"start: {before}({' | '.join(written.values())})", *rules]) + "\n"


def _joined(grammars: list[dict[str, object]]) -> str:
    return json.dumps({"grammars": grammars}, ensure_ascii=False)
