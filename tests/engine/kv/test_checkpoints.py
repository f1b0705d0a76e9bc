"""What is kept of states that can't be cut back, and where a prompt pauses for it."""

from bdchat.engine.kv.checkpoints import EVERY_TOKENS, MAX_MESSAGE_ENDS, Checkpoints, checkpoints_ahead, until_next

END = 9


def test_the_longest_one_within_a_common_beginning_is_found() -> None:
    kept = Checkpoints(100)
    for length in (4, 8, 12):
        assert kept.keep(list(range(length)), b"s" * 10)
    prompt = [*range(10), 99]
    found = kept.best(prompt, 10)
    assert found is not None
    assert found.num_tokens == 8
    assert kept.best(prompt, 3) is None
    assert kept.best([5, *range(1, 12)], 12) is None  # other tokens, the same number of them
    assert kept.has(list(range(12)))
    assert not kept.has(list(range(11)))


def test_they_stay_within_their_bytes_and_what_was_used_stays_longest() -> None:
    kept = Checkpoints(30)
    for length in (1, 2, 3):
        kept.keep(list(range(length)), b"s" * 10)
    first = kept.best([0, 5], 1)
    assert first is not None
    kept.touch(first)
    kept.keep(list(range(4)), b"s" * 10)
    assert (kept.num_bytes, len(kept)) == (30, 3)
    assert kept.has([0])
    assert not kept.has([0, 1])
    assert not kept.keep([7], b"s" * 31)
    kept.keep([0], b"t" * 10)  # the same tokens again take no more room
    assert kept.num_bytes == 30
    assert kept.trim(20)
    assert not kept.trim(20)
    assert kept.num_bytes == 20


def test_a_deleted_chats_are_forgotten() -> None:
    kept = Checkpoints(100)
    kept.keep([1], b"s", tag="chat")
    kept.keep([2], b"s", tag="other")
    kept.forget("chat")
    assert (len(kept), kept.num_bytes) == (1, 1)
    assert kept.has([2])


def test_a_prompt_pauses_behind_its_last_messages() -> None:
    message = [1] * 5 + [END]
    prompt = message * 7 + [2, 3]
    ends = [6 * n for n in range(1, 8)]
    assert checkpoints_ahead(prompt, 0, lambda token: token == END) == ends[-MAX_MESSAGE_ENDS:]
    assert checkpoints_ahead(prompt, 40, lambda token: token == END) == [42]
    assert checkpoints_ahead(prompt, 42, lambda token: token == END) == [43]  # nothing ends behind: before the last


def test_a_long_message_has_some_between_and_none_is_behind_the_last_token() -> None:
    prompt = [1] * (2 * EVERY_TOKENS + 30)
    assert checkpoints_ahead(prompt, 0, lambda _: False) == [EVERY_TOKENS, 2 * EVERY_TOKENS, len(prompt) - 1]
    assert checkpoints_ahead([1] * EVERY_TOKENS, 0, lambda _: False) == [EVERY_TOKENS - 1]
    assert checkpoints_ahead([1, END], 0, lambda token: token == END) == [1]
    assert checkpoints_ahead([1], 0, lambda _: True) == []


def test_until_the_next_pause() -> None:
    assert until_next([3, 7], 3) == 4
    assert until_next([3, 7], 7) is None
