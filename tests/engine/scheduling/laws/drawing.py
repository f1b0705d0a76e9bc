"""Draws histories: the same seed, the same history. Small ones, that all the same meet one another."""

import random

from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.engine.request import Priority
from tests.engine.scheduling.laws.history import (
    Ask,
    Break,
    Cancel,
    Die,
    Forget,
    Happening,
    History,
    Look,
    Machine,
    Pass,
    RefuseBatch,
    RefuseSlots,
    Rest,
    Steps,
)

_CLASSES = (MemoryClass.DENSE, MemoryClass.DENSE, MemoryClass.DENSE, MemoryClass.RECURRENT, MemoryClass.SWA)
_PATTERNS = ("?A?B", "XYZ", "*?*Q", "AB!", "??????", "*K")
CONTEST_EVERY = 25
_STOPS = (("a",), ("b", "ab"), ("c", "cd", "e"), ("aa",))


def draw(seed: int) -> History:
    rng = random.Random(seed)
    if seed % CONTEST_EVERY == 0:
        return _contest(rng)
    machine = _machine(rng)
    num_requests = rng.choice((3, 3, 4, 4, 5, 6, 8))
    happenings: list[Happening] = []
    for number in range(num_requests):
        happenings.append(_ask(rng, machine, number))
        if rng.random() < 0.55:
            happenings.append(Steps(rng.randrange(1, 6)))
        if rng.random() < 0.3:
            happenings.append(_other(rng, machine, number))
    return History(machine, tuple(happenings))


def _contest(rng: random.Random) -> History:
    """Some users want more than there is: nothing but their service decides who is next."""
    users = ("u", "v", "w")[: rng.randrange(2, 4)]
    machine = Machine(num_places=rng.randrange(1, 5), n_ctx=160, n_batch=8, layout=KVLayout.STREAMS)
    happenings: list[Happening] = []
    for _ in range(rng.randrange(6, 13)):
        user = rng.choice(users)
        num_own = rng.randrange(1, 40 if user == "u" else 8)
        happenings.append(Ask(num_own=num_own, max_tokens=rng.choice((2, 6, 16)), user=user))
        if rng.random() < 0.2:
            happenings.append(Steps(rng.randrange(1, 8)))
    return History(machine, tuple(happenings))


def _machine(rng: random.Random) -> Machine:
    memory_class = rng.choice(_CLASSES)
    layout = KVLayout.UNIFIED if memory_class is MemoryClass.SWA else rng.choice(list(KVLayout))
    n_ctx = rng.choice((24, 48, 90, 160))
    drafts = rng.random() < 0.3
    return Machine(
        num_places=rng.choice((1, 2, 2, 3, 4, 6)),
        n_ctx=n_ctx,
        num_cells=rng.choice((n_ctx, n_ctx, n_ctx + n_ctx // 2, 3 * n_ctx)),
        n_batch=rng.choice((8, 16, 40, 64)),
        layout=layout,
        memory_class=memory_class,
        n_swa=rng.choice((8, 16)),
        is_hybrid=memory_class is MemoryClass.RECURRENT and rng.random() < 0.5,
        ram_bytes=rng.choice((0, 0, 400, 2000, 100_000)),
        disk_bytes=rng.choice((0, 0, 1000, 100_000)),
        num_letters=rng.choice((1, 2, 3)) if drafts else rng.choice((3, 26, 26)),
        max_draft_tokens=rng.choice((2, 8)) if drafts else 0,
        has_draft_model=drafts and rng.random() < 0.3,
        queue_limit=rng.choice((3, 64, 64)),
        queue_timeout_s=rng.choice((1.0, 600.0, 600.0, 600.0)),
        generation_s=rng.choice((0.0, 0.0, 0.0, 0.5)),
        step_ms=rng.choice((1.0, 10.0, 100.0)),
        decode_ms=rng.choice((0.1, 2.0)),
        prefill_ms=rng.choice((0.2, 1.0, 8.0)),
        depth_ms=rng.choice((0.0, 0.01)),
    )


def _ask(rng: random.Random, machine: Machine, number: int) -> Ask:
    is_long = rng.random() < 0.35
    user = rng.choice(("", "u", "v"))
    may_repeat = machine.layout is KVLayout.STREAMS
    return Ask(
        shared=rng.randrange(3),
        num_shared=rng.randrange(machine.n_ctx) if is_long else rng.choice((0, 4, 12)),
        follows=rng.randrange(number) if number and rng.random() < 0.4 else None,
        num_own=rng.randrange(1, machine.n_ctx) if rng.random() < 0.15 else rng.randrange(1, 8),
        max_tokens=rng.choice((0, 1, 2, 2, 3, 4, 8)),
        num_choices=rng.choice((1, 1, 1, 1, 1, 2, 3)),
        pattern=rng.choice(_PATTERNS) if rng.random() < 0.12 else "",
        stop=rng.choice(_STOPS) if rng.random() < 0.15 else (),
        is_drawn=rng.random() < 0.4,
        has_logprobs=rng.random() < 0.1,
        has_prompt_logprobs=rng.random() < 0.07,
        is_deterministic=may_repeat and rng.random() < 0.1,
        cache_prompt=rng.random() < 0.92,
        wants_progress=rng.random() < 0.4,
        user=user,
        max_running=1 + machine.n_ctx % 5 if user == "v" else 0,
        max_queued=rng.choice((0, 0, 1, 3)),
        priority=rng.choice((Priority.INTERACTIVE, Priority.INTERACTIVE, Priority.BATCH)),
        tag=rng.choice(("", "a", "b")),
    )


def _other(rng: random.Random, machine: Machine, number: int) -> Happening:
    kind = rng.randrange(14)
    if kind < 4:
        return Cancel(rng.randrange(number + 1))
    if kind < 6:
        return RefuseSlots(rng.choice((1, 1, 2)))
    if kind < 8:
        return Die(loses=rng.random() < 0.4)
    if kind < 10:
        return Rest(rng.choice((1.0, 5.0, 30.0)), rng.choice((0, 300)))
    others: tuple[Happening, ...] = (
        RefuseBatch(),
        Pass(rng.choice((0.3, 2.0, 40.0))),
        Look(rng.randrange(3), rng.randrange(1, machine.n_ctx)),
        rng.choice((Forget("a"), Break())),
    )
    return others[kind - 10]
