"""The batch of one step: next tokens, drafted tokens behind them, prompt chunks. Loop thread only.

Bounds of a batch: tokens, outputs, the step's time. Whether the cells suffice is the scheduler's affair.
"""

from typing import NamedTuple

from bdchat.engine.model_runner import KVLayout, ModelRunner, Slice
from bdchat.engine.request import Event
from bdchat.engine.scheduling.drafts import CheckedDraft, Drafts
from bdchat.engine.scheduling.pace.prompt_pace import PromptPace
from bdchat.engine.scheduling.pace.shares import share_budget
from bdchat.engine.scheduling.pace.step_shape import StepPiece
from bdchat.engine.scheduling.sequence import Sequence

REPEATABLE_CHUNK = 256  # prompt tokens; also the pause of those that run beside it


class Part(NamedTuple):
    """One sequence's place in a step: `num_tokens` of its own, then guessed ones, which it does not hold yet."""

    sequence: Sequence
    num_tokens: int
    draft: CheckedDraft = CheckedDraft()

    @property
    def num_outputs(self) -> int:
        """Rows of logits that it wants: behind each of its tokens, behind its last ones, or none yet."""
        sequence, end = self.sequence, self.sequence.num_computed_tokens + self.num_tokens
        if sequence.wants_prompt_logprobs and sequence.num_computed_tokens < sequence.num_prompt_tokens:
            return self.num_tokens
        return 1 + len(self.draft.tokens) if end == len(sequence.tokens) else 0

    def as_piece(self) -> StepPiece:
        num_tokens = self.num_tokens + len(self.draft.tokens)
        return StepPiece(self.sequence.seq_id or 0, self.sequence.num_computed_tokens, num_tokens, self.num_outputs)

    def as_slice(self) -> Slice:
        sequence, start = self.sequence, self.sequence.num_computed_tokens
        assert sequence.seq_id is not None
        tokens = [*sequence.tokens[start : start + self.num_tokens], *self.draft.tokens]
        return Slice(sequence.seq_id, start, tokens, self.num_outputs, is_repeatable=sequence.is_deterministic)


class Sampled(NamedTuple):
    """What came of one part's logits."""

    events: list[Event]
    num_tokens: int  # chosen
    num_accepted: int  # of the part's draft, from its beginning


class RepeatablePlan:
    """A deterministic sequence's own step. What is computed together decides how sums are rounded: so it is cut at the
    same positions whatever else runs, and what was generated is computed token by token, also when it is all there
    already (after a preemption or a crash)."""

    def __init__(self, runner: ModelRunner, sequence: Sequence) -> None:
        self._sequence = sequence
        at, num_prompt = sequence.num_computed_tokens, sequence.num_prompt_tokens
        chunk = min(REPEATABLE_CHUNK, runner.n_batch)
        if sequence.wants_prompt_logprobs:
            chunk = min(chunk, runner.n_outputs_max)
        self.num_tokens = min(chunk - at % chunk, num_prompt - at) if at < num_prompt else 1

    def shrink(self, num_free_cells: int) -> bool:
        return False

    def parts(self) -> list[Part]:
        return [Part(self._sequence, self.num_tokens)]


class StepPlan:
    """`decoding` and `reading` are the running sequences; `chunks` says what each that reads gets, by its place."""

    def __init__(
        self,
        runner: ModelRunner,
        pace: PromptPace,
        running: list[Sequence],
        *,
        drafts: Drafts,
        now: float,
        num_used_cells: int,
    ) -> None:
        self._runner = runner
        self.decoding: list[Sequence] = []
        self.reading: list[Sequence] = []
        for sequence in running:
            (self.decoding if sequence.is_decoding else self.reading).append(sequence)
        self.chunks, self._order, rests = pace.plan(self.decoding, self.reading, now=now, num_used_cells=num_used_cells)
        if rests:
            self.decoding = []
        self.chunks = [_but_the_last(s, n) for s, n in zip(self.reading, self.chunks, strict=True)]
        # beside prompts that are read a step is full of work already
        self.drafts = [] if self.reading else drafts.plan(self.decoding, pace.cost, promises=pace.promises)

    @property
    def num_tokens(self) -> int:
        return len(self.decoding) + sum(self.chunks) + self._num_drafted

    def shrink(self, num_free_cells: int) -> bool:
        """To what fits: no guess, shorter chunks. False: not even every next token fits."""
        if self._num_drafted:
            self.drafts = []
            return True
        room = num_free_cells - len(self.decoding)
        if room <= 0 or sum(self.chunks) <= room:
            return False
        self.chunks = share_budget(self.chunks, room, order=self._order)
        return True

    def parts(self) -> list[Part]:
        """In the order of the streams where there are any: logits that came in another one would be copied, 200 kB a
        sequence."""
        drafts = self.drafts or [CheckedDraft()] * len(self.decoding)
        decodes = [Part(s, 1, draft) for s, draft in zip(self.decoding, drafts, strict=True)]
        parts = decodes + [Part(s, n) for s, n in zip(self.reading, self.chunks, strict=True) if n]
        if self._runner.layout is KVLayout.STREAMS:
            parts.sort(key=lambda part: part.sequence.seq_id or 0)
        return parts

    @property
    def _num_drafted(self) -> int:
        return sum(len(draft.tokens) for draft in self.drafts)


def _but_the_last(sequence: Sequence, num_tokens: int) -> int:
    """Of a chunk. The last token of a prompt whose caller named a seed is computed by itself, as it is where the rest
    is found in the cache: kernels give other last bits for a batch, and the draw may fall to another token."""
    is_whole = 1 < num_tokens == sequence.num_pending
    return num_tokens - 1 if is_whole and sequence.request.is_seeded else num_tokens
