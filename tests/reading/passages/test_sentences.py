import pytest

from bdchat.reading.passages.sentences import sentences


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("비가 온다. 우산이 있어요? 없어요. 그럼 갈까?", ["비가 온다.", "우산이 있어요?", "없어요.", "그럼 갈까?"]),
        ("비가 온다.그래서 집에 있다.", ["비가 온다.", "그래서 집에 있다."]),
        ("It rains. Take a coat! Do you have one? Yes…", ["It rains.", "Take a coat!", "Do you have one?", "Yes…"]),
        ("雨が降る。傘はある？「ない。」と言った。", ["雨が降る。", "傘はある？", "「ない。」と言った。"]),
    ],
)
def test_sentences_end_at_their_own_scripts_stops(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "The rate is 3.5 percent of 1,200.75 won.",
        "Dr. Kim met Mr. J. Park of Acme Inc. in Seoul.",
        "See No. 5 and Fig. 3 for details.",
        "Small models, e.g. Qwen, and others, i.e. Llama, run.",
        "행사는 2026. 3. 5. 오후에 열린다.",
        '그는 "비가 온다. 우산을 써라." 하고 말했다.',
        "그는 “간다. 온다.” 하고 말했다.",
        "환불(단, 7일 안. 그 뒤는 불가)은 쉽다.",
        "1. First of all",
        "Version 2.0. and so on",
    ],
)
def test_no_sentence_ends_within_numbers_abbreviations_dates_or_quotes(sentence: str) -> None:
    assert cut(sentence) == [sentence]


def test_a_quotation_mark_that_is_never_closed_holds_nothing_together() -> None:
    assert len(cut('He said "it rains. ' + "Then he went home. " * 40)) == 41


def test_no_ends_a_sentence_where_no_number_follows() -> None:
    assert cut("I said no. Then I left.") == ["I said no.", "Then I left."]
