"""Prompt and rules for a chat's title: what the model is asked, which of its answers is accepted, what replaces it.
Pure.

Made for the smallest models too: one example to imitate, one line to write, and nothing they say is trusted.
"""

import re
import unicodedata

from bdchat.engine.request import ChatMessage, FinishReason
from bdchat.store.search.snippet import graphemes

MAX_TITLE_GRAPHEMES = 60  # a longer one is no title
MAX_FALLBACK_GRAPHEMES = 40
MAX_TITLE_TOKENS = 24
QUESTION_CHARS, ANSWER_CHARS = 600, 300  # of each the model is shown
HANGUL_SHARE = 0.15  # of the letters: a syllable is two or three of them, and names are often English

_LABEL = re.compile(
    r"^(?:the\s+)?(?:chat\s+|conversation\s+)?(?:title|subject|topic|name|제목|주제|대화\s*제목)\s*(?:is\b|은|는)?\s*[:：\-–—]\s*",
    re.IGNORECASE,
)
_THOUGHT = re.compile(r"<think>.*?(?:</think>|$)", re.DOTALL)
_ECHO = re.compile(r"^(?:question|answer|assistant|user|질문|답|답변)\s*[:：]", re.IGNORECASE)
_WRAPPING = "\"'`*_#~“”‘’„«»「」『』《》<>()[]{} \t"
_ENDS = ".。,，;；:：!！ "
_HANGUL = re.compile("[\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e]")
_FENCE = re.compile(r"```.*?(?:```|$)", re.DOTALL)
_SIGNS = re.compile(r"^[#>*\-\s`]+")

_ENGLISH = (
    "Write a short title, at most six words, for the question, in the language of the question. Answer with the title"
    " only.",
    ("How long do I boil an egg so that the yolk stays soft?", "Boil it for six minutes.", "Soft-Boiled Eggs"),
    "Question: {question}\nAnswer: {answer}\nTitle:",
)
_KOREAN = (
    "질문에 어울리는 짧은 제목을 한국어로, 여섯 단어 이내로 쓰세요. 제목만 쓰세요.",
    ("달걀을 반숙으로 삶으려면 몇 분 걸려요?", "6분 정도 삶으세요.", "달걀 반숙 삶는 시간"),
    "질문: {question}\n답: {answer}\n제목:",
)


def title_prompt(question: str, answer: str) -> tuple[ChatMessage, ...]:
    order, (first_question, first_answer, first_title), form = _KOREAN if is_korean(question) else _ENGLISH
    shown = form.format(question=_shown(question, QUESTION_CHARS), answer=_shown(answer, ANSWER_CHARS))
    return (
        ChatMessage(role="system", content=order),
        ChatMessage(role="user", content=form.format(question=first_question, answer=first_answer)),
        ChatMessage(role="assistant", content=first_title),
        ChatMessage(role="user", content=shown),
    )


def usable_title(said: str, reason: FinishReason, question: str, answer: str = "") -> str | None:
    """The model's words as a title, without what models put around one. None: it is none, or the answer once more."""
    lines = [line.strip() for line in _THOUGHT.sub("", said).splitlines()]
    line = next((line for line in lines if line), "")
    if reason is FinishReason.LENGTH and [line] == lines[-1:]:
        return None  # cut off in the middle
    title = _bare(line)
    if _ECHO.match(title) or sum(letter.isalnum() for letter in title) < 2:
        return None
    if len(list(graphemes(title))) > MAX_TITLE_GRAPHEMES or title.casefold() in _EXAMPLES:
        return None
    if _plain(answer[: 4 * len(title)]).casefold().startswith(title.casefold()):
        return None
    return title if is_korean(title) or not is_korean(question) else None


def first_words(question: str) -> str:
    """The beginning of the user's message, cut between words, or between whole characters where a word is too long.
    Empty only when nothing can be read in it."""
    plain = _plain(_FENCE.sub(" ", question)) or _plain(question)
    plain = _SIGNS.sub("", plain) or plain
    clusters = list(graphemes(plain))
    if len(clusters) <= MAX_FALLBACK_GRAPHEMES:
        return plain
    kept = "".join(clusters[:MAX_FALLBACK_GRAPHEMES])
    if clusters[MAX_FALLBACK_GRAPHEMES] != " " and (cut := kept.rfind(" ")) >= len(kept) // 2:
        kept = kept[:cut]
    return kept.rstrip(_ENDS) + "…"


def is_korean(text: str) -> bool:
    letters = sum(letter.isalpha() for letter in text)
    return letters > 0 and len(_HANGUL.findall(text)) >= HANGUL_SHARE * letters


def _bare(line: str) -> str:
    title = _plain(line)
    for _ in range(3):  # **Title: "…"**
        title = _LABEL.sub("", title.strip(_WRAPPING))
    return title.strip(_WRAPPING).rstrip(_ENDS)


def _shown(text: str, num_chars: int) -> str:
    return _plain(text[: num_chars * 4])[:num_chars]


def _plain(text: str) -> str:
    """One line without what cannot be seen: control and direction characters, lone surrogates; joiners stay."""
    seen = (" " if letter.isspace() else letter for letter in text if _is_seen(letter))
    return " ".join("".join(seen).split())


def _is_seen(letter: str) -> bool:
    return letter.isspace() or letter in "\u200c\u200d" or unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co"}


_EXAMPLES = frozenset(example[1][2].casefold() for example in (_ENGLISH, _KOREAN))
