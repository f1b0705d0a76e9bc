"""Passwords that anybody would try first."""

import random
import string

import pytest

from bdchat.api.auth.obvious_passwords import is_obvious


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "Password1!",
        "P@ssw0rd123",
        "admin1234!",
        "bdchat2026!",
        "sunshine77",
        "dragonmonkey",  # two words
        "iloveyou",
        "liverpoo",  # cut off at eight
        "12345678",
        "123456789a",
        "87654321",
        "147258369",  # down the number pad
        "qwer1234",
        "1q2w3e4r",
        "!QAZ2wsx",
        "zaq12wsx",
        "a1b2c3d4",
        "abcdefgh",
        "abcdabcd",
        "12121212",
        "aaaaaaab",
        "20261122",
        "22.11.2026",
        "1998-03-04",
        "dkssudgktpdy",  # 안녕하세요
        "rkskekfk",
        "michael1985",
    ],
)
def test_what_anybody_would_try_is_found(password: str) -> None:
    assert is_obvious(password)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "purple monkey dishwasher",
        "mJ7#kd02",
        "tr0ub4dor&3",
        "강아지는 새벽에 짖는다",
        "vK9-xPq2",
    ],
)
def test_what_took_a_thought_is_not(password: str) -> None:
    assert not is_obvious(password)


def test_random_ones_are_hardly_ever_refused() -> None:
    letters = string.ascii_letters + string.digits
    chosen = random.Random(1)
    refused = sum(is_obvious("".join(chosen.choices(letters, k=12))) for _ in range(2000))
    assert refused < 5


def test_the_longest_is_looked_at_quickly_enough_to_be_asked_for() -> None:
    """Quadratic in nothing but words: a password of 256 characters is split at most 256 times."""
    assert not is_obvious("x7" * 30 + "hello " * 32)
