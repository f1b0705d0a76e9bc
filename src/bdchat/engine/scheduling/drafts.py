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
from bdchat.engine.scheduling.draft_model import TRIAL_TOKENS, DraftModel
from bdchat.engine.scheduling.pace.promises import Promises
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.sequence import Sequence

# Guesses are checked beside so many other streams at most: with more a step is full of work already, and looking for
# them is not free either.
MAX_STREAMS = 5
EXPECTED_TOKENS = 128  # still to come of an answer, for what reading its prompt may cost a draft model


class CheckedDraft(NamedTuple):
    """What of a guess a step checks behind a sequence's own token."""

    tokens: SequenceOf[int] = ()
    num_guessed: int = 0  # the rest fills up, so that sequences that share a pass are equally long
    source: GuessSource = GuessSource.TEXT


class _Bounds(NamedTuple):
    """Of what a step may check."""

    rooms: SequenceOf[int]  # tokens of each sequence
    cost: StepCost
    promises: Promises


class Drafts:
    def __init__(self, runner: ModelRunner, counts: Counts, *, max_tokens: int, memory_tokens: int = 0) -> None:
        """`max_tokens`: of a sequence in a step, 0 = nothing is guessed; `memory_tokens`: of recent answers."""
        self._runner = runner
        self._counts = counts
        self._max_tokens = max_tokens if runner.memory_class is MemoryClass.DENSE else 0
        self.recent = RecentAnswers(memory_tokens if self._max_tokens else 0)
        self._model: DraftModel | None = None

    @property
    def decode_seconds(self) -> float:
        """Of the draft model."""
        return self._model.decode_seconds if self._model is not None else 0.0

    def guess_by(self, model: DraftModel | None) -> None:
        self._model = model

    def plan(self, decoding: SequenceOf[Sequence], cost: StepCost, *, promises: Promises) -> list[CheckedDraft]:
        """One for each of them."""
        nothing = [CheckedDraft()] * len(decoding)
        if not self._max_tokens or not 0 < len(decoding) <= MAX_STREAMS:
            return nothing
        if any(sequence.request.is_seeded for sequence in decoding):  # whether a guess pays is not the same each time
            return nothing
        rooms = [min(self._max_tokens, sequence.num_to_go - 1) for sequence in decoding]
        bounds = _Bounds(rooms, cost, promises)
        guesses = [sequence.guess_next(room) for sequence, room in zip(decoding, rooms, strict=True)]
        lengths = self._lengths(guesses, bounds)
        if self._model is not None and len(decoding) <= self._model.num_sequences:
            guesses, lengths = self._with_model(self._model, decoding, guesses, lengths, bounds)
        if not any(lengths.of_each):
            return nothing
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
        if draft.source is GuessSource.MODEL and self._model is not None:
            self._counts.num_model_tokens_drafted += draft.num_guessed
            self._counts.num_model_tokens_accepted += num_accepted
            self._model.judge(draft.num_guessed, num_accepted)

    def remember(self, sequence: Sequence) -> None:
        """An answer that has ended. Who shares nothing with other requests leaves nothing to them either."""
        request = sequence.request
        if request.shares_cache:
            self.recent.remember(request.account, request.cache_tag, sequence.tokens[sequence.num_prompt_tokens :])

    def _with_model(
        self,
        model: DraftModel,
        decoding: SequenceOf[Sequence],
        guesses: list[Guess],
        lengths: Lengths,
        bounds: _Bounds,
    ) -> tuple[list[Guess], Lengths]:
        """What the draft model guesses where that is better than what was looked up, and than nothing."""
        num_outputs = min(self._runner.n_outputs_max, self._runner.n_batch)
        most = min(self._max_tokens, num_outputs // len(decoding) - 1, *bounds.rooms)
        if most < 1:
            return guesses, lengths
        hoped = [Guess([0] * most, model.chance, GuessSource.MODEL)] * len(decoding)
        by_model = self._lengths(hoped, bounds, model)
        if by_model.gain > lengths.gain and self._pays_to_read(model, decoding, by_model.gain, bounds.cost):
            length = max(by_model.of_each)
            model.pays()
        elif not any(lengths.of_each) and model.may_try(decoding):
            length = min(TRIAL_TOKENS, most)
        else:
            return guesses, lengths
        chains = model.guess(decoding, length)
        if not any(chains):
            return guesses, lengths
        drafted = [
            Guess(sequence.allowed(chain), model.chance, GuessSource.MODEL)
            for sequence, chain in zip(decoding, chains, strict=True)
        ]
        return drafted, Lengths([length] * len(decoding), by_model.gain)

    def _pays_to_read(self, model: DraftModel, decoding: SequenceOf[Sequence], gain: float, cost: StepCost) -> bool:
        """What the draft model has yet to read takes less than what its guesses are expected to save."""
        base_ms = cost.base_ms(len(decoding))
        share = model.chain_ms(len(decoding), 1, base_ms=base_ms) / max(base_ms, 1e-6)
        reading_ms = share * cost.prefill_ms(sum(map(model.num_behind, decoding)))
        num_to_come = min(EXPECTED_TOKENS, *(sequence.num_to_go for sequence in decoding))
        return reading_ms < (1 - 1 / gain) * base_ms * num_to_come

    def _lengths(
        self,
        guesses: SequenceOf[Guess],
        bounds: _Bounds,
        model: DraftModel | None = None,
    ) -> Lengths:
        """With `model` its time for them counts too."""
        num_sequences = len(guesses)
        most = min(self._runner.n_outputs_max, self._runner.n_batch) - num_sequences
        # llama.cpp computes streams of unlike lengths in passes of their own: [5, 1, 1, 1] takes twice [1, 1, 1, 1].
        is_equal = self._runner.layout is KVLayout.STREAMS and num_sequences > 1
        if is_equal:
            most = min(most, num_sequences * min(bounds.rooms))
        choose = equal_lengths if is_equal or model is not None else free_lengths
        base_ms = bounds.cost.base_ms(num_sequences)

        def step_ms(num_drafted: int) -> float:
            check_ms = bounds.cost.check_ms(num_sequences, num_drafted)
            if model is None:
                return check_ms
            return check_ms + model.chain_ms(num_sequences, num_drafted // num_sequences, base_ms=base_ms)

        return choose(
            [Chance(guess.chance, len(guess.tokens)) for guess in guesses],
            most=most,
            step_ms=step_ms,
            # who comes or cancels waits for the step's end
            limit_ms=bounds.promises.step_ms(base_ms),
        )


def _draft(sequence: Sequence, guess: Guess, length: int) -> CheckedDraft:
    guessed = guess.tokens[:length]
    filling = [sequence.tokens[-1]] * (length - len(guessed))
    return CheckedDraft([*guessed, *filling], len(guessed), guess.source)
