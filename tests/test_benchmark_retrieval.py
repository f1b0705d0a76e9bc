"""The questions over passages that the bench asks; and how many of them words alone answer, so that a change of terms
that loses some is seen before anybody measures."""

import statistics

import pytest

from bdchat.store.documents.lexical import ScopeTerms
from bdchat.store.documents.terms import counted
from benchmark.retrieval import Question, SetPassage, read_set, recalls

LEAST = {"ko": {1: 0.70, 3: 0.83, 5: 0.93}, "en": {1: 0.63, 3: 0.86, 5: 0.91}}  # measured: a question more of each


@pytest.fixture(scope="module")
def asked() -> tuple[list[SetPassage], list[Question]]:
    return read_set()


def test_the_set_is_large_and_each_question_has_one_answer(asked: tuple[list[SetPassage], list[Question]]) -> None:
    passages, questions = asked
    assert len(passages) >= 500
    assert [sum(each.language == language for each in questions) for language in ("ko", "en")] == [60, 60]
    assert len({question.place(passages) for question in questions}) >= 115
    assert statistics.mean(len(each.text) for each in passages) > 80


@pytest.mark.parametrize("language", ["ko", "en"])
def test_words_alone_answer_no_fewer_questions_than_before(
    asked: tuple[list[SetPassage], list[Question]], language: str
) -> None:
    passages, questions = asked
    packed = [counted(each.text, each.heading) for each in passages]
    terms = ScopeTerms.of([(at, each.num_terms, each.terms) for at, each in enumerate(packed)])
    ranks = []
    for question in questions:
        if question.language == language:
            scores = terms.relevance(question.text).scores
            right = question.place(passages)
            ranks.append(int((scores > scores[right]).sum()) if scores[right] else len(passages))
    found = recalls(ranks)
    assert {rank: share for rank, share in found.items() if share < LEAST[language].get(rank, 0.0)} == {}
