"""Names that look like others': one script, nothing invisible, and skeletons in common."""

import pytest

from bdchat.store.accounts.lookalikes import TABLE, is_one_script, is_plainly_visible, skeletons, words
from confusables import table


@pytest.mark.parametrize(
    "name",
    [
        "admin",
        "ñandú",
        "김철수",
        "Kim철수",
        "金철수 3",
        "山田タロウ",
        "Taroたろう",
        "王小明 Wang",
        "Анна",
        "Ωμέγα",
        "עברית",
        "user_1",
    ],
)
def test_a_name_is_written_in_one_script(name: str) -> None:
    assert is_one_script(name)
    assert is_plainly_visible(name)


@pytest.mark.parametrize(
    "name",
    ["аdmin", "admіn", "김Анна", "Ωa", "Ꭺnn", "한글ひらがな", "𐌰nn", "1१", "१a", "שalom"],
)
def test_several_scripts_in_one_name_are_refused(name: str) -> None:
    assert not is_one_script(name)


@pytest.mark.parametrize(
    "text",
    [
        "an\u200bn",
        "an\u200dn",
        "an\u00adn",
        "\u202eann",
        "\u2066ann\u2069",
        "\u3164\u3164",  # Hangul fillers: letters that nobody sees
        "\u115f\u1160",
        "ann\ufe0f",
        "ann\U000e0041",
        "ann\n",
        "a" + "\u0301" * 5,
        "e\u0301" + "\u0300" * 4,
        "ann\ue000",
    ],
)
def test_what_is_not_seen_or_piles_up_is_found(text: str) -> None:
    assert not is_plainly_visible(text)


@pytest.mark.parametrize("text", ["👩‍👩‍👧 Ann", "👍🏽", "❤️ 사랑", "می‌خواهم", "क्‍ष", "Việt Nam", "tiếng", "שָׁלוֹם"])
def test_what_joins_emoji_and_joined_scripts_is_no_trick(text: str) -> None:
    assert is_plainly_visible(text)


def test_words_may_be_of_a_script_each() -> None:
    assert words("Анна (Anna) 3") == ["Анна", "Anna", "3"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice", "AIice"),
        ("alice", "a1ice"),
        ("alice", "аІісе"),  # Cyrillic throughout
        ("paypa", "раура"),
        ("coco", "сосо"),
        ("tom", "torn"),
        ("bob", "b0b"),
        ("OO", "00"),
        ("ΑΒΒΑ", "ABBA"),
    ],
)
def test_what_looks_alike_has_a_skeleton_in_common(one: str, other: str) -> None:
    assert skeletons(one) & skeletons(other)
    assert skeletons(other) & skeletons(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ann", "anna"), ("ali", "all"), ("김철수", "김철호"), ("나", "너"), ("으", "이"), ("user1", "user2"), ("é", "e")],
)
def test_what_looks_different_has_none(one: str, other: str) -> None:
    assert not skeletons(one) & skeletons(other)


def test_the_table_is_what_the_locked_package_says() -> None:
    """Else: .venv/bin/python scripts/confusables.py"""
    assert TABLE.read_text("utf-8") == table()
