"""Private-use marks in texts, and what is shown in their places."""

import pytest

from bdchat.store.transfer.programs.marks import matched_marks, resolved, unescaped, without_directives

CITE = "\ue200cite\ue202turn0search3\ue202turn0search8\ue201"


@pytest.mark.parametrize(
    ("text", "expected", "num_unknown"),
    [
        (f"a {CITE} b", "a b", 1),
        (f"a{CITE}.", "a.", 1),
        ('by \ue200entity\ue202["people", "Ann Example", 0]\ue201.', "by Ann Example.", 0),
        ('\ue200product_entity\ue202["turn0product1","Lamp"]\ue201', "Lamp", 0),
        ("\ue200url\ue202a page\ue202https://example.org\ue201", "[a page](https://example.org)", 0),
        ("\ue200navlist\ue202Further reading\ue202turn0news1,turn0news2\ue201", "Further reading", 0),
        ('\ue200image_group\ue202{"query":["a cat","a dog"]}\ue201', "[image: a cat, a dog]", 0),
        ("\ue200genui\ue202{broken\ue201 end", " end", 1),
        ("\ue203cited\ue204 text\ue206", "cited text", 0),
        ("a【4:0†source】 b 【주】", "a b 【주】", 1),
        ("half \ue200cite\ue202turn0", "half", 1),
        ("no marks: † \uf8ff", "no marks: † \uf8ff", 0),
    ],
)
def test_a_mark_becomes_what_it_names_or_nothing(text: str, expected: str, num_unknown: int) -> None:
    assert resolved(text) == (expected, num_unknown)


def test_what_the_file_says_of_a_mark_stands_in_its_place() -> None:
    assert resolved(f"a {CITE}", {CITE: "([x](y))"}) == ("a ([x](y))", 0)
    assert resolved(f"a{CITE}b", {CITE: ""}) == ("ab", 0)
    assert list(matched_marks(f" {CITE}{CITE}")) == [CITE, CITE]
    sources = {"turn0search0": "([x](y))"}
    assert resolved(unescaped("a\\ue202turn0search0 b \ue202turn1news0"), sources=sources) == ("a ([x](y)) b", 1)


def test_marks_without_end_are_read_once() -> None:
    text, _ = resolved("\ue200cite\ue202" * 100_000 + "【1†" * 100_000)
    assert "cite" in text


def test_directives_of_chatgpt_go_and_what_stands_between_them_stays() -> None:
    draft = (
        'Here:\n\n:::writing{variant="email" subject="Hi"}\nDear Ann,\n:::\nDone. :contentReference[oaicite:0]{index=0}'
    )
    assert without_directives(draft) == ("Here:\n\nDear Ann,\nDone.", 1)
    own = "::: warning\ntext\n:::\n"
    assert without_directives(own) == (own, 0)
