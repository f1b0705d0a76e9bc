"""Which family writes as a chat template does, and how it marks a thought. Pure: the template's text tells both.

A template that shows earlier calls shows them as the model is to write new ones, so the marks in it decide, those that
no other family has first. A model's name says nothing: fine-tunes keep names and change templates.
"""

from bdchat.engine.answers.families import FAMILIES
from bdchat.engine.model_info import AnswerFormat

# All marks of a row must be in the template; the first row that fits decides.
_SIGNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("harmony", ("<|channel|>", "<|message|>")),
    ("mistral_v11", ("[TOOL_CALLS]", "[ARGS]")),
    ("mistral_v3", ("[TOOL_CALLS] [",)),
    ("mistral_v7", ("[TOOL_CALLS]",)),
    ("deepseek", ("<｜tool▁sep｜>", "```json")),
    ("deepseek_v31", ("<｜tool▁sep｜>",)),
    ("qwen3_coder", ("<function=", "<parameter=")),
    ("functionary_v32", (">>>all",)),
    ("functionary", ("<function=",)),
    ("command_a", ("<|START_ACTION|>",)),
    ("command_r", ("Action:", "tool_name")),
    ("phi4", ("<|/tool_call|>",)),
    ("phi4", ("<|tool|>", "<|/tool|>")),
    ("granite", ("<|tool_call|>",)),
    ("llama4", ("<|python_start|>",)),
    ("llama3", ("<|python_tag|>",)),
    ("llama3", ("<|start_header_id|>", '"parameters": ')),
    ("hermes", ("<tool_call>",)),
)
_GEMMA = "<start_of_turn>"
_THOUGHT_TAGS = (
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<think>", "</think>"),
    ("[THINK]", "[/THINK]"),
    ("<thought>", "</thought>"),
    ("<thinking>", "</thinking>"),
    ("<seed:think>", "</seed:think>"),
    ("<reasoning>", "</reasoning>"),
    ("◁think▷", "◁/think▷"),
)


def answer_format(template: str, *, supports_tools: bool) -> AnswerFormat:
    """`supports_tools`: the template shows tools to the model. Where it does not, tool_text.py tells the model of
    them, and of the generic way to call them."""
    source = template.replace("\\n", "\n")
    family = _family_of(source) if supports_tools else None
    if family is None:
        family = "gemma3" if _GEMMA in source else "harmony" if _is_harmony(source) else "generic"
    for opening, closing in _THOUGHT_TAGS:
        if closing in source:
            return AnswerFormat(family=family, thought_opening=opening, thought_closing=closing, thinks=True)
    return AnswerFormat(family=family, thinks=family == "harmony")


def _family_of(source: str) -> str | None:
    for family, signs in _SIGNS:
        assert family in FAMILIES
        if all(sign in source for sign in signs):
            return family
    return None


def _is_harmony(source: str) -> bool:
    """Its channels hold thoughts whether it is shown tools or not."""
    return all(sign in source for sign in _SIGNS[0][1])


def shown_marks(answer_format: AnswerFormat) -> frozenset[str]:
    """Texts that belong into an answer's raw text also where the vocabulary has them as control tokens."""
    thought = (answer_format.thought_opening, answer_format.thought_closing)
    return frozenset((*FAMILIES[answer_format.family].marks, *thought))
