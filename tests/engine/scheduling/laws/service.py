"""How much users are served that wait at the same time: the law of fairness, held after every step."""

from collections.abc import Sequence

from bdchat.engine.model_runner import KVLayout
from bdchat.engine.request import Priority
from bdchat.engine.scheduling.fairness.counters import GENERATED_TOKEN_COST, PROMPT_TOKEN_COST
from bdchat.engine.scheduling.fairness.rank import BAND_CHUNKS
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.scheduling.sequence import Sequence as Answer
from tests.engine.scheduling.laws.callers import hold
from tests.engine.scheduling.laws.history import Ask, History, Steps


class ServiceWatch:
    """Of one engine's life: users who wait together are served alike, to a band and what one step can add; with three
    places or more and one answer beside, for who runs fewer than the other keeps what it has.

    Only in histories in which nothing but service decides: one class, cells for all, no limits, nothing shared, no
    batch refused."""

    def __init__(self, scheduler: Scheduler, history: History) -> None:
        machine = history.machine
        self._scheduler = scheduler
        self._is_held = is_contest(history)
        step = PROMPT_TOKEN_COST * machine.n_batch + GENERATED_TOKEN_COST * machine.num_places
        self._most_apart = BAND_CHUNKS * machine.n_batch + step
        if machine.num_places > 2:
            asks = [each for each in history.happenings if isinstance(each, Ask)]
            costs = [PROMPT_TOKEN_COST * ask.num_own + GENERATED_TOKEN_COST * ask.max_tokens for ask in asks]
            self._most_apart += max(costs, default=0)

    def after(self, waiting: Sequence[Answer]) -> None:
        if not self._is_held or not waiting:
            return
        served = {answer.request.user: self._scheduler.ranking.counters.of(answer.request.user) for answer in waiting}
        apart = max(served.values()) - min(served.values())
        hold("who waits together is served alike", apart <= self._most_apart, (served, self._most_apart))


def is_contest(history: History) -> bool:
    machine = history.machine
    if machine.layout is not KVLayout.STREAMS or machine.max_draft_tokens:
        return False
    return all(isinstance(e, Steps) or (isinstance(e, Ask) and _only_competes(e)) for e in history.happenings)


def _only_competes(ask: Ask) -> bool:
    is_plain = not (ask.is_deterministic or ask.max_running or ask.pattern or ask.has_prompt_logprobs)
    return is_plain and ask.num_shared == 0 and ask.num_choices == 1 and ask.priority is Priority.INTERACTIVE
