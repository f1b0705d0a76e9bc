"""What users get of a busy machine, in the machine's own time: FakeRunner says what each step takes."""

import random

import msgspec

from bdchat.engine.request import Delta, GenerationRequest, Priority
from bdchat.engine.scheduling.fairness.rank import AGEING_S, BAND_CHUNKS
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduler_runs import add, ask, step
from tests.fakes import FakeRunner

N_BATCH = 64
NUM_PLACES = 4


class Machine:
    def __init__(self) -> None:
        self.runner = FakeRunner(
            n_ctx=512, num_sequences=NUM_PLACES, num_cells=4096, n_batch=N_BATCH, step_s=0.02, token_s=0.001
        )
        self.scheduler = Scheduler(self.runner, queue_limit=10_000, queue_timeout_s=1e9, clock=self.now)
        self._num_asked = 0

    def now(self) -> float:
        return self.runner.decode_seconds

    def ask(
        self, user: str, *, num_prompt: int = 20, max_tokens: int = 40, priority: Priority = Priority.INTERACTIVE
    ) -> GenerationRequest:
        self._num_asked += 1
        rng = random.Random(self._num_asked)
        prompt = [rng.randrange(97, 123) for _ in range(num_prompt)]
        request = ask(prompt, request_id=f"{user} {self._num_asked}", max_tokens=max_tokens)
        request = msgspec.structs.replace(request, user=user, priority=priority)
        add(self.scheduler, request)
        return request

    def first_token_after(self, request: GenerationRequest, *, most_steps: int = 5000) -> float:
        """Seconds."""
        since = self.now()
        for _ in range(most_steps):
            for event in step(self.scheduler):
                if isinstance(event, Delta) and event.request_id == request.request_id:
                    return self.now() - since
        raise AssertionError("it never spoke")


def test_a_light_user_behind_sixteen_heavy_ones_is_answered_as_on_an_idle_machine() -> None:
    idle = Machine()
    idle_s = idle.first_token_after(idle.ask("light"))
    machine = Machine()
    for _ in range(16):
        machine.ask("heavy", max_tokens=400)
    for _ in range(30):
        step(machine.scheduler)
    assert machine.first_token_after(machine.ask("light")) <= 2 * idle_s


def test_eight_users_with_unlike_demands_are_served_alike() -> None:
    """Jain's index of service; and while all of them wait, no two are further apart than the band and what runs."""
    machine = Machine()
    rng = random.Random(8)
    users = [f"user {number}" for number in range(8)]
    shapes = {user: (10 + 25 * place, 10 + 12 * (7 - place)) for place, user in enumerate(users)}
    counters = machine.scheduler.ranking.counters
    while machine.now() < 120:
        waiting = [s.request.user for s in machine.scheduler.sequences()[1]]
        for place, user in enumerate(users):
            num_prompt, max_tokens = shapes[user]
            for _ in range(1 + place % 3 - waiting.count(user)):
                machine.ask(user, num_prompt=rng.randrange(5, num_prompt + 5), max_tokens=max_tokens)
        step(machine.scheduler)
        served = [counters.of(user) for user in users]
        assert max(served) - min(served) <= BAND_CHUNKS * N_BATCH + NUM_PLACES * N_BATCH
    served = [counters.of(user) for user in users]
    assert sum(served) ** 2 / (len(served) * sum(each**2 for each in served)) >= 0.95


def test_batch_behind_a_flood_speaks_within_the_bound() -> None:
    machine = Machine()
    for number in range(40):
        machine.ask(f"user {number % 5}")
    batch = machine.ask("bulk", priority=Priority.BATCH)
    since = machine.now()
    while machine.now() - since < 2 * AGEING_S:
        while machine.scheduler.num_waiting < 20:
            machine.ask(f"user {random.Random(machine.now()).randrange(5)}")
        if any(isinstance(event, Delta) and event.request_id == batch.request_id for event in step(machine.scheduler)):
            break
    assert AGEING_S <= machine.now() - since <= AGEING_S + 5
