"""Inspects the scheduler between two steps: its sequences, and how much of a prompt is cached. Loop thread only."""

from typing import Literal

from bdchat.engine.inspection import PromptSurvey, SequenceState
from bdchat.engine.kv.lookup import Reach
from bdchat.engine.kv.prefix_tree import num_common
from bdchat.engine.scheduling.fairness.waiting import MIN_GAIN_TOKENS, MIN_SHARED_TOKENS
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.scheduling.sequence import Sequence


def survey(scheduler: Scheduler, tokens: list[int], *, may_be_respelled: bool = True) -> PromptSurvey:
    """What the prompt would find if it were sent now. Loop thread only."""
    kv_cache = scheduler.kv_cache
    if may_be_respelled:
        tokens = kv_cache.spelled_as_cached(tokens)
    reach = Reach(0, 0, 0) if scheduler.is_deterministic else kv_cache.reach(tokens)
    num_soon = 0 if scheduler.is_deterministic else _num_read_by_then(scheduler, tokens, reach.num_on_disk)
    if num_soon > reach.num_on_disk:
        reach = Reach(num_soon, num_soon, num_soon)
    num_new = len(tokens) - reach.num_on_disk
    return PromptSurvey(
        num_prompt_tokens=len(tokens),
        num_resident=reach.num_resident,
        num_in_ram=reach.num_in_ram,
        num_on_disk=reach.num_on_disk,
        prefill_ms=round(scheduler.cost.prefill_ms(num_new, depth=reach.num_on_disk), 1),
        num_waiting=scheduler.num_waiting,
    )


def _num_read_by_then(scheduler: Scheduler, tokens: list[int], num_reusable: int) -> int:
    """Leading tokens that requests before it are going to read: it waits until it can share them (fairness/waiting.py),
    or waits for a place anyway."""
    running, waiting = scheduler.sequences()
    wanted = tokens[:-1]
    shared = [num_common(other.tokens, wanted, 0) for other in (*running, *waiting) if other.num_pending > 1]
    most = max((num for num in shared if num >= MIN_SHARED_TOKENS), default=0)
    is_next = scheduler.num_free_places > 0 and not waiting
    return most if most - num_reusable >= (MIN_GAIN_TOKENS if is_next else 1) else 0


def inspect(scheduler: Scheduler, now: float) -> tuple[SequenceState, ...]:
    """Running ones, waiting ones in order, idle cells. `now`: by the scheduler's clock, seconds. Loop thread only."""
    scheduler.estimates.look(now)
    running, waiting = scheduler.sequences()
    cells = {seq_id: (num_cells, num_own) for seq_id, num_cells, num_own in scheduler.kv_cache.holdings()}
    told = scheduler.estimates.eta_ms
    states = [_state(s, now, told(s, now), cells.pop(s.seq_id)) for s in running if s.seq_id is not None]
    states += [_state(s, now, told(s, now), queue_position=place) for place, s in enumerate(waiting, 1)]
    states += [SequenceState(state="idle", num_cells=total, num_own_cells=own) for total, own in cells.values()]
    return tuple(states)


def _state(
    sequence: Sequence,
    now: float,
    eta_ms: int | None,
    cells: tuple[int, int] = (0, 0),
    queue_position: int | None = None,
) -> SequenceState:
    return SequenceState(
        state=_what_it_does(sequence),
        request_id=sequence.request.request_id,
        index=sequence.index,
        user=sequence.request.user,
        priority=sequence.request.priority,
        queue_position=queue_position,
        eta_ms=eta_ms,
        num_prompt_tokens=sequence.num_prompt_tokens,
        num_cached_tokens=sequence.num_cached_tokens or 0,
        num_cached_from_ram=sequence.num_cached_from_ram,
        num_cached_from_disk=sequence.num_cached_from_disk,
        num_computed_tokens=sequence.num_computed_tokens,
        num_completion_tokens=sequence.num_generated,
        num_cells=cells[0],
        num_own_cells=cells[1],
        num_preemptions=sequence.num_preemptions,
        age_ms=max(0, round((now - sequence.arrived_at) * 1000)),
    )


def _what_it_does(sequence: Sequence) -> Literal["waiting", "reading", "writing", "paused"]:
    if sequence.seq_id is None:
        return "waiting" if sequence.paused_at is None else "paused"
    return "reading" if sequence.num_computed_tokens < sequence.num_prompt_tokens else "writing"
