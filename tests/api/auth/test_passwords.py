"""Hashing, and what is taken as a password."""

import asyncio
import unicodedata
from collections.abc import Iterator
from contextlib import closing

import pytest
from argon2 import PasswordHasher, extract_parameters

from bdchat.api.auth.passwords import NOBODYS_HASH, WEAKNESSES, Passwords, weakness_of
from bdchat.api.http.errors import TooManyAttempts
from tests.api.serving import PASSWORD, PASSWORD_HASH

pytestmark = pytest.mark.anyio


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_a_hash_is_argon2id_at_owasps_floor_and_salted(passwords: Passwords) -> None:
    first, second = await passwords.hash(PASSWORD), await passwords.hash(PASSWORD)
    assert first != second
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(first, PASSWORD)
    assert not await passwords.verify(first, PASSWORD + " ")


async def test_hangul_is_one_password_however_the_keyboard_writes_it(passwords: Passwords) -> None:
    composed = "한국어 비밀 문장"
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    assert await passwords.verify(await passwords.hash(composed), decomposed)


async def test_nobodys_password_costs_as_much_as_somebodys(passwords: Passwords) -> None:
    assert not await passwords.verify(None, PASSWORD)
    assert passwords.num_hashings == 1
    assert extract_parameters(NOBODYS_HASH) == extract_parameters(await passwords.hash(PASSWORD))


async def test_no_password_verifies_what_is_no_hash(passwords: Passwords) -> None:
    for stored in ("", "!", "x", PASSWORD):
        assert not await passwords.verify(stored, stored)


async def test_a_hash_with_smaller_parameters_is_outdated(passwords: Passwords) -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    assert passwords.is_outdated(weaker)
    assert not passwords.is_outdated(PASSWORD_HASH)


async def test_a_crowd_is_sent_away_before_it_waits_for_minutes() -> None:
    with closing(Passwords(max_waiting=2)) as passwords:
        crowd = [asyncio.create_task(passwords.verify(None, "x")) for _ in range(5)]
        outcomes = await asyncio.gather(*crowd, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes].count(TooManyAttempts) == 3
        assert passwords.num_hashings == 2
        assert not await passwords.verify(None, "x")  # there is room again


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("short7x", "8 to 256"),
        ("x7-" * 86, "8 to 256"),
        ("password123", "anybody"),
        ("kim.younghee", "name"),
        ("Kim.YoungHee", "name"),
    ],
)
def test_a_weak_password_is_told_why(password: str, word: str) -> None:
    weakness = weakness_of(password, "kim.younghee")
    assert weakness is not None
    assert word in WEAKNESSES[weakness]


@pytest.mark.parametrize("password", [PASSWORD, "한국어 비밀 문장", "walrus7- " * 28])
def test_any_composition_is_welcome(password: str) -> None:
    assert weakness_of(password, "ann") is None
