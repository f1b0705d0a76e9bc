"""Attempts: a sliding window per name, counted before they are made, in bounded memory."""

import pytest

from bdchat.api.auth.attempts import MAX_NAMES, Attempts
from bdchat.api.http.errors import TooManyAttempts


def test_the_window_slides() -> None:
    now = [0.0]
    attempts = Attempts(2, window_s=60, clock=lambda: now[0])
    attempts.take("ann")
    now[0] = 20.0
    attempts.take("ann")
    with pytest.raises(TooManyAttempts) as refused:
        attempts.take("ann")
    assert refused.value.retry_after_s == 40.0
    attempts.take("bob")
    now[0] = 60.0
    attempts.take("ann")
    assert attempts.left_s("ann") == 20.0


def test_what_is_given_back_was_never_counted() -> None:
    attempts = Attempts(1, clock=lambda: 0.0)
    for _ in range(5):
        attempts.take("ann")
        attempts.give_back("ann")
    attempts.give_back("nobody")
    assert len(attempts) == 0


def test_a_flood_of_new_names_pushes_out_itself() -> None:
    """The longest untried was forgotten first: 20,000 made-up names gave somebody ten guesses at an account anew."""
    attempts = Attempts(3, clock=lambda: 0.0)
    for _ in range(3):
        attempts.take("ann")
    attempts.take("bob")
    attempts.take("bob")
    for number in range(2 * MAX_NAMES):
        attempts.take(f"made up {number}")
    assert len(attempts) == MAX_NAMES
    assert attempts.left_s("ann") is not None
    attempts.take("bob")
    assert attempts.left_s("bob") is not None
