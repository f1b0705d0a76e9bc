"""An engine without a model: explicit cells, bytes as tokens, a next token that is a function of all before it."""

import zlib
from array import array
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from bdchat.engine.model_info import ModelInfo
from bdchat.engine.model_runner import (
    DecodeFailed,
    KVLayout,
    LogitsRow,
    MemoryClass,
    NoKVSlot,
    Sampler,
    Slice,
    TextRun,
    TokenMask,
)
from bdchat.engine.request import SamplingParams, TokenLogprob

EOS = 256
BOS = 257
N_VOCAB = 258
FAKE_SEQUENCE_BYTES = 1000  # that FakeRunner claims to hold for a sequence, however short


def spell(tokens: Sequence[int]) -> int:
    """A letter or a space, decided by every token before it: any wrong cell changes the text."""
    return _SPELLED[checksum(tokens) % len(_SPELLED)]


def spell_out(tokens: Sequence[int], num_tokens: int) -> list[int]:
    """What FakeRunner must generate after `tokens`, computed without an engine."""
    so_far = list(tokens)
    for _ in range(num_tokens):
        so_far.append(spell(so_far))
    return so_far[len(tokens) :]


_SPELLED = b"abcdefghijklmnopqrstuvwxyz  "
_CHOOSING = np.tile(np.linspace(0, 1, N_VOCAB, dtype=np.float32), (N_VOCAB, 1))  # (N_VOCAB, N_VOCAB)
np.fill_diagonal(_CHOOSING, 10.0)  # row t: the logits after which t is the likeliest token


def checksum(tokens: Iterable[int], before: int = 0) -> int:
    """Of tokens in order. `before`: that of those in front of them."""
    return zlib.crc32(array("i", tokens).tobytes(), before)


class _Held:
    """What one sequence holds. Its cells are beginnings of runs: a run grows by what one sequence computes into fresh
    cells, and whoever shares them holds a beginning of it."""

    __slots__ = ("first", "is_own", "runs", "sum", "tokens")

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.sum = 0  # the tokens' checksum
        self.runs: list[tuple[int, int]] = []  # (run, cells of it from its beginning)
        self.is_own = False  # the last run ends with this sequence's own newest cell: it may grow
        self.first = 0  # the first position that a sliding window still holds


