"""Prompt and rules for a chat's title: what the model is asked, which of its answers is accepted. Pure.

What a chat is called until then: store/chats/first_words.py.
Made for the smallest models too: one example to imitate, one line to write, and nothing they say is trusted.
"""

import re
import unicodedata
from collections import Counter

from bdchat.engine.request import ChatMessage, FinishReason
from bdchat.store.chats.first_words import one_line
from bdchat.store.search.snippet import graphemes

MAX_TITLE_GRAPHEMES = 60  # a longer one is no title
MAX_TITLE_TOKENS = 24
QUESTION_CHARS, ANSWER_CHARS = 600, 300  # of each the model is shown
SCRIPT_SHARE = 0.15  # of the letters: a syllable is two or three of them, and names are often English
ANSWER_CHARS_READ = 40_000  # of an answer, in which a thought is looked for
LANGUAGE_CHARS = 2400  # of a text, by which its language is told

_LABEL = re.compile(
    r"^(?:the\s+)?(?:chat\s+|conversation\s+)?(?:title|subject|topic|name|제목|주제|대화\s*제목)\s*(?:is\b|은|는)?\s*[:：\-–—]\s*",
    re.IGNORECASE,
)
_THOUGHT_NAME = r"(?:[\w:]*think(?:ing)?(?::\w+)?|thought|reasoning|\|END_THINKING\|)"
_CLOSED_THOUGHT = re.compile(
    rf"^.*(?:[<\[]/{_THOUGHT_NAME}[>\]]|◁/think▷|<\|END_THINKING\|>)", re.DOTALL | re.IGNORECASE
)
_OPEN_THOUGHT = re.compile(rf"(?:[<\[]{_THOUGHT_NAME}[>\]]|◁think▷|<\|START_THINKING\|>).*$", re.DOTALL | re.IGNORECASE)
_CHANNEL = re.compile(r"^analysis(?=[A-Z]).*?(?:assistantfinal|$)", re.DOTALL)  # gpt-oss, without its control tokens
# How models think aloud where nothing marks it: not a title's words, unless the question has them.
_ALOUD = re.compile(
    r"\bthe user\b|\blet me\b|\blet's\b|\b(?:i|we) (?:need|should|have) to\b|\bi should\b|"
    r"^(?:okay|ok|alright|hmm)\b[,.]|사용자(?:가|는)",
    re.IGNORECASE,
)
_TAG = re.compile(r"(?:(?<!\w)<|<(?=/))(/?[A-Za-z][\w:-]*|\|[^<>]*\|)(?:\s+\w+=[^<>]*)?/?>|\[/?[A-Z_]{3,}\]")
_QUOTES = re.compile(r"[\"“”„‟«»「」『』`]|\*\*|(?<!\w)['‘’]|['‘’](?!\w)")
_WORD = re.compile(r"\w+")
_ECHO = re.compile(r"^(?:question|answer|assistant|user|질문|답|답변)\s*[:：]", re.IGNORECASE)
_WRAPPING = "\"'`*_#~“”‘’„«»「」『』《》 \t"
_BRACKETS = ("()", "[]", "{}", "<>")
_ENDS = ".。,，;；:：!！ "

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
    lines = [line.strip() for line in without_thought(said).splitlines()]
    titles = [(line, _bare(line, question)) for line in lines if not line.endswith((":", "："))]
    line, title = next(((line, title) for line, title in titles if title), ("", ""))
    if reason is FinishReason.LENGTH and [line] == lines[-1:]:
        return None  # cut off in the middle
    if _ECHO.match(title) or sum(letter.isalnum() for letter in title) < 2:
        return None
    if len(list(graphemes(title))) > MAX_TITLE_GRAPHEMES or title.casefold() in _EXAMPLES:
        return None
    if one_line(answer[: 4 * len(title)]).casefold().startswith(title.casefold()):
        return None
    if _repeats_the_order(title, question) or (_ALOUD.search(title) and not _ALOUD.search(question)):
        return None
    return title if _is_in_language_of(title, question[:LANGUAGE_CHARS]) else None


def is_korean(text: str) -> bool:
    return "HANGUL" in _scripts(text[:LANGUAGE_CHARS])


def without_thought(said: str) -> str:
    """All before a closing tag is one, also where the template has opened it, and all behind an open one."""
    return _OPEN_THOUGHT.sub("", _CLOSED_THOUGHT.sub("", _CHANNEL.sub("", said)))


def _scripts(text: str) -> set[str]:
    """Those that a share of its letters is written in, by Unicode's names."""
    counts = Counter(unicodedata.name(letter, "").split(" ")[0] for letter in text if letter.isalpha())
    return {script for script, count in counts.items() if count >= SCRIPT_SHARE * counts.total()}


def _is_in_language_of(title: str, question: str) -> bool:
    """As far as letters tell: a language is told by its scripts other than Latin, which every language has beside."""
    asked, named = _scripts(question), _scripts(title)
    if not asked:
        return True
    foreign = asked - {"LATIN"}
    if foreign & {"HIRAGANA", "KATAKANA"}:
        foreign |= {"HIRAGANA", "KATAKANA", "CJK"}
    return bool(named & foreign or not foreign) and named - {"LATIN"} <= foreign


def _repeats_the_order(title: str, question: str) -> bool:
    """Three words in a row of what the model was told, or nothing but its words; unless the question says so too."""
    named, asked = _words(title), _words(question[:LANGUAGE_CHARS])
    told_in_a_row = _runs(named) & (_ORDER_RUNS - _runs(asked))
    return bool(told_in_a_row) or (set(named) <= _ORDER_WORDS and not set(named) <= set(asked))


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _runs(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + 3]) for start in range(len(words) - 2)}


def _bare(line: str, question: str) -> str:
    """Tags that the question names keep their names."""
    title = _TAG.sub(lambda tag: (tag[1] or "") if tag[0] in question else " ", one_line(line))
    for _ in range(3):  # **Title: "…"**
        title = _LABEL.sub("", _unwrapped(title))
    return " ".join(_QUOTES.sub("", title).split()).strip(_WRAPPING).rstrip(_ENDS)


def _unwrapped(title: str) -> str:
    title = title.strip(_WRAPPING)
    return title[1:-1].strip(_WRAPPING) if title[:1] + title[-1:] in _BRACKETS else title


def _shown(text: str, num_chars: int) -> str:
    return one_line(text[: num_chars * 4])[:num_chars]


_EXAMPLES = frozenset(example[1][2].casefold() for example in (_ENGLISH, _KOREAN))
_ORDER_WORDS = frozenset(word for order in (_ENGLISH, _KOREAN) for word in _words(order[0])) | {"제목", "질문", "답"}
_ORDER_RUNS = _runs(_words(_ENGLISH[0])) | _runs(_words(_KOREAN[0]))
