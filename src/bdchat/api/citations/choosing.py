"""Which passages a question brings into its chat, and in which order. Pure.

What the prompt shows already is not shown again: a follow-up adds what is new, at the end. The order is that of the
documents and not that of the scores, so that the same passages are the same bytes whoever asks.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bdchat.api.citations.passage import PromptPassage
from bdchat.api.citations.support import content_words

ANSWER_SHARE = 8  # of the context is kept free for the answer: 1/8
PASSAGE_SHARE = 16  # of the context is a passage with what stands around it
FREE_SHARE = 3  # of what is free, one question may bring a third
FEW_WORDS = 3  # content words: a question with fewer hardly says what it is about


@dataclass(frozen=True, slots=True)
class Offer:
    """What a question may bring along: a file as a whole (all its pages) or one passage. `num_tokens`: as it would
    stand in the prompt, exactly."""

    passages: tuple[PromptPassage, ...]
    num_tokens: int


@dataclass(frozen=True, slots=True)
class PassageKey:
    """By which a passage is known again: what it says and where. Texts that requests bring along have no id."""

    document_id: str
    page: int
    start: int
    text: str

    @classmethod
    def of(cls, passage: PromptPassage) -> "PassageKey":
        return cls(passage.document_id, passage.page, passage.start, passage.text)


def shown_keys(passages: Collection[PromptPassage]) -> set[PassageKey]:
    return {PassageKey.of(passage) for passage in passages}


def whole_documents(passages: Collection[PromptPassage]) -> set[str]:
    return {passage.document_id for passage in passages if passage.is_whole}


def chosen(wholes: Sequence[Offer], hits: Sequence[Offer], budget: int) -> tuple[PromptPassage, ...]:
    """As many as `budget` tokens allow: whole files first, then the hits, the best first; one that is too long does not
    keep out shorter ones behind it."""
    taken: list[PromptPassage] = []
    left = budget
    for offer in wholes:
        if offer.num_tokens <= left:
            taken += offer.passages
            left -= offer.num_tokens
    there = whole_documents(taken)
    for offer in hits:
        if offer.num_tokens <= left and not any(passage.document_id in there for passage in offer.passages):
            taken += offer.passages
            left -= offer.num_tokens
    return tuple(sorted(taken, key=_place))


def free_tokens(*, n_ctx: int, num_used: int) -> int:
    """Tokens of the context beside the conversation and the answer; below 0 where there are none."""
    return n_ctx - num_used - n_ctx // ANSWER_SHARE


def budget_of(*, n_ctx: int, num_free: int, share: float, may_drop: bool) -> int:
    """Tokens for what a question brings along. `num_free`: of the context, beside the conversation and the answer.

    A third of what is free, so that the next questions find room too before anything of the conversation must go, and
    with it the cached beginning; at least a passage, while one fits. When none does, the oldest turns may go."""
    most = int(n_ctx * share)
    least = min(most, n_ctx // PASSAGE_SHARE)
    if num_free >= least:
        return min(most, max(least, num_free // FREE_SHARE))
    return most // 2 if may_drop else max(0, num_free)


def query_of(question: str, before: str) -> str:
    """What is searched: the question, and where it is too short to stand alone, the one before it too."""
    return f"{question}\n{before}" if before and len(content_words(question)) < FEW_WORDS else question


def _place(passage: PromptPassage) -> tuple[bool, str, str, int, int]:
    return not passage.is_whole, passage.document_name, passage.document_id, passage.page, passage.start