class FakeRunner:
    """Fulfils ModelRunner. Raises where llama.cpp would misbehave: holes, overlaps, too many tokens. What a memory
    class does not allow is refused as llama/runner.py refuses it."""

    table = _CHOOSING  # row t: the logits where `likeliest` says t

    def __init__(
        self,
        *,
        n_ctx: int = 64,
        num_sequences: int = 4,
        num_ids: int | None = None,
        num_cells: int | None = None,
        n_batch: int = 32,
        layout: KVLayout = KVLayout.UNIFIED,
        memory_class: MemoryClass = MemoryClass.DENSE,
        n_swa: int = 16,
        next_token: Callable[[Sequence[int]], int] = spell,
        step_s: float = 0.0,  # what a step claims to take
        token_s: float = 0.0,  # and each token in it
    ) -> None:
        self.num_sequences = num_ids or num_sequences
        self.layout = layout
        self.memory_class = memory_class
        self.n_swa = n_swa if memory_class is MemoryClass.SWA else 0  # positions that a sliding window reaches back
        self.num_cells = num_cells or (n_ctx if layout is KVLayout.UNIFIED else n_ctx * self.num_sequences)
        self.n_batch = n_batch
        self.n_outputs_max = self.num_sequences + 8
        self.info = fake_model_info(n_ctx=n_ctx, num_sequences=num_sequences, num_cells=self.num_cells, layout=layout)
        self.decode_seconds = 0.0
        self.needs_checkpoints = memory_class is not MemoryClass.DENSE
        self.checkpoints_stand_alone = memory_class is MemoryClass.RECURRENT
        self._next_token = next_token
        self._step_s, self._token_s = step_s, token_s
        self._num_runs = 0
        self._held = {seq_id: _Held() for seq_id in range(self.num_sequences)}
        self.num_tokens_computed = 0
        self.num_decodes = 0
        self.batches: list[list[Slice]] = []
        self.touched: set[int] = set()  # sequences whose cells were written since they were last given back
        self.refuse_slots = 0  # the next so many decodes raise NoKVSlot
        self.fail_decodes = 0  # the next so many decodes raise DecodeFailed

    @property
    def num_used_cells(self) -> int:
        if self.layout is KVLayout.STREAMS:
            return sum(len(held.tokens) for held in self._held.values())
        lengths: dict[int, int] = {}  # of each run, as far as anybody holds it
        for held in self._held.values():
            for run, length in held.runs:
                if length > lengths.get(run, 0):
                    lengths[run] = length
        return sum(lengths.values())

    def tokens(self, seq_id: int) -> list[int]:
        return list(self._held[seq_id].tokens)

    def decode(self, slices: Sequence[Slice]) -> npt.NDArray[np.float32]:
        assert slices
        num_new = sum([len(s.tokens) for s in slices])
        assert num_new <= self.n_batch
        assert sum([s.num_outputs for s in slices]) <= self.n_outputs_max
        assert len({s.seq_id for s in slices}) == len(slices)
        if self.refuse_slots:
            self.refuse_slots -= 1
            raise NoKVSlot
        if self.fail_decodes:
            self.fail_decodes -= 1
            raise DecodeFailed("told to fail")
        if self.layout is KVLayout.UNIFIED and self.num_used_cells + num_new > self.num_cells:
            raise NoKVSlot
        chosen: list[int] = []
        for s in slices:
            chosen += self._compute(s)
        self.num_tokens_computed += num_new
        self.num_decodes += 1
        self.decode_seconds += self._step_s + self._token_s * num_new
        self.batches.append(list(slices))
        return self.table[chosen]

    def _compute(self, piece: Slice) -> list[int]:
        """The likeliest token behind each of the last num_outputs tokens."""
        held, tokens = self._held[piece.seq_id], list(piece.tokens)
        assert piece.start == len(held.tokens), "a hole or an overlap"
        assert piece.start + len(tokens) <= self.info.n_ctx
        self.touched.add(piece.seq_id)
        if self.n_swa:
            held.first = max(held.first, piece.start - self.n_swa)
        if held.is_own:
            run, length = held.runs.pop()
        else:
            run, length = self._num_runs, 0
            self._num_runs, held.is_own = run + 1, True
        held.runs.append((run, length + len(tokens)))
        num_silent = len(tokens) - piece.num_outputs
        held.tokens += tokens[:num_silent]
        held.sum = checksum(tokens[:num_silent], held.sum)
        chosen: list[int] = []
        for token in tokens[num_silent:]:
            held.tokens.append(token)
            held.sum = checksum((token,), held.sum)
            chosen.append(self.likeliest(held.tokens, held.sum))
        return chosen

    def likeliest(self, tokens: Sequence[int], tokens_sum: int) -> int:
        """What follows `tokens`, whose checksum is `tokens_sum`."""
        return _SPELLED[tokens_sum % len(_SPELLED)] if self._next_token is spell else self._next_token(tokens)

    def copy_prefix(self, src: int, dst: int, num_tokens: int) -> bool:
        assert not self._held[dst].tokens
        assert num_tokens <= len(self._held[src].tokens)
        if not self.can_cut(src, num_tokens):
            return False
        self._held[dst] = self._beginning(self._held[src], num_tokens)
        return True

    def truncate(self, seq_id: int, num_tokens: int) -> bool:
        held = self._held[seq_id]
        if num_tokens >= len(held.tokens):
            return True
        may_cut = self.can_cut(seq_id, num_tokens)
        self._held[seq_id] = self._beginning(held, num_tokens) if may_cut else _Held()
        return may_cut or num_tokens == 0

    def can_cut(self, seq_id: int, num_tokens: int) -> bool:
        held = self._held[seq_id]
        if self.memory_class is MemoryClass.RECURRENT or num_tokens > len(held.tokens):
            return num_tokens == len(held.tokens)
        return held.first == 0 or held.first <= num_tokens - self.n_swa + 1

    def _beginning(self, whole: _Held, num_tokens: int) -> _Held:
        held = _Held()
        held.tokens = whole.tokens[:num_tokens]
        held.sum = checksum(held.tokens)
        held.first = whole.first
        for run, length in whole.runs:
            if num_tokens > 0:
                held.runs.append((run, min(length, num_tokens)))
                num_tokens -= length
        return held

    def checkpoint(self, seq_id: int) -> bytes:
        return self.save(seq_id)

    def roll_back(self, seq_id: int, num_tokens: int, state: bytes) -> bool:
        """A state is of tokens: those of another sequence are refused, as a wrong text would show."""
        tokens, first = self._read(state)
        held = self._held[seq_id]
        if self.checkpoints_stand_alone and not held.tokens:
            return len(tokens) == num_tokens and self.load(seq_id, state)
        if len(tokens) != num_tokens or held.tokens[:num_tokens] != tokens:
            self._held[seq_id] = _Held()
            return False
        self._held[seq_id] = self._beginning(held, num_tokens)
        self._held[seq_id].first = first
        return True

    def _read(self, state: bytes) -> tuple[list[int], int]:
        tokens = array("i", state).tolist()
        return tokens, tokens.pop() if self.n_swa else 0

    def save(self, seq_id: int) -> bytes:
        held = self._held[seq_id]
        return array("i", held.tokens).tobytes() + (array("i", [held.first]).tobytes() if self.n_swa else b"")

    def load(self, seq_id: int, state: bytes) -> bool:
        assert not self._held[seq_id].tokens
        tokens, first = self._read(state)
        if self.layout is KVLayout.UNIFIED and self.num_used_cells + len(tokens) > self.num_cells:
            return False
        held = self._held[seq_id]
        held.tokens, held.sum, held.first = tokens, checksum(tokens), first
        held.runs, held.is_own = [(self._num_runs, len(tokens))], True
        self._num_runs += 1
        return True

    def state_bytes(self, seq_id: int) -> int:
        return 4 * (len(self._held[seq_id].tokens) + bool(self.n_swa))

    def give_back(self) -> None:
        self.touched = {seq_id for seq_id in self.touched if self._held[seq_id].tokens}

    def resident_bytes(self) -> int | None:
        return FAKE_SEQUENCE_BYTES * len(self.touched)

    def num_resident(self, seq_id: int) -> int:
        held = self._held[seq_id]
        return len(held.tokens) if self.can_cut(seq_id, len(held.tokens)) else 0

    def make_sampler(self, params: SamplingParams, prompt: Sequence[int], seed: int) -> "FakeSampler":
        return FakeSampler(self)

    def choose(self, logits: npt.NDArray[np.float32], samplers: Sequence[Sampler | None]) -> list[int | None]:
        """Of every second row."""
        chosen: list[int | None] = [None] * len(samplers)
        for row in range(0, len(samplers), 2):
            chosen[row] = int(logits[row].argmax()) if samplers[row] is not None else None
        return chosen

    def is_end_of_generation(self, token_id: int) -> bool:
        return token_id == EOS

    def token_bytes(self, token_id: int) -> bytes:
        return bytes([token_id]) if token_id < 256 else b""

    def control_text(self, token_id: int) -> str:
        return {EOS: "<eos>", BOS: "<bos>"}.get(token_id, "")

    def close(self) -> None:
        pass


