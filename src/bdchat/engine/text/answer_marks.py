"""What a chat template writes around an answer: where an answer ends, and whether it begins inside a thought.

A model that learned a template writes on as the template would: its end mark, then the next question. Where the mark
is a token that llama.cpp knows as an end, that is the end. Where it is another control token, that token ends the
answer; where it is plain text to the vocabulary (a made-up template, a mark that it lacks), the text does. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# What opens and closes a thought in published templates; a name and its brackets.
_THOUGHT_TAG = re.compile(
    r"(?P<open><|\[|◁)(?P<close>/?)(?P<name>[\w:|]*think(?:ing)?(?::\w+)?|thought|reasoning)(?P<end>>|\]|▷)",
    re.IGNORECASE,
)
_COHERE_OPENING, _COHERE_CLOSING = "<|START_THINKING|>", "<|END_THINKING|>"
_MARK = re.compile(r"<[^<>\s]{1,60}>|\[/?[A-Z][A-Z0-9_]*\]")
_TAIL_CHARS = 200  # of a prompt, in which a tag at its end is looked for
_LABEL = re.compile(r"#{2,} ?\w[\w .'-]{0,60}:?|\w[\w .'-]{0,40}:")  # "### Instruction:", "USER:"


@dataclass(frozen=True, slots=True)
class AnswerMarks:
    texts: tuple[str, ...] = ()  # none of them is ever shown
    token_ids: frozenset[int] = frozenset()  # beside those that llama.cpp knows as ends


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Pieces of a render of a question, an answer and another question, and of one that asks for an answer."""

    generation_prompt: str  # behind the question, where the answer is asked for
    header: str  # between question and answer
    trailer: str  # between answer and next question; "" when the template does not show them so


def answer_marks(
    around: Surroundings, control_tokens: Mapping[str, int], ends: frozenset[int], *, is_made_up: bool
) -> AnswerMarks:
    """`control_tokens`: those that the tokenizer makes of a template's text; `ends`: llama.cpp's own.

    Behind an end the trailer says nothing more, unless the template is made up: then nobody taught the model that end.
    Where the header is longer than the prompt for an answer, the model writes part of it itself (gpt-oss: channels),
    and closes it with the same tokens; those are not its end."""
    texts: list[str] = []
    token_ids: list[int] = []
    is_writing_headers = len(around.header.rstrip()) > len(around.generation_prompt.rstrip())
    for piece in _pieces(around.trailer, control_tokens):
        token_id = control_tokens.get(piece)
        if token_id in ends and not is_made_up:
            break
        if token_id is None:
            texts += _MARK.findall(piece)
        elif token_id not in ends and not is_writing_headers:
            token_ids.append(token_id)
    else:
        if not texts and not token_ids:
            texts = _labels(around.trailer)
    return AnswerMarks(tuple(dict.fromkeys(texts)), frozenset(token_ids))


def _pieces(text: str, control_tokens: Mapping[str, int]) -> list[str]:
    """Control tokens and what is between them."""
    if not control_tokens:
        return [text]
    longest_first = sorted(control_tokens, key=len, reverse=True)
    return [piece for piece in re.split(f"({'|'.join(map(re.escape, longest_first))})", text) if piece]


def _labels(trailer: str) -> list[str]:
    """A template of plain words: the line that announces the next question."""
    lines = [line.strip() for line in trailer.splitlines()]
    label = next((line for line in reversed(lines) if line), "")
    return [f"\n{label}"] if _LABEL.fullmatch(label) else []


def closing_of_open_thought(prompt: str) -> str:
    """The tag that would close the thought which the prompt's end has opened; "" when it has opened none."""
    prompt = prompt[-_TAIL_CHARS:].rstrip()
    if prompt.endswith(_COHERE_OPENING):
        return _COHERE_CLOSING
    tags = list(_THOUGHT_TAG.finditer(prompt))
    if not tags or tags[-1]["close"] or prompt[tags[-1].end() :]:
        return ""
    tag = tags[-1]
    return f"{tag['open']}/{tag['name']}{tag['end']}"
