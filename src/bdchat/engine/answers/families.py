"""The table of model families: how each writes calls and thoughts into an answer's text. Pure; a row per family.

A family is a way of writing, not a maker: it is found from the chat template, which shows earlier calls as the model is
to write new ones (detection.py). reader.py reads by these rows, tool_grammar.py forces by them.
"""

import re
from dataclasses import dataclass
from typing import Literal

# What stands behind an opening, for calls.py:
# objects  JSON objects with name and arguments, one or a list of them; or f(a=1), as Python writes it
# header   a name between marks, then the arguments as JSON
# xml      <function=name><parameter=key>value</parameter></function>
# harmony  gpt-oss: thoughts, content and calls are channels (harmony.py)
Shape = Literal["objects", "header", "xml", "harmony"]
_NAME = r"(?P<name>[\w.-]{1,64})"


@dataclass(frozen=True, slots=True)
class Family:
    """`before` … `ending`: how a call is written where the grammar writes it. A block is its opening, then one or more
    times before, name, between, arguments, after, parted by `separator`, then `ending`."""

    name: str
    shape: Shape
    openings: tuple[str, ...]  # each begins a call, wherever it stands
    closings: tuple[str, ...] = ()  # passed over behind a call
    is_bare: bool = False  # an answer, and what is behind a wrapper, may begin with a call that has no opening
    header: re.Pattern[str] | None = None  # of shape "header": from the opening to the brace of the arguments
    wrappers: tuple[str, ...] = ()  # around content, part of nothing
    inner_marks: tuple[str, ...] = ()  # others that a call may have
    prompt_ends_with: str = ""  # the part of an answer that the prompt for it already has
    opening: str = "<tool_call>\n"
    before: str = '{"name": "'
    between: str = '", "arguments": '
    after: str = "}\n</tool_call>"
    separator: str = "\n<tool_call>\n"
    ending: str = ""

    @property
    def triggers(self) -> tuple[str, ...]:
        """Openings behind which nothing but a call can follow, so that a grammar may hold it from there on."""
        if self.shape == "harmony":
            return ("to=functions.",)
        own = (mark for mark in openings_of(self) if mark not in _PYTHON_OPENINGS)
        return tuple(mark for mark in own if mark != self.prompt_ends_with)

    @property
    def marks(self) -> tuple[str, ...]:
        """What must be in the raw text for the reader, whether the vocabulary has it as text or as a control token."""
        inner = re.findall(_MARK, self.opening + self.before + self.between + self.after + self.separator + self.ending)
        return tuple(
            dict.fromkeys(
                (*openings_of(self), *self.closings, *GENERIC.closings, *self.wrappers, *self.inner_marks, *inner)
            )
        )


FENCE = "```"
_PYTHON_OPENINGS = ("```tool_code", "```tool_call")
_MARK = re.compile(r"<[|｜][^<>]*[|｜]>|\[[A-Z_]+\]|</?\w+>")

GENERIC = Family("generic", "objects", ("<tool_call>",), ("</tool_call>",), is_bare=True)

_DEEPSEEK_OPENINGS = ("<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>")
_DEEPSEEK_CLOSINGS = ("<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>")