class FakeSampler:
    """Greedy."""

    def __init__(self, runner: FakeRunner) -> None:
        self._runner = runner
        self.num_accepted = 0

    def sample(self, logits: LogitsRow, mask: TokenMask | None = None) -> int:
        self.num_accepted += 1
        return int((logits if mask is None else logits + mask).argmax())

    def accept(self, token_id: int) -> None:
        self.num_accepted += 1

    def logprob(self, logits: LogitsRow, token_id: int, num_top: int) -> TokenLogprob:
        shifted = logits - logits.max()
        value = float(shifted[token_id] - np.log(np.exp(shifted).sum()))
        return TokenLogprob(
            token_id=token_id,
            token_bytes=self._runner.token_bytes(token_id),
            logprob=value,
            control_text=self._runner.control_text(token_id),
        )


def fake_model_info(
    *, n_ctx: int = 64, num_sequences: int = 4, num_cells: int = 64, layout: KVLayout = KVLayout.UNIFIED
) -> ModelInfo:
    return ModelInfo(
        model_id="fake",
        architecture="fake",
        num_parameters=0,
        model_bytes=0,
        n_vocab=N_VOCAB,
        n_ctx_train=n_ctx,
        n_ctx=n_ctx,
        num_sequences=num_sequences,
        num_cells=num_cells,
        kv_layout=str(layout),
        kv_type="f16",
        flash_attention=False,
        n_threads=1,
        memory_class="dense",
        has_chat_template=False,
        fingerprint="fp_fake",
    )


class FakeEmbedder:
    """Fulfils Embedder. A vector says what its text was: how many tokens, and a checksum of them in order. Raises where
    a text's runs do not follow one another."""

    num_dimensions = 2
    num_sequences = 8
    n_ctx = 512
    n_batch = 32

    def __init__(self, *, can_pause: bool = True) -> None:
        self.can_pause = can_pause
        self.embed_seconds = 0.0
        self.num_steps = 0
        self.open: dict[int, list[int]] = {}  # seq id → tokens read so far
        self.is_closed = False

    def embed(self, runs: Sequence[TextRun]) -> list[bytes]:
        self.num_steps += 1
        self.embed_seconds += 0.001
        vectors = []
        assert len({run.seq_id for run in runs}) == len(runs)
        for run in runs:
            read = self.open.setdefault(run.seq_id, [])
            assert run.start == len(read), (run, read)
            read += run.tokens
            if run.is_end:
                vectors.append(fake_vector(self.open.pop(run.seq_id)))
            assert run.is_end or self.can_pause
        return vectors

    def drop(self, seq_id: int) -> None:
        self.open.pop(seq_id, None)

    def give_back(self) -> None:
        assert not self.open

    def close(self) -> None:
        self.is_closed = True


def fake_vector(tokens: Sequence[int]) -> bytes:
    checksum = zlib.crc32(np.asarray(list(tokens), np.int32).tobytes()) % 2**20
    return np.array([len(tokens), checksum], "<f4").tobytes()
