"""A small model that guesses for a large one: a chain of its likeliest tokens for each sequence. Loop thread only.

It has a context of its own, in which each of up to num_sequences sequences has a place. What a place holds is compared
with the sequence whenever a chain is asked for: cancelling, preemption, resumption and wrong guesses are all one to it,
a prefix that still fits and a rest that is computed again.
"""

from collections.abc import Sequence as SequenceOf

import numpy as np
import numpy.typing as npt

from bdchat.engine.model_runner import DecodeFailed, ModelRunner, NoKVSlot, Slice
from bdchat.engine.scheduling.sequence import Sequence

LogitsRows = npt.NDArray[np.float32]  # (num_sequences, n_vocab)

MAX_BEHIND = 512  # tokens that it reads for a trial: more would cost more than the trial may
READ_AT_ONCE = 256  # tokens in a step: the large model's streams wait for it
_FIRST_CHANCE = 0.7
_LEARNING = 0.08  # weight of the newest judgement
_SMOOTHING = 0.2  # of what a token of a chain takes
_TRIAL_DRAFTS = 4  # in a trial, which tells how well it guesses and what that takes
TRIAL_TOKENS = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 64, 8192  # steps without it before another trial; doubled each time it does not pay


class DraftModel:
    """Owns `runner`. `share`: of a step's time of the large model that one of this takes, until it is measured."""

    def __init__(self, runner: ModelRunner, *, share: float) -> None:
        self._runner = runner
        self._share = share
        self.num_sequences = runner.num_sequences
        self.chance = _FIRST_CHANCE  # that a token is right when all before it are
        self._token_ms: dict[int, float] = {}  # sequences → a further token for each of them
        self._places: dict[int, Sequence] = {}  # the last used is the last
        self._held: dict[int, list[int]] = {place: [] for place in range(runner.num_sequences)}
        self._num_trials_left = _TRIAL_DRAFTS
        self._pause = _FIRST_PAUSE
        self._num_steps_off = 0

    @property
    def decode_seconds(self) -> float:
        return self._runner.decode_seconds

    def chain_ms(self, num_sequences: int, length: int, *, base_ms: float) -> float:
        """`base_ms`: of the large model's step."""
        known = self._token_ms
        if not known:
            return length * self._share * base_ms
        return length * known[min(known, key=lambda n: (abs(n - num_sequences), n))]

    def num_behind(self, sequence: Sequence) -> int:
        """Tokens that it would have to read before it can guess."""
        place = self._place_of(sequence)
        return len(sequence.tokens) - (self._num_common(place, sequence) if place is not None else 0)

    def may_try(self, sequences: SequenceOf[Sequence]) -> bool:
        """At a step in which it does not pay by what is known: whether it is time to find out again."""
        if self._num_trials_left:
            return all(self.num_behind(sequence) <= MAX_BEHIND for sequence in sequences)
        self._num_steps_off += 1
        if self._num_steps_off >= self._pause:
            self._num_steps_off, self._num_trials_left = 0, _TRIAL_DRAFTS
            self._pause = min(_LONGEST_PAUSE, 2 * self._pause)
        return False

    def pays(self) -> None:
        """It was chosen by what is known: when it no longer is, it is soon tried again."""
        self._num_steps_off, self._pause = 0, _FIRST_PAUSE

    def judge(self, num_guessed: int, num_accepted: int) -> None:
        for place in range(min(num_guessed, num_accepted + 1)):
            self.chance += _LEARNING * ((place < num_accepted) - self.chance)
        self._num_trials_left = max(0, self._num_trials_left - 1)

    def guess(self, sequences: SequenceOf[Sequence], length: int) -> list[list[int]]:
        """`length` tokens for each; [] for all while it still reads what one of them has, or has no room for it."""
        nothing: list[list[int]] = [[] for _ in sequences]
        if any(len(sequence.tokens) + length > self._runner.info.n_ctx for sequence in sequences):
            return nothing
        try:
            places = [self._settle(sequence) for sequence in sequences]
            if not self._make_room(places, sequences, length) or not self._catch_up(places, sequences):
                return nothing
            return self._chain(places, sequences, length)
        except (NoKVSlot, DecodeFailed):
            self._clear()
            return nothing

    def close(self) -> None:
        self._runner.close()

    def _chain(self, places: SequenceOf[int], sequences: SequenceOf[Sequence], length: int) -> list[list[int]]:
        chains: list[list[int]] = [[] for _ in sequences]
        pending = [sequence.tokens[len(self._held[p]) :] for p, sequence in zip(places, sequences, strict=True)]
        for _ in range(length):
            before = self._runner.decode_seconds
            logits = self._decode(places, pending, num_outputs=1)
            pending = [[int(row.argmax())] for row in logits]
            for place, tokens in enumerate(pending):
                chains[place] += tokens
            taken_ms = 1000 * (self._runner.decode_seconds - before)
            known = self._token_ms.get(len(places), taken_ms)
            self._token_ms[len(places)] = known + _SMOOTHING * (taken_ms - known)
        return chains

    def _decode(self, places: SequenceOf[int], runs: SequenceOf[list[int]], *, num_outputs: int) -> LogitsRows:
        slices = [Slice(p, len(self._held[p]), run, num_outputs) for p, run in zip(places, runs, strict=True) if run]
        logits = self._runner.decode(slices)
        for place, run in zip(places, runs, strict=True):
            self._held[place] += run
        return logits

    def _catch_up(self, places: SequenceOf[int], sequences: SequenceOf[Sequence]) -> bool:
        """Whether what is left to read is short enough to be read with the chain."""
        behind = [len(s.tokens) - len(self._held[p]) for p, s in zip(places, sequences, strict=True)]
        if sum(behind) <= min(READ_AT_ONCE, self._runner.n_batch):
            return True
        room = min(READ_AT_ONCE, self._runner.n_batch)
        runs = []
        for place, sequence, num in zip(places, sequences, behind, strict=True):
            take = min(num - 1, room)
            room -= take
            runs.append(sequence.tokens[len(self._held[place]) : len(self._held[place]) + take])
        self._decode(places, runs, num_outputs=0)
        return False

    def _settle(self, sequence: Sequence) -> int:
        """The sequence's place, holding a prefix of its tokens and at most all but the last."""
        place = self._place_of(sequence)
        if place is None:
            free = [p for p in self._held if p not in self._places]
            place = free[0] if free else next(iter(self._places))
        num_common = min(self._num_common(place, sequence), len(sequence.tokens) - 1)
        self._places.pop(place, None)
        self._places[place] = sequence
        if num_common < len(self._held[place]):
            if not self._runner.truncate(place, num_common):
                num_common = 0
            del self._held[place][num_common:]
        return place

    def _make_room(self, places: SequenceOf[int], sequences: SequenceOf[Sequence], length: int) -> bool:
        need = sum(len(s.tokens) - len(self._held[p]) + length for p, s in zip(places, sequences, strict=True))
        for other in [p for p in self._held if p not in places and self._held[p]]:
            if sum(map(len, self._held.values())) + need <= self._runner.num_cells:
                break
            self._empty(other)
        return sum(map(len, self._held.values())) + need <= self._runner.num_cells

    def _place_of(self, sequence: Sequence) -> int | None:
        return next((place for place, held in self._places.items() if held is sequence), None)

    def _num_common(self, place: int, sequence: Sequence) -> int:
        held, tokens = self._held[place], sequence.tokens
        most = min(len(held), len(tokens))
        if held[:most] == tokens[:most]:
            return most
        return next(n for n in range(most) if held[n] != tokens[n])

    def _empty(self, place: int) -> None:
        self._runner.truncate(place, 0)
        self._held[place] = []
        self._places.pop(place, None)

    def _clear(self) -> None:
        for place in self._held:
            self._empty(place)
