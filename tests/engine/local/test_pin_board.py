"""What is pinned in an engine, over all lives of its process."""

import pytest

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.inspection import PinState
from bdchat.engine.local.pin_board import MAX_DEATHS, PinBoard
from bdchat.engine.pins import MAX_ID_CHARS, MAX_PINS, MAX_PROMPT_CHARS


def test_a_new_process_hears_of_all_and_tells_what_became_of_them() -> None:
    board = PinBoard()
    board.put("a", "first")
    board.put("b", "second")
    kept = PinState(pin_id="a", state="kept", num_tokens=3)
    board.take((kept, PinState(pin_id="gone", state="kept")))
    assert board.states() == (kept, PinState(pin_id="b"))
    board.note_death(is_suspect=False)
    assert [pin.pin_id for pin in board.for_a_new_process()] == ["a", "b"]
    assert {state.state for state in board.states()} == {"waiting"}


def test_a_pin_of_other_words_has_not_been_read() -> None:
    board = PinBoard()
    board.put("a", "first")
    board.take((PinState(pin_id="a", state="kept"),))
    board.put("a", "second")
    assert board.states() == (PinState(pin_id="a"),)


def test_a_pin_whose_reading_ends_the_process_is_not_read_for_ever() -> None:
    board = PinBoard()
    board.put("killer", "x")
    board.put("good", "y")
    for _ in range(MAX_DEATHS):
        board.take((PinState(pin_id="good", state="kept"),))
        board.note_death(is_suspect=True)
    assert [pin.pin_id for pin in board.for_a_new_process()] == ["good"]
    assert [state.state for state in board.states()] == ["refused", "waiting"]
    board.put("killer", "other words")
    assert len(list(board.for_a_new_process())) == 2


@pytest.mark.parametrize(
    ("pin_id", "system_prompt", "param"),
    [
        ("", "x", "pin_id"),
        ("i" * (MAX_ID_CHARS + 1), "x", "pin_id"),
        ("a", " \n", "system_prompt"),
        ("a", "x" * (MAX_PROMPT_CHARS + 1), "system_prompt"),
        ("a", "\ud800", "system_prompt"),
    ],
)
def test_bounds(pin_id: str, system_prompt: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        PinBoard().put(pin_id, system_prompt)
    assert caught.value.param == param


def test_so_many_can_be_pinned() -> None:
    board = PinBoard()
    for number in range(MAX_PINS):
        board.put(str(number), "x")
    board.put("0", "in its place")
    with pytest.raises(InvalidRequest):
        board.put("more", "x")
