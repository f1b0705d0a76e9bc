"""The waiting queue: order of admission, and who may pass whom. Pure; loop thread only.

First come first served, with two exceptions: a sequence whose prompt is being read by a running one right now waits
until it can share it, and one that does not fit yet lets up to LOOK_AHEAD others pass, but only MAX_PASSED_OVER times.
"""

from collections.abc import Iterator
from collections.abc import Sequence as SequenceOf

from bdchat.engine.kv.prefix_tree import num_common
from bdchat.engine.scheduling.sequence import Sequence

LOOK_AHEAD = 8
MAX_PASSED_OVER = 4
# Waiting for a neighbour's prompt pays from so many common tokens on; choices of one request share any number.
MIN_SHARED_TOKENS = 64
# And only while the neighbour has at least so many of them still to read.
MIN_GAIN_TOKENS = 4


class WaitingLine:
    """Owned by the scheduler."""

    def __init__(self) -> None:
        self._sequences: list[Sequence] = []

    def __len__(self) -> int:
        return len(self._sequences)

    def __iter__(self) -> Iterator[Sequence]:
        return iter(list(self._sequences))

    def append(self, sequence: Sequence) -> None:
        self._sequences.append(sequence)

    def put_first(self, sequence: Sequence) -> None:
        """A preempted sequence was here before everyone who waits."""
        self._sequences.insert(0, sequence)

    def remove(self, sequence: Sequence) -> None:
        self._sequences.remove(sequence)

    def candidates(self) -> list[Sequence]:
        """Those that may be admitted now, in order; nobody behind one that was passed over too often."""
        chosen: list[Sequence] = []
        for sequence in self._sequences[:LOOK_AHEAD]:
            chosen.append(sequence)
            if sequence.num_passed_over >= MAX_PASSED_OVER:
                break
        return chosen


def shares_running_prefill(waiting: Sequence, running: SequenceOf[Sequence], num_reusable: int) -> bool:
    """A running sequence is computing a prefix that `waiting` wants, and has not finished it: hold back, then share."""
    wanted = waiting.tokens[:-1]
    for other in running:
        if other.num_pending <= 1:
            continue
        sibling = other.request.request_id == waiting.request.request_id
        num_shared = num_common(other.tokens, wanted, 0)
        if num_shared < (MIN_GAIN_TOKENS if sibling else MIN_SHARED_TOKENS):
            continue
        if num_shared - max(num_reusable, other.num_computed_tokens) >= MIN_GAIN_TOKENS:
            return True
    return False
