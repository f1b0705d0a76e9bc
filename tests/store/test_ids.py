"""Ids sort as they were made."""

import time
import uuid

from bdchat.store.ids import new_id, now_ms


def test_ids_of_one_millisecond_keep_their_order() -> None:
    made: list[str] = []
    for _ in range(200):
        made.append(new_id())
        began = time.perf_counter_ns()
        while time.perf_counter_ns() - began < 2_000:  # a row takes longer
            pass
    assert made == sorted(made)
    assert len(set(made)) == 200


def test_an_id_is_a_uuid_of_its_time() -> None:
    before = now_ms()
    made = uuid.UUID(new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= now_ms()
