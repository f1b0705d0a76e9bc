"""What a scheduler runs on in a history: a clock that stands still between steps, a runner whose steps take what the
machine says, samplers and grammars of the naive model's kind, a disk in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bdchat.engine.kv.disk import DiskSnapshot, DiskSnapshots
from bdchat.engine.kv.snapshots import Shelf
from bdchat.engine.model_runner import DecodeFailed, GrammarFailed, LogitsRow, NoKVSlot, Sampler, Slice, TokenMask
from bdchat.engine.request import SamplingParams, TokenLogprob
from bdchat.engine.scheduling.draft_model import DraftModel
from bdchat.engine.scheduling.scheduler import Scheduler
from tests.engine.scheduling.laws.alone import allowed_by, drawn, held_to, likeliest, may_be
from tests.engine.scheduling.laws.history import Machine
from tests.fakes import EOS, N_VOCAB, FakeRunner


class VirtualClock:
    def __init__(self) -> None:
        self.now = 1000.0  # seconds

    def __call__(self) -> float:
        return self.now


class MachineRunner(FakeRunner):
    """Its steps take what the machine says."""

    def __init__(self, machine: Machine, clock: VirtualClock) -> None:
        super().__init__(
            n_ctx=machine.n_ctx,
            num_sequences=machine.num_places,
            num_cells=machine.num_cells if machine.layout == "unified" else None,
            n_batch=machine.n_batch,
            layout=machine.layout,
            memory_class=machine.memory_class,
            n_swa=machine.n_swa,
        )
        self.checkpoints_stand_alone = self.checkpoints_stand_alone and not machine.is_hybrid
        self._machine = machine
        self._clock = clock
        self.is_told_to_refuse = False  # the batch that it refuses
        self.on_refusal: Callable[[Sequence[Slice], Exception], None] = lambda slices, error: None

    @property
    def lengths(self) -> list[int]:
        """Of all sequences, by their ids."""
        return [len(held.tokens) for held in self._held.values()]

    def holds(self, seq_id: int, tokens: Sequence[int], num_tokens: int) -> bool:
        """Exactly the first so many."""
        return self._held[seq_id].tokens == tokens[:num_tokens]

    def decode(self, slices: Sequence[Slice]) -> npt.NDArray[np.float32]:
        self.batches.clear()
        self.is_told_to_refuse = bool(self.refuse_slots or self.fail_decodes)
        try:
            logits = super().decode(slices)
        except (NoKVSlot, DecodeFailed) as error:
            self.on_refusal(slices, error)
            raise
        machine = self._machine
        taken_ms = machine.step_ms
        for piece in slices:
            num = len(piece.tokens)
            taken_ms += machine.decode_ms if num == 1 else machine.prefill_ms * num
            taken_ms += machine.depth_ms * num * piece.start
        self._clock.now += taken_ms / 1000
        self.decode_seconds += taken_ms / 1000
        return logits

    def likeliest(self, tokens: Sequence[int], tokens_sum: int) -> int:
        return likeliest(tokens_sum, self._machine.num_letters)

    def make_sampler(self, params: SamplingParams, prompt: Sequence[int], seed: int) -> "PlainSampler":  # type: ignore[override]
        return PlainSampler(self, seed if params.temperature else None)

    def choose(self, logits: npt.NDArray[np.float32], samplers: Sequence[Sampler | None]) -> list[int | None]:
        """Of every second row."""
        return [
            sampler.next_choice(logits[row]) if row % 2 == 0 and isinstance(sampler, PlainSampler) else None
            for row, sampler in enumerate(samplers)
        ]


class PlainSampler:
    """Fulfils Sampler as the naive model says. `seed` None: the likeliest."""

    def __init__(self, runner: FakeRunner, seed: int | None) -> None:
        self._runner = runner
        self._seed = seed
        self._place = 0

    def next_choice(self, logits: LogitsRow) -> int:
        token = int(logits.argmax())
        return token if self._seed is None else drawn(token, self._seed, self._place)

    def sample(self, logits: LogitsRow, mask: TokenMask | None = None) -> int:
        token = self.next_choice(logits)
        if mask is not None:
            token = held_to(bytes(np.flatnonzero(mask == 0).tolist()), token, self._place)
        self._place += 1
        return token

    def accept(self, token_id: int) -> None:
        self._place += 1

    def logprob(self, logits: LogitsRow, token_id: int, num_top: int) -> TokenLogprob:
        """How likely it is by the model: 0 for what it would say."""
        return TokenLogprob(
            token_id=token_id,
            token_bytes=self._runner.token_bytes(token_id),
            logprob=float(logits[token_id] - logits.max()),
            control_text=self._runner.control_text(token_id),
        )


class PatternGrammar:
    """Fulfils AnswerGrammar: one character of the pattern for each token, see alone.allowed_by."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def start(self) -> "PatternMatcher":
        return PatternMatcher(self._pattern)


