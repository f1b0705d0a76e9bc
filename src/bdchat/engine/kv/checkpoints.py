"""Checkpoints: what a sequence that can't be cut back is taken back to. Loop thread only; knows tokens, never text.

Recurrent layers keep one state for all tokens before it, a sliding window the last cells only. Whoever regenerates an
answer, edits a message or sends an answer back in other tokens would have its whole chat read again. So a copy of that
state is kept at the ends of messages, where chats branch, and every EVERY_TOKENS between. A copy stands for tokens, not
for a sequence: every sequence that begins with the same tokens may be taken back to it.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from bdchat.engine.kv.prefix_index import as_key

# What has to be read again at most where a chat is changed within a long message.
EVERY_TOKENS = 512
# Of a prompt that is read: at its last messages' ends the next turn, a regenerated or an edited one parts from it.
MAX_MESSAGE_ENDS = 4
NEAR_TOKENS = 16  # what a template puts between the last message and its answer
RAM_SHARE = 4  # they may take a quarter of what the RAM tier may, beside it


@dataclass(frozen=True, slots=True)
class Checkpoint:
    num_tokens: int
    key: bytes  # of the tokens before it
    state: bytes
    tag: str = ""  # whose stored conversation it is of


class Checkpoints:
    """Invariant: num_bytes == the sum of what is kept <= max_bytes. The least recently used one goes first."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.num_bytes = 0
        self._kept: OrderedDict[bytes, Checkpoint] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def has(self, tokens: Sequence[int]) -> bool:
        """One behind all of `tokens`."""
        return _key(tokens) in self._kept

    def keep(self, tokens: Sequence[int], state: bytes, *, tag: str = "") -> bool:
        """`state` is of a sequence that holds exactly `tokens`. False: it is too large."""
        if len(state) > self.max_bytes:
            return False
        key = _key(tokens)
        self._drop(key)
        while self.num_bytes + len(state) > self.max_bytes:
            self._drop(next(iter(self._kept)))
        self._kept[key] = Checkpoint(len(tokens), key, state, tag)
        self.num_bytes += len(state)
        return True

    def best(self, tokens: Sequence[int] | bytes, most: int) -> Checkpoint | None:
        """The longest one within the first `most` of `tokens`, or of the tokens whose key it is."""
        lengths = sorted({kept.num_tokens for kept in self._kept.values() if kept.num_tokens <= most}, reverse=True)
        data = np.frombuffer(as_key(tokens), np.int32)[:most]
        for length in lengths:
            if (found := self._kept.get(_key(data[:length]))) is not None:
                return found
        return None

    def touch(self, checkpoint: Checkpoint) -> None:
        if checkpoint.key in self._kept:
            self._kept.move_to_end(checkpoint.key)

    def forget(self, tag: str) -> None:
        for kept in [kept for kept in self._kept.values() if kept.tag == tag]:
            self._drop(kept.key)

    def trim(self, num_bytes: int) -> bool:
        """One goes where they take more. False: they do not."""
        if self.num_bytes <= num_bytes:
            return False
        self._drop(next(iter(self._kept)))
        return True

    def _drop(self, key: bytes) -> None:
        if (kept := self._kept.pop(key, None)) is not None:
            self.num_bytes -= len(kept.state)


def checkpoints_ahead(tokens: Sequence[int], start: int, is_message_end: Callable[[int], bool]) -> list[int]:
    """Where the reading of a prompt pauses for a checkpoint when it goes on from `start`: numbers of tokens, ascending,
    each below len(tokens). Behind the last messages' ends and every EVERY_TOKENS; also before the last token, where no
    message ends near it."""
    ends = [place + 1 for place in range(start, len(tokens) - 1) if is_message_end(tokens[place])]
    if len(tokens) - 1 > start and (not ends or len(tokens) - ends[-1] > NEAR_TOKENS):
        ends.append(len(tokens) - 1)
    steps = range(start - start % EVERY_TOKENS + EVERY_TOKENS, len(tokens), EVERY_TOKENS)
    return sorted({*ends[-MAX_MESSAGE_ENDS:], *steps})


def until_next(places: Iterable[int], at: int) -> int | None:
    """Tokens from `at` to the next of the places; None: there is none behind it."""
    return min((place - at for place in places if place > at), default=None)


def _key(tokens: Sequence[int] | npt.NDArray[np.int32]) -> bytes:
    return blake2b(np.asarray(tokens, np.int32).tobytes(), digest_size=16).digest()
