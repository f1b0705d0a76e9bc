"""How much of which prompt the next step reads, and whether batch answers sit it out. Owned by the scheduler.

Interactive prompts come first. Where nobody watches the running answers, they stand back for one: every second step
reads alone, so that batch answers still get on. llama.cpp computes neighbouring streams in one pass: a prompt that lies
between two busy ones and sits a step out would cut their pass in two, while one token of it rides along.
"""

from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from typing import NamedTuple

from bdchat.engine.model_runner import KVLayout, ModelRunner
from bdchat.engine.request import Priority
from bdchat.engine.scheduling.pace.promises import Promises, ReadingCost, unwatched_budget, watched_budget
from bdchat.engine.scheduling.pace.shares import ReadingPrompt, reading_order, share_budget
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.pace.step_shape import TILE_ROWS, StepPiece, StepShape
from bdchat.engine.scheduling.sequence import Sequence

OUTSIDE_SHARE = 0.02  # of a step, for what is not the model's own time: sampling, text, frames


class PromptReading(NamedTuple):
    chunks: list[int]  # prompt tokens of each that reads
    order: list[int]  # of their places, who gives up last first
    rests: bool  # running answers wait a step


NOTHING = PromptReading([], [], rests=False)


class PromptPace:
    def __init__(
        self, runner: ModelRunner, cost: StepCost, promises: Promises, *, served: Callable[[str], int]
    ) -> None:
        """`served`: by user, what it was charged."""
        self._served = served
        self.cost = cost
        self.promises = promises
        self._n_batch = runner.n_batch
        self._n_outputs_max = runner.n_outputs_max
        self._is_streams = runner.layout is KVLayout.STREAMS
        self._sees_whole_pool = not self._is_streams and not runner.info.flash_attention
        self._has_rested = False

    def shape_of(self, pieces: SequenceOf[StepPiece], num_used_cells: int) -> StepShape:
        num_pool_cells = num_used_cells if self._sees_whole_pool else 0
        return StepShape.of(
            pieces, is_streams=self._is_streams, num_pool_cells=num_pool_cells, row_weight=self.cost.row_weight
        )

    def plan(
        self,
        decoding: SequenceOf[Sequence],
        reading: SequenceOf[Sequence],
        *,
        now: float,
        num_used_cells: int,
    ) -> PromptReading:
        has_rested, self._has_rested = self._has_rested, False
        if not reading:
            return NOTHING
        prompts = self._prompts(reading, now)
        order = reading_order(prompts, token_ms=self.cost.token_ms)
        first = order[0]
        is_watched = any(_is_interactive(s) for s in decoding) or any(
            s.num_generated and _is_interactive(s) for s in reading
        )
        is_urgent = prompts[first].is_interactive
        rests = self._has_rested = bool(decoding) and is_urgent and not is_watched and not has_rested
        beside = [] if rests else decoding
        wanted = self._wanted(reading, num_decodes=len(beside))
        riding = self._riding(beside, reading, first)
        decodes = [StepPiece(s.seq_id or 0, s.num_computed_tokens, 1, 1) for s in beside]

        def chunks_of(budget: int) -> list[int]:
            return share_budget(wanted, budget, order=order, at_least=riding)

        def step_ms(budget: int) -> float:
            chunks = chunks_of(budget)
            pieces = [*decodes, *(_piece(s, n) for s, n in zip(reading, chunks, strict=True) if n)]
            if self._is_streams:
                pieces.sort()
            return self.cost.shape_ms(self.shape_of(pieces, num_used_cells), len(decodes))

        def alone_ms(num_tokens: int) -> float:
            piece = StepPiece(0, reading[first].num_computed_tokens, num_tokens, 0)
            return self.cost.shape_ms(self.shape_of([piece], num_used_cells), 0)

        most = min(self._n_batch - len(beside), sum(wanted))
        cost = ReadingCost(step_ms, alone_ms, self.cost.pass_ms, self.cost.token_ms, self.cost.margin + OUTSIDE_SHARE)
        if is_watched:
            tile = self._tile_budget(riding, first) if wanted[first] > TILE_ROWS else None
            budget = watched_budget(self.promises, cost, most, tile)
        else:
            budget = unwatched_budget(self.promises, cost, most, wanted[first] if is_urgent else None)
        return PromptReading(chunks_of(budget), order, rests)

    def _tile_budget(self, riding: SequenceOf[int] | None, first: int) -> int | None:
        """Of a step in which the first prompt's tokens look at their cells together; None: that makes no difference."""
        if self.cost.row_weight == 1.0:
            return None
        return TILE_ROWS + 1 + (sum(riding) - riding[first] if riding is not None else 0)

    def _prompts(self, reading: SequenceOf[Sequence], now: float) -> list[ReadingPrompt]:
        under_way: Counter[str] = Counter()
        for sequence in reading:
            under_way[sequence.request.user] += sequence.num_charged_tokens - (sequence.num_cached_tokens or 0)
        return [
            ReadingPrompt(
                s.num_pending,
                0.0 if s.admitted_at is None else now - s.admitted_at,
                _is_interactive(s),
                self._served(s.request.user) - under_way[s.request.user],
            )
            for s in reading
        ]

    def usual_chunk(self, num_decodes: int) -> int:
        """Prompt tokens of a step beside so many watched answers, while enough of them wait."""
        most = self._n_batch - num_decodes
        cost = ReadingCost(
            lambda num_tokens: self.cost.step_ms(num_decodes, num_tokens),
            lambda num_tokens: self.cost.step_ms(0, num_tokens),
            self.cost.pass_ms,
            self.cost.token_ms,
            self.cost.margin + OUTSIDE_SHARE,
        )
        budget = watched_budget if num_decodes else unwatched_budget
        return budget(self.promises, cost, most)

    def _wanted(self, reading: SequenceOf[Sequence], *, num_decodes: int) -> list[int]:
        """What is left of each prompt; where each of its tokens wants its logits, as many as a step can give."""
        wanted = [s.num_readable for s in reading]
        num_outputs_left = self._n_outputs_max - num_decodes - len(reading)
        for place, sequence in enumerate(reading):
            if sequence.wants_prompt_logprobs and sequence.num_computed_tokens < sequence.num_prompt_tokens:
                wanted[place] = min(wanted[place], max(1, num_outputs_left))
                num_outputs_left -= wanted[place]
        return wanted

    def _riding(
        self, decoding: SequenceOf[Sequence], reading: SequenceOf[Sequence], first: int
    ) -> SequenceOf[int] | None:
        """One token of each prompt that lies between those that are busy anyway."""
        if not self._is_streams or not decoding:
            return None
        busy = [s.seq_id or 0 for s in (*decoding, reading[first])]
        least, most = min(busy), max(busy)
        return [int(least < (s.seq_id or 0) < most) for s in reading]


def _is_interactive(sequence: Sequence) -> bool:
    return sequence.request.priority is Priority.INTERACTIVE


def _piece(sequence: Sequence, num_tokens: int) -> StepPiece:
    if sequence.wants_prompt_logprobs and sequence.num_computed_tokens < sequence.num_prompt_tokens:
        num_outputs = num_tokens
    else:
        num_outputs = int(num_tokens == sequence.num_pending)
    return StepPiece(sequence.seq_id or 0, sequence.num_computed_tokens, num_tokens, num_outputs)
