"""What relevance counts of a text."""

from array import array

import pytest

from bdchat.store.documents.terms import COUNT_BITS, MAX_COUNT, asked_numbers, counted, number, terms_of


def _counts(terms: bytes) -> dict[int, int]:
    return {each >> COUNT_BITS: each & MAX_COUNT for each in array("I", terms)}


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("환불은 언제", ["환불", "불은", "언제"]),
        ("책 한 권", ["책", "한", "권"]),
        ("GPU서버를 Buy", ["gpu", "서버", "버를", "buy"]),
        ("2026년 3.5%", ["2026", "년", "3", "5"]),
        ("東京タワー", ["東京", "京タ", "タワ", "ワー"]),
        ("!?", []),
    ],
)
def test_terms_are_pairs_and_words_without_the_letter_that_ends_a_run(text: str, terms: list[str]) -> None:
    assert list(terms_of(text)) == terms


def test_what_stands_above_a_passage_counts_as_in_it() -> None:
    found = counted("환불 기한", heading="환불", header="금액")
    assert found.num_terms == 4
    assert _counts(found.terms) == {number("환불"): 2, number("기한"): 1, number("금액"): 1}


def test_a_term_counts_so_often_at_most_and_its_length_in_full() -> None:
    found = counted("환불 " * 1000)
    assert found.num_terms == 1000
    assert _counts(found.terms) == {number("환불"): MAX_COUNT}


def test_case_and_forms_are_no_difference_to_a_question() -> None:
    assert asked_numbers("환불 GPU 환불") == asked_numbers("ＧＰＵ 환불") == sorted([number("환불"), number("gpu")])


def test_english_is_compared_without_endings_and_asked_without_small_words() -> None:
    assert list(terms_of("insured insures insuring Policies policy stopped")) == ["insur"] * 3 + ["policy"] * 2 + [
        "stop"
    ]
    assert asked_numbers("How do I cancel the booking?") == sorted(map(number, ["cancel", "book"]))
    assert asked_numbers("what is it") == sorted(map(number, ["what", "is", "it"]))