class PatternMatcher:
    """Fulfils AnswerMatcher."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0

    @property
    def is_over(self) -> bool:
        return self._place == len(self._pattern)

    def mask(self) -> TokenMask | None:
        allowed = allowed_by(self._pattern, self._place)
        if allowed == b"":
            raise GrammarFailed("nothing may follow")
        return None if allowed is None else _mask(allowed)

    def accept(self, token_id: int) -> None:
        if not self._may_follow(token_id, self._place):
            raise GrammarFailed("it may not follow")
        self._place += 1

    def forced(self) -> list[int]:
        rest = self._pattern[self._place :]
        length = next((i for i, wanted in enumerate(rest) if not wanted.isupper()), len(rest))
        return list(rest[:length].lower().encode())

    def num_allowed(self, tokens: Sequence[int]) -> int:
        for num, token in enumerate(tokens):
            if not self._may_follow(token, self._place + num):
                return num
        return len(tokens)

    def _may_follow(self, token: int, place: int) -> bool:
        if place >= len(self._pattern):
            return False
        allowed = allowed_by(self._pattern, place)
        return token != EOS if allowed is None else may_be(token, allowed)


_MASKS: dict[bytes, TokenMask] = {}


def _mask(allowed: bytes) -> TokenMask:
    if allowed not in _MASKS:
        mask = np.full(N_VOCAB, -np.inf, np.float32)
        mask[list(allowed)] = 0
        _MASKS[allowed] = mask
    return _MASKS[allowed]


class MemoryDisk(DiskSnapshots):
    """A disk whose files are in memory and written at once. It outlives engines."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._shelf: Shelf[DiskSnapshot] = Shelf()
        self._files: dict[Path, tuple[str, bytes]] = {}  # tag, state
        self._num_written = 0

    def _take_written(self) -> None:
        pass

    @property
    def is_busy(self) -> bool:
        return False

    def holds(self, tokens: list[int]) -> bool:
        return self._shelf.covering(tokens) is not None

    def put(self, tokens: list[int], state: bytes, *, tag: str) -> bool:
        if not tag or len(state) > self.max_bytes or self.holds(tokens):
            return False
        for shorter in self._shelf.covered_by(tokens):
            self._drop(shorter)
        path = Path(str(self._num_written))
        self._num_written += 1
        self._files[path] = tag, state
        self._shelf.add(DiskSnapshot(list(tokens), path, len(state)))
        while self._shelf.num_bytes > self.max_bytes:
            self._drop(next(iter(self._shelf)))
        return True

    def read(self, snapshot: DiskSnapshot) -> bytes | None:
        self._shelf.touch(snapshot)
        kept = self._files.get(snapshot.path)
        return kept[1] if kept is not None else None  # it has gone for another one meanwhile

    def forget(self, tag: str) -> None:
        for snapshot in self._shelf:
            if self._files[snapshot.path][0] == tag:
                self._drop(snapshot)

    def close(self) -> None:
        pass

    def _drop(self, snapshot: DiskSnapshot) -> None:
        self._shelf.remove(snapshot)
        del self._files[snapshot.path]


def make_scheduler(
    machine: Machine, runner: MachineRunner, clock: VirtualClock, disk: MemoryDisk | None, kind: type[Scheduler]
) -> Scheduler:
    scheduler = kind(
        runner,
        queue_limit=machine.queue_limit,
        max_draft_tokens=machine.max_draft_tokens,
        draft_memory_tokens=200 if machine.max_draft_tokens else 0,
        queue_timeout_s=machine.queue_timeout_s,
        generation_s=machine.generation_s,
        ram_cache_bytes=machine.ram_bytes,
        disk=disk,
        clock=clock,
    )
    if machine.has_draft_model:
        small = MachineRunner(replace(machine, step_ms=machine.step_ms / 8, decode_ms=machine.decode_ms / 8), clock)
        scheduler.drafts.guess_by(DraftModel(small, share=0.2))
    return scheduler
