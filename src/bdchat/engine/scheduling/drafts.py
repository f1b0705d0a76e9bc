"""Which guessed tokens the next step checks, and what came of those it has. Owned by the scheduler; loop thread only.

A wrong guess is cut off again, which only dense cells allow anywhere. What is guessed comes from drafting/; whether it
pays is reckoned from what steps take and from how often guesses of its kind were right.
"""

from collections.abc import Sequence as SequenceOf
from typing import NamedTuple

from bdchat.engine.drafting.guess import Guess, GuessSource
from bdchat.engine.drafting.lengths import Chance, Lengths, equal_lengths, free_lengths
from bdchat.engine.drafting.recent_answers import RecentAnswers
from bdchat.engine.metrics import Counts
from bdchat.engine.model_runner import KVLayout, MemoryClass, ModelRunner
from bdchat.engine.scheduling.policy import MAX_STRETCH, StepCost
from bdchat.engine.scheduling.sequence import Sequence

# Guesses are checked beside so many other streams at most: with more a step is full of work already, and looking for
# them is not free either.
MAX_STREAMS = 5


class CheckedDraft(NamedTuple):
    """What of a guess a step checks behind a sequence's own token."""

    tokens: SequenceOf[int] = ()
    num_guessed: int = 0  # the rest fills up, so that sequences that share a pass are equally long
    source: GuessSource = GuessSource.TEXT


class Drafts:
    def __init__(self, runner: ModelRunner, counts: Counts, *, max_tokens: int, memory_tokens: int = 0) -> None:
        """`max_tokens`: of a sequence in a step, 0 = nothing is guessed; `memory_tokens`: of recent answers."""
        self._runner = runner
        self._counts = counts
        self._max_tokens = max_tokens if runner.memory_class is MemoryClass.DENSE else 0
        self.recent = RecentAnswers(memory_tokens if self._max_tokens else 0)

    def plan(self, decoding: SequenceOf[Sequence], cost: StepCost, *, target_ms: float) -> list[CheckedDraft]:
        """One for each of them."""
        nothing = [CheckedDraft()] * len(decoding)
        if not self._max_tokens or not 0 < len(decoding) <= MAX_STREAMS:
            return nothing
        rooms = [min(self._max_tokens, sequence.num_to_go - 1) for sequence in decoding]
        guesses = [sequence.guess_next(room) for sequence, room in zip(decoding, rooms, strict=True)]
        if not any(guess.tokens for guess in guesses):
            return nothing
        lengths = self._lengths(guesses, rooms, cost, target_ms)
        return [
            _draft(sequence, guess, length)
            for sequence, guess, length in zip(decoding, guesses, lengths.of_each, strict=True)
        ]

    def take_note(self, draft: CheckedDraft, num_accepted: int) -> None:
        """Of its tokens, what fills up counted in, so many were right."""
        num_accepted = min(num_accepted, draft.num_guessed)
        self._counts.num_tokens_drafted += draft.num_guessed
        self._counts.num_tokens_accepted += num_accepted
        if draft.source is GuessSource.RECENT:
            self._counts.num_recent_tokens_drafted += draft.num_guessed
            self._counts.num_recent_tokens_accepted += num_accepted

    def remember(self, sequence: Sequence) -> None:
        """An answer that has ended. Who shares nothing with other requests leaves nothing to them either."""
        request = sequence.request
        if request.cache_prompt and not request.is_deterministic:
            self.recent.remember(request.account, request.cache_tag, sequence.tokens[sequence.num_prompt_tokens :])

    def _lengths(self, guesses: SequenceOf[Guess], rooms: SequenceOf[int], cost: StepCost, target_ms: float) -> Lengths:
        num_sequences = len(guesses)
        most = min(self._runner.n_outputs_max, self._runner.n_batch) - num_sequences
        # llama.cpp computes streams of unlike lengths in passes of their own: [5, 1, 1, 1] takes twice [1, 1, 1, 1].
        is_equal = self._runner.layout is KVLayout.STREAMS and num_sequences > 1
        if is_equal:
            most = min(most, num_sequences * min(rooms))
        choose = equal_lengths if is_equal else free_lengths
        return choose(
            [Chance(guess.chance, len(guess.tokens)) for guess in guesses],
            most=most,
            step_ms=lambda num_drafted: cost.check_ms(num_sequences, num_drafted),
            # who comes or cancels waits for the step's end
            limit_ms=max(target_ms, MAX_STRETCH * cost.base_ms(num_sequences)),
        )


def _draft(sequence: Sequence, guess: Guess, length: int) -> CheckedDraft:
    guessed = guess.tokens[:length]
    filling = [sequence.tokens[-1]] * (length - len(guessed))
    return CheckedDraft([*guessed, *filling], len(guessed), guess.source)
