"""Who may join the line: the bound of the whole line, and those of one user. Loop thread only."""

from collections.abc import Callable

from bdchat.engine.errors import AccountLimitReached, QueueFull
from bdchat.engine.request import GenerationRequest
from bdchat.engine.scheduling.fairness.rank import Standings
from bdchat.engine.scheduling.fairness.waiting import WaitingLine
from bdchat.engine.scheduling.sequence import Sequence


def check_room(
    request: GenerationRequest,
    waiting: WaitingLine,
    standings: Standings,
    *,
    num_free: int,
    queue_limit: int,
    seconds_until_free: Callable[[int, list[Sequence]], float],
) -> None:
    """Raises QueueFull, and AccountLimitReached when its user has enough waiting that cannot have one of the `num_free`
    places. `seconds_until_free`: until so many of those answers have ended."""
    if waiting.num_queued + request.num_choices > queue_limit + num_free:
        raise QueueFull(seconds_until_free(request.num_choices, standings.running))
    if not request.max_queued:
        return
    num_left = request.max_running - standings.num_running_of(request.user) if request.max_running else num_free
    if waiting.num_requests_of(request.user) < request.max_queued + max(0, min(num_free, num_left)):
        return
    if num_left <= 0 < request.max_running:  # it waits for itself
        seconds = seconds_until_free(1, [s for s in standings.running if s.request.user == request.user])
    else:
        order = [s.request.user for s in waiting.in_order(standings)]
        seconds = seconds_until_free(1 + order.index(request.user), standings.running)
    raise AccountLimitReached("requests waiting", request.max_queued, seconds)
