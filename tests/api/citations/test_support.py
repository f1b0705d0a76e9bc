import pytest

from bdchat.api.citations.cited import citations_of
from bdchat.api.citations.passage import PromptPassage
from bdchat.api.citations.support import content_terms, is_supported, quote_of, sentence_at

LEASE = (
    "제3조 임대차 기간은 2년으로 한다. 임차인은 매월 말일에 차임 500,000원을 지급한다.\n"
    "보증금은 계약이 끝나면 반환한다."
)
ENGLISH = "The tenant pays rent on the last day of each month. The deposit is returned when the contract ends."


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("차임은 매월 말일에 지급합니다 [1].", LEASE),
        ("보증금을 돌려받습니다 [1].", LEASE),
        ("Rents are paid monthly [1].", ENGLISH),
        ("The deposits [1]", ENGLISH),
        ("네, 그렇습니다 [1].", LEASE),  # says nothing of its own
        ("[1]", ENGLISH),
        ("The tenant gets it back [1].", LEASE),  # another language: not comparable
    ],
)
def test_supported(sentence: str, passage: str) -> None:
    assert is_supported(sentence, passage)


@pytest.mark.parametrize(
    ("sentence", "passage"),
    [
        ("고양이는 하루에 열두 시간을 잡니다 [1].", LEASE),
        ("Cats sleep twelve hours [1].", ENGLISH),
        ("This is stated in the document and it is about volcanoes [1].", ENGLISH),
        ("문서에 따르면 화산은 뜨겁습니다 [1].", LEASE),
    ],
)
def test_unsupported(sentence: str, passage: str) -> None:
    assert not is_supported(sentence, passage)


def test_endings_and_particles_say_nothing() -> None:
    assert content_terms("이것은 있습니다. 그리고 합니다.") == frozenset()
    assert content_terms("What is this? It is that which they were.") == frozenset()
    assert content_terms("보증금을") == content_terms("보증금은") == {"보증", "증금"}


def test_a_mark_belongs_to_the_sentence_it_stands_in_or_behind() -> None:
    text = "The rent is 3.5 million. [1] The deposit is 10 [2][3]. Nothing else.\n보증금은 없다. [2]"
    assert sentence_at(text, text.index("[1]")).text == "The rent is 3.5 million. [1]"
    assert sentence_at(text, text.index("[3]")).text == "The deposit is 10 [2][3]."
    assert sentence_at(text, text.rindex("[2]")).text == "보증금은 없다. [2]"


def test_the_quote_is_the_sentence_that_was_used() -> None:
    assert (
        quote_of("차임은 매월 말일에 지급합니다 [1].", LEASE).text == "임차인은 매월 말일에 차임 500,000원을 지급한다."
    )
    assert quote_of("The deposit comes back", ENGLISH).text == "The deposit is returned when the contract ends."
    nothing = quote_of("volcanoes", ENGLISH)
    assert (nothing.start, nothing.end) == (0, len(ENGLISH))


def test_citations_name_their_passage_and_its_place_on_the_page() -> None:
    passages = {
        number: PromptPassage(number=number, document_id="d", document_name="lease.pdf", text=text, start=100, end=400)
        for number, text in ((1, LEASE), (2, ENGLISH))
    }
    first, second = citations_of("보증금은 반환됩니다 [1]. Volcanoes are hot [2]. And [3].", passages)
    assert first.is_supported
    assert not second.is_supported
    start, end = first.page_span
    assert LEASE[start - 100 : end - 100] == "보증금은 계약이 끝나면 반환한다."