_ROWS = (
    GENERIC,
    # Hermes 2 and 3, Qwen2.5, Qwen3, SmolLM3, Granite 4, EXAONE 4
    Family("hermes", "objects", ("<tool_call>",), ("</tool_call>",)),
    Family(
        "qwen3_coder",
        "xml",
        ("<tool_call>", "<function="),
        ("</tool_call>",),
        before="<function=",
        between=">\n",
        after="</function>\n</tool_call>",
    ),
    Family("mistral_v3", "objects", ("[TOOL_CALLS]",), opening="[TOOL_CALLS] [", after="}", separator=", ", ending="]"),
    Family("mistral_v7", "objects", ("[TOOL_CALLS]",), opening="[TOOL_CALLS][", after="}", separator=", ", ending="]"),
    # v11 has [CALL_ID], v13 has not; neither is needed
    Family(
        "mistral_v11",
        "header",
        ("[TOOL_CALLS]",),
        header=re.compile(rf"\s*{_NAME}\s*(?:\[CALL_ID\]\s*\w*\s*)?\[ARGS\]\s*(?=\{{)"),
        inner_marks=("[CALL_ID]",),
        opening="[TOOL_CALLS]",
        before="",
        between="[ARGS]",
        after="",
        separator="[TOOL_CALLS]",
    ),
    Family(
        "llama3",
        "objects",
        ("<|python_tag|>",),
        (";",),
        is_bare=True,
        opening="",
        between='", "parameters": ',
        after="}",
        separator="; ",
    ),
    Family(
        "llama4",
        "objects",
        (),
        (";",),
        is_bare=True,
        wrappers=("<|python_start|>", "<|python_end|>"),
        opening="",
        between='", "parameters": ',
        after="}",
        separator="; ",
    ),
    # Its template knows no tools; asked for calls in words, it writes what it was asked for or Python
    Family("gemma3", "objects", ("<tool_call>", *_PYTHON_OPENINGS), ("</tool_call>", "```"), is_bare=True),
    # 3.0 to 3.3
    Family(
        "granite",
        "objects",
        ("<|tool_call|>", "<tool_call>"),
        ("</tool_call>",),
        opening="<|tool_call|>[",
        after="}",
        separator=", ",
        ending="]",
    ),
    Family(
        "phi4",
        "objects",
        ("<|tool_call|>",),
        ("<|/tool_call|>",),
        opening="<|tool_call|>[",
        after="}",
        separator=", ",
        ending="]<|/tool_call|>",
    ),
    # R1 and V3: a word for the kind, and the arguments in a fence
    Family(
        "deepseek",
        "header",
        _DEEPSEEK_OPENINGS,
        ("```", *_DEEPSEEK_CLOSINGS),
        header=re.compile(
            rf"\s*(?:<｜tool▁call▁begin｜>)?\s*\w*<｜tool▁sep｜>{_NAME}\s*```(?:json)?\s*(?=\{{)",
        ),
        opening="<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>",
        before="function<｜tool▁sep｜>",
        between="\n```json\n",
        after="\n```<｜tool▁call▁end｜>",
        separator="\n<｜tool▁call▁begin｜>",
        ending="<｜tool▁calls▁end｜>",
    ),
    Family(
        "deepseek_v31",
        "header",
        _DEEPSEEK_OPENINGS,
        _DEEPSEEK_CLOSINGS,
        header=re.compile(rf"\s*(?:<｜tool▁call▁begin｜>)?\s*{_NAME}\s*<｜tool▁sep｜>\s*(?=\{{)"),
        opening="<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>",
        before="",
        between="<｜tool▁sep｜>",
        after="<｜tool▁call▁end｜>",
        separator="<｜tool▁call▁begin｜>",
        ending="<｜tool▁calls▁end｜>",
    ),
    # Command-R and R+: an action in a fence
    Family(
        "command_r",
        "objects",
        ("Action: ```json", "Action:```json"),
        ("```",),
        opening="Action: ```json\n[\n    ",
        before='{\n        "tool_name": "',
        between='",\n        "parameters": ',
        after="\n    }",
        separator=",\n    ",
        ending="\n]```",
    ),
    # Command-R7B and Command-A
    Family(
        "command_a",
        "objects",
        ("<|START_ACTION|>",),
        ("<|END_ACTION|>",),
        wrappers=("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>"),
        opening="<|START_ACTION|>[\n    ",
        before='{"tool_name": "',
        between='", "parameters": ',
        after="}",
        separator=",\n    ",
        ending="\n]<|END_ACTION|>",
    ),
    # v3.1, as Llama 3.1's own "custom" format
    Family(
        "functionary",
        "header",
        ("<function=",),
        ("</function>",),
        header=re.compile(rf"{_NAME}>\s*(?=\{{)"),
        opening="<function=",
        before="",
        between=">",
        after="</function>",
        separator="<function=",
    ),
    # v3.2: everything is addressed, content to "all"
    Family(
        "functionary_v32",
        "header",
        (">>>",),
        header=re.compile(rf"{_NAME}\n\s*(?=\{{)"),
        wrappers=(">>>all\n",),
        prompt_ends_with=">>>",
        opening=">>>",
        before="",
        between="\n",
        after="",
        separator=">>>",
    ),
    Family(
        "harmony",
        "harmony",
        ("<|channel|>", "<|start|>"),
        ("<|end|>",),
        inner_marks=("<|message|>", "<|constrain|>"),
        opening="<|channel|>commentary to=functions.",
        before="",
        between=" <|constrain|>json<|message|>",
        after="",
        separator="",  # a call ends the answer
    ),
)
FAMILIES = {family.name: family for family in _ROWS}
_TOLD = GENERIC.openings[0]  # how earlier calls are told where a template has no place for them


def openings_of(family: Family) -> tuple[str, ...]:
    """Its own, and the generic one: a model that is told of its earlier calls in words goes on in the same words."""
    return family.openings if _TOLD in family.openings else (*family.openings, _TOLD)


def behind(opening: str, family: Family) -> Family:
    """As which family a call behind this opening is written."""
    return GENERIC if opening == _TOLD and _TOLD not in family.openings else family


def may_be_in_fence(mark: str) -> bool:
    """Whether it counts within a fence of code: a control token is no example in one."""
    return bool(re.match(r"<[|｜]|\[[A-Z]", mark))
