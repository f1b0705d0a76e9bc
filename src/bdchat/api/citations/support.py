"""Whether a sentence that cites a passage has anything of it, and which of the passage's sentences it is. Pure.

A word check, no judgement: a sentence that shares no content word with what it cites is unsupported; one that does may
still be wrong. Hangul is compared in pairs of syllables of stems, everything else in words without their endings. What
cannot be compared (a Korean passage cited in an English sentence) is not called unsupported.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from bdchat.store.search.hangul import fold, runs, stem

MAX_SENTENCE_CHARS = 2000  # of one without an end, as much before its mark is read
MAX_PASSAGE_CHARS = 40_000

# A sentence's end: its sign with closing quotes and brackets and the marks behind it, or a line's.
_END = re.compile(
    r"""(?<![.!?…。！？])(?:[.!?…。！？]++["'”’)\]】」』]*(?=\s|$|\[\d|【\d)(?:[ \t]*[\[【][\d,，、; ]+[\]】])*)|\n+"""
)
_MARK = re.compile(r"[\[［【][\d,，、;\s]+[\]］】]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
# Verbs' endings that every Korean sentence has.
_VERB_ENDING = re.compile(
    r"(?<=[가-힣])(?:(?:이|하|되|있|없|했|됐|었|았|였|겠)?(?:습니다|니다|어요|아요|에요|예요|세요|는다|다)|합니다|입니다|"
    r"됩니다|하였다|되었다|하는|되는|있는|없는|하고|되고|하여|되어|해야|하며|되며|한다|된다|이다)$"
)
_ENGLISH_ENDING = re.compile(r"(?<=[a-z]{3})(?:ings?|ed|es|s|'s)$")
_ENGLISH_STOP_WORDS = """
a an the and or but if then than so as at by for from in into of on onto to with without within over under about is are
was were be been being am do does did done has have had having can could may might must shall should will would not no
nor it its this that these those there here they them their her we our us you your i me my which who whom
whose what when where why how all any each every some such only also very more most other another according document
documents passage passages file page text section answer question state says said say stated mention mentioned based
information provided given following above below
"""
_KOREAN_STOP_STEMS = """
그 이 저 것 이것 그것 저것 네 예 아니요 아니오 그렇 합 입 됩 한다 된다 수 등 및 또 더 때 중 위 안 내 각 있 없 하 되
그리고 그러나 하지만 따라서 또한 대한 대해 대하여 통해 위해 경우 문서 구절 내용 질문 답변 따르면 의하면 있습 없습 합니
입니 됩니 니다 습니
"""
_STOP_WORDS = frozenset(_ENGLISH_STOP_WORDS.split())
_PERSON = re.compile(r"s?h[e]|h[i][sm]")
_STOP_STEMS = frozenset(_KOREAN_STOP_STEMS.split())


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    start: int
    end: int


def sentence_at(text: str, position: int) -> Sentence:
    """The sentence that a mark at `position` belongs to: the one that it stands in or behind."""
    low = max(0, position - MAX_SENTENCE_CHARS)
    found = [each for each in sentences(text[low : position + MAX_SENTENCE_CHARS]) if each.start <= position - low]
    if not found:
        return Sentence("", position, position)
    last = found[-1]
    return Sentence(last.text, low + last.start, low + last.end)


def sentences(text: str) -> list[Sentence]:
    """Marks behind a sentence's end belong to it."""
    found: list[Sentence] = []
    at = 0
    for end in [*(match.end() for match in _END.finditer(text)), len(text)]:
        piece = text[at:end]
        if piece.strip():
            start = at + len(piece) - len(piece.lstrip())
            found.append(Sentence(piece.strip(), start, start + len(piece.strip())))
        at = end
    return found


@lru_cache(maxsize=256)
def content_terms(text: str) -> frozenset[str]:
    """What a text says, to be compared with another."""
    terms: set[str] = set()
    for word in content_words(text):
        if _HANGUL.search(word):
            pairs = [word[at : at + 2] for at in range(len(word) - 1)] or [word]
            terms.update(pair for pair in pairs if pair not in _STOP_STEMS)
        else:
            terms.add(word)
    return frozenset(terms)


def content_words(text: str) -> set[str]:
    """Folded, without endings and particles."""
    words: set[str] = set()
    for run in runs(fold(_MARK.sub(" ", text[:MAX_PASSAGE_CHARS]))):
        if run.is_unspaced:
            word = stem(_VERB_ENDING.sub("", run.text), is_loose=True)
            if not {word, run.text} & _STOP_STEMS:
                words.add(word)
        else:
            word = _ENGLISH_ENDING.sub("", run.text)
            is_empty = {word, run.text} & _STOP_WORDS or _PERSON.fullmatch(run.text)
            if not is_empty and (len(word) > 1 or word.isdigit()):
                words.add(word)
    return words


def is_supported(sentence: str, passage: str) -> bool:
    said, written = content_terms(sentence), content_terms(passage)
    if not said or said & written:
        return True
    comparable = {_script(term) for term in said} & {_script(term) for term in written}
    return not comparable or (comparable == {"digits"} and len({_script(term) for term in said}) > 1)


def quote_of(sentence: str, passage: str) -> Sentence:
    """The passage's sentence that has most of it, all of the passage where none has any."""
    said = content_terms(sentence)
    best, most = Sentence(passage, 0, len(passage)), 0.0
    for each in sentences(passage[:MAX_PASSAGE_CHARS]):
        terms = content_terms(each.text)
        share = len(said & terms) / (len(terms) + 4) ** 0.5 if terms else 0.0
        if share > most:
            best, most = each, share
    return best


def _script(term: str) -> str:
    if term.isdigit():
        return "digits"
    return "hangul" if _HANGUL.search(term) else "words"
