"""What a prompt is said to find in the cache before it is sent is what it then finds."""

import asyncio
import random
from pathlib import Path

import msgspec
import pytest

from bdchat.engine.kv.disk import DiskSnapshots
from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.engine.request import Usage
from bdchat.engine.scheduling.fairness.waiting import MIN_GAIN_TOKENS
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.engine.scheduling.telling.inspection import survey
from tests.engine.scheduler_runs import Heard, add, ask, run, step
from tests.fakes import FakeRunner
from tests.patience import until

NUM_SENDS = 500


class Chats:
    """Turns of conversations, some of which begin alike."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._beginnings = [[97 + i] * 20 + rng.choices(range(97, 123), k=60) for i in range(3)]
        self._chats: dict[int, list[int]] = {}

    def turn(self) -> tuple[int, list[int]]:
        """A chat, and its next prompt."""
        number = self._rng.randrange(24)
        so_far = self._chats.setdefault(number, list(self._rng.choice(self._beginnings)))
        if len(so_far) > 380:
            so_far = self._chats[number] = list(self._rng.choice(self._beginnings))
        prompt = so_far + self._rng.choices(range(97, 123), k=self._rng.randrange(5, 90))
        return number, prompt

    def answered(self, number: int, prompt: list[int], answer: list[int]) -> None:
        self._chats[number] = prompt + answer


def found(usage: Usage) -> tuple[int, int, int]:
    """By where it was."""
    from_ram, from_disk = usage.num_cached_from_ram, usage.num_cached_from_disk
    return usage.num_cached_tokens - from_ram - from_disk, from_ram, from_disk


def foretold(scheduler: Scheduler, prompt: list[int]) -> tuple[int, int, int]:
    """What is brought back is brought back whole: it counts for the tier that has most."""
    told = survey(scheduler, prompt, may_be_respelled=False)
    if told.num_on_disk > told.num_in_ram:
        return 0, 0, told.num_on_disk
    if told.num_in_ram > told.num_resident:
        return 0, told.num_in_ram, 0
    return told.num_resident, 0, 0


class Sends:
    """Each prompt is surveyed, then sent."""

    def __init__(
        self,
        folder: Path,
        layout: KVLayout,
        memory_class: MemoryClass = MemoryClass.DENSE,
        *,
        ram_cache_bytes: int = 16_000,
    ) -> None:
        self.rng = random.Random(17)
        runner = FakeRunner(
            n_ctx=512,
            num_sequences=4,
            num_ids=6,
            n_batch=64,
            num_cells=1600 if layout is KVLayout.UNIFIED else None,
            layout=layout,
            memory_class=memory_class,
            step_s=0.01,
        )
        self.disk = DiskSnapshots(folder, 8_000_000, made_by="fake")
        self.scheduler = Scheduler(
            runner, ram_cache_bytes=ram_cache_bytes, disk=self.disk, clock=lambda: runner.decode_seconds
        )
        self._chats = Chats(self.rng)
        self._heard = Heard()
        self._on_their_way: dict[str, tuple[int, list[int]]] = {}
        self.told: dict[str, tuple[int, int, int]] = {}

    @property
    def found(self) -> dict[str, tuple[int, int, int]]:
        return {name: found(self._heard.finished[name, 0].usage) for name in self.told}

    def send(self, *, num_steps: int) -> None:
        """And so many steps of whatever runs."""
        chat, prompt = self._chats.turn()
        name = f"r{len(self.told)}"
        self.told[name] = foretold(self.scheduler, prompt)
        request = msgspec.structs.replace(ask(prompt, request_id=name, max_tokens=4), cache_tag=f"chat {chat}")
        add(self.scheduler, request)
        self._on_their_way[name] = (chat, prompt)
        for _ in range(num_steps):
            if self.scheduler.has_work:
                self._heard.take(step(self.scheduler))
        if not self.scheduler.has_work:
            self._write()
        for done in [done for done in self._on_their_way if (done, 0) in self._heard.finished]:
            self._chats.answered(*self._on_their_way.pop(done), self._heard.tokens[done, 0])

    def end(self) -> None:
        run(self.scheduler, heard=self._heard)
        self.disk.close()

    def _write(self) -> None:
        """One state, as an engine at rest does."""
        self.scheduler.kv_cache.save_one()
        asyncio.run(until(lambda: not self.disk.is_busy))


@pytest.mark.parametrize(
    ("layout", "memory_class"),
    [
        (KVLayout.UNIFIED, MemoryClass.DENSE),
        (KVLayout.STREAMS, MemoryClass.DENSE),
        (KVLayout.UNIFIED, MemoryClass.RECURRENT),
    ],
)
def test_a_preview_is_what_a_send_finds(layout: KVLayout, memory_class: MemoryClass, tmp_path: Path) -> None:
    sends = Sends(tmp_path, layout, memory_class)
    for _ in range(NUM_SENDS):
        sends.send(num_steps=1000)
    sends.end()
    actual = sends.found
    assert all(sum(counts[tier] for counts in actual.values()) > 1000 for tier in range(3)), "a tier was never asked"
    assert sends.told == actual


@pytest.mark.parametrize("layout", list(KVLayout))
def test_a_preview_counts_what_others_are_going_to_read(layout: KVLayout, tmp_path: Path) -> None:
    """With up to eight others on their way; what has to wait may find its state in another tier then. So few tokens as
    nobody is held back for are a matter of moments."""
    sends = Sends(tmp_path, layout, ram_cache_bytes=48_000)
    for _ in range(NUM_SENDS):
        sends.send(num_steps=sends.rng.choice((0, 1, 6, 200)))
    sends.end()
    actual = sends.found
    both = {name: (told, actual[name]) for name, told in sends.told.items()}
    wrong = {name: each for name, each in both.items() if abs(sum(each[0]) - sum(each[1])) >= MIN_GAIN_TOKENS}
    assert len(wrong) <= NUM_SENDS // 100, wrong
