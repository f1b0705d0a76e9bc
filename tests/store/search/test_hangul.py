"""Terms are the same for what is stored and what is asked."""

import random
import unicodedata

import pytest

from bdchat.store.search.hangul import MAX_PIECE_CHARS, MAX_WORD_LENGTH, PIECE_CHARS, fold, index_terms, pieces, stem


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("환불은 언제", ["환불", "불은", "은", "언제", "제"]),
        ("GPU서버를 Buy", ["gpu", "서버", "버를", "를", "buy"]),
        ("東京タワー", ["東京", "京タ", "タワ", "ワー", "ー"]),
        ("2026년 3.5%", ["2026", "년", "3", "5"]),
        ("snake_case, e-mail!", ["snake", "case", "e", "mail"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("", []),
    ],
)
def test_unspaced_scripts_become_pairs_and_others_words(text: str, terms: list[str]) -> None:
    assert index_terms(text) == terms


@pytest.mark.parametrize("text", ["환불은", "ｶﾞﾗｽ Ｆｕｌｌ", "Café Straße", "각색", "ﬁne"])
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_forms_case_and_accents_are_no_difference(text: str, form: str) -> None:
    other = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    assert index_terms(other) == index_terms(text)
    assert fold(other.upper()) == fold(text)


def test_a_long_word_is_found_by_its_beginning() -> None:
    assert index_terms("a" * 100_000) == ["a" * MAX_WORD_LENGTH]


def test_terms_hold_letters_and_digits_alone() -> None:
    everything = "".join(map(chr, [*range(0x250), *range(0x2000, 0x2FFF), *range(0xE000, 0xE100)]))
    joined = "".join(index_terms(everything))
    assert not set(joined) & set("\"'*&|!():<>\\_%^ -+{}\x00\ue000")


@pytest.mark.parametrize(
    ("word", "clear", "loose"),
    [
        ("환불은", "환불", "환불"),
        ("서버를", "서버", "서버"),
        ("서버에서는", "서버", "서버"),
        ("고양이", "고양이", "고양"),
        ("제주도", "제주도", "제주"),
        ("마을", "마을", "마을"),
        ("환불는", "환불는", "환불는"),  # no Korean would: 는 follows a vowel
        ("東京は", "東京は", "東京は"),
    ],
)
def test_a_particle_is_left_out_where_it_clearly_is_one(word: str, clear: str, loose: str) -> None:
    assert (stem(word, is_loose=False), stem(word, is_loose=True)) == (clear, loose)


@pytest.mark.parametrize("seed", range(200))
def test_a_text_in_pieces_has_the_terms_of_the_whole(seed: int) -> None:
    rng = random.Random(seed)
    alphabet = "abcXYZ é한글조합가각ﬁ½ \n.,_-=<\u0338\u0301\u1100\u1161\u11a8東京ダ。、！\u3099ｶﾞ\u20d2ς\u0345\u0941भा"
    text = "".join(rng.choices(alphabet, k=3 * PIECE_CHARS))
    parts = list(pieces(text))
    assert len(parts) > 1
    assert "".join(parts) == text
    assert [term for part in parts for term in index_terms(part)] == index_terms(text)


def test_a_text_without_a_sign_is_cut_too() -> None:
    assert [len(part) for part in pieces("가" * (2 * MAX_PIECE_CHARS + 1))] == [MAX_PIECE_CHARS, MAX_PIECE_CHARS, 1]
