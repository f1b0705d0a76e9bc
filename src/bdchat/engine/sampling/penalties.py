"""Changes to a row of logits before sampling: bias, repetition, presence and frequency penalties. Pure numpy."""

from collections import deque
from collections.abc import Sequence
from typing import Self

import numpy as np

from bdchat.engine.model_runner import LogitsRow
from bdchat.engine.request import SamplingParams

BANNED, FORCED = -100.0, 100.0  # OpenAI: ±100 bans a token or makes it the only choice


class LogitBias:
    """Added to the logits; at the bounds a ban or an exclusive choice."""

    def __init__(self, logit_bias: dict[int, float]) -> None:
        ids = np.array(list(logit_bias), np.int64)
        values = np.array(list(logit_bias.values()), np.float32)
        self._banned = ids[values <= BANNED]
        self._forced = ids[values >= FORCED]
        is_added = (values > BANNED) & (values < FORCED)
        self._added, self._values = ids[is_added], values[is_added]

    def apply(self, row: LogitsRow) -> None:
        if len(self._forced):
            kept = row[self._forced]
            row.fill(-np.inf)
            row[self._forced] = kept
            return
        row[self._added] += self._values
        row[self._banned] = -np.inf


class Penalties:
    """Repeat penalty over prompt and output, or their last tokens; presence and frequency over the output alone."""

    def __init__(self, params: SamplingParams, prompt: Sequence[int]) -> None:
        self._repeat = np.float32(params.repeat_penalty)
        self._last_n = params.repeat_last_n if params.repeat_penalty != 1.0 else 0
        self._recent: deque[int] = deque()
        self._num_recent: dict[int, int] = {}  # token id → how often it is among the recent
        for token_id in prompt if self._last_n is None else prompt[-self._last_n :] if self._last_n else ():
            self._remember(token_id)
        self._presence = params.presence_penalty
        self._frequency = params.frequency_penalty
        self._place: dict[int, int] = {}  # token id → its index in the two arrays
        self._ids = np.zeros(256, np.int64)
        self._counts = np.zeros(256, np.float32)

    @classmethod
    def of(cls, params: SamplingParams, prompt: Sequence[int]) -> Self | None:
        """None when the parameters ask for none."""
        repeats = params.repeat_penalty != 1.0 and params.repeat_last_n != 0
        if repeats or params.presence_penalty != 0.0 or params.frequency_penalty != 0.0:
            return cls(params, prompt)
        return None

    def add(self, token_id: int) -> None:
        """One more generated token."""
        if self._last_n != 0:
            self._remember(token_id)
        if self._presence or self._frequency:
            self._count(token_id)

    def apply(self, row: LogitsRow) -> None:
        if self._num_recent:
            ids = np.fromiter(self._num_recent, np.int64, len(self._num_recent))
            values = row[ids]
            row[ids] = np.where(values > 0, values / self._repeat, values * self._repeat)
        num_seen = len(self._place)
        if num_seen:
            row[self._ids[:num_seen]] -= self._counts[:num_seen] * self._frequency + self._presence

    def _remember(self, token_id: int) -> None:
        self._num_recent[token_id] = self._num_recent.get(token_id, 0) + 1
        if self._last_n is None:
            return  # nothing is ever too old
        self._recent.append(token_id)
        if len(self._recent) > self._last_n:
            oldest = self._recent.popleft()
            self._num_recent[oldest] -= 1
            if not self._num_recent[oldest]:
                del self._num_recent[oldest]

    def _count(self, token_id: int) -> None:
        place = self._place.setdefault(token_id, len(self._place))
        if place == len(self._ids):
            self._ids = np.concatenate([self._ids, np.zeros_like(self._ids)])
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)])
        self._ids[place] = token_id
        self._counts[place] += 1
