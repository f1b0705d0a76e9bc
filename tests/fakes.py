"""An engine without a model: explicit cells, bytes as tokens, a next token that is a function of all before it."""

import zlib
from collections.abc import Callable, Sequence

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
from bdchat.engine.text.tokenizer import FimTokens, Segment

EOS = 256
BOS = 257
N_VOCAB = 258
FAKE_SEQUENCE_BYTES = 1000  # that FakeRunner claims to hold for a sequence, however short


def spell(tokens: Sequence[int]) -> int:
    """A letter or a space, decided by every token before it: any wrong cell changes the text."""
    return b"abcdefghijklmnopqrstuvwxyz  "[zlib.crc32(np.asarray(tokens, np.int32).tobytes()) % 28]


def spell_out(tokens: Sequence[int], num_tokens: int) -> list[int]:
    """What FakeRunner must generate after `tokens`, computed without an engine."""
    so_far = list(tokens)
    for _ in range(num_tokens):
        so_far.append(spell(so_far))
    return so_far[len(tokens) :]


class FakeRunner:
    """Fulfils ModelRunner. Raises where llama.cpp would misbehave: holes, overlaps, too many tokens."""

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
        next_token: Callable[[Sequence[int]], int] = spell,
        step_s: float = 0.0,  # what a step claims to take
        token_s: float = 0.0,  # and each token in it
    ) -> None:
        self.num_sequences = num_ids or num_sequences
        self.layout = layout
        self.memory_class = memory_class
        self.num_cells = num_cells or (n_ctx if layout is KVLayout.UNIFIED else n_ctx * self.num_sequences)
        self.n_batch = n_batch
        self.n_outputs_max = self.num_sequences + 8
        self.info = fake_model_info(n_ctx=n_ctx, num_sequences=num_sequences, num_cells=self.num_cells, layout=layout)
        self.decode_seconds = 0.0
        self._next_token = next_token
        self._step_s, self._token_s = step_s, token_s
        self._next_cell = 0
        self._cells: dict[int, list[tuple[int, int]]] = {i: [] for i in range(self.num_sequences)}  # (cell, token)
        self.num_tokens_computed = 0
        self.num_decodes = 0
        self.batches: list[list[Slice]] = []
        self.touched: set[int] = set()  # sequences whose cells were written since they were last given back
        self.refuse_slots = 0  # the next so many decodes raise NoKVSlot
        self.fail_decodes = 0  # the next so many decodes raise DecodeFailed

    @property
    def num_used_cells(self) -> int:
        if self.layout is KVLayout.STREAMS:
            return sum(len(cells) for cells in self._cells.values())
        return len({cell for cells in self._cells.values() for cell, _ in cells})

    def tokens(self, seq_id: int) -> list[int]:
        return [token for _, token in self._cells[seq_id]]

    def decode(self, slices: Sequence[Slice]) -> npt.NDArray[np.float32]:
        assert slices
        assert sum(len(s.tokens) for s in slices) <= self.n_batch
        assert sum(s.num_outputs for s in slices) <= self.n_outputs_max
        assert len({s.seq_id for s in slices}) == len(slices)
        if self.refuse_slots:
            self.refuse_slots -= 1
            raise NoKVSlot
        if self.fail_decodes:
            self.fail_decodes -= 1
            raise DecodeFailed("told to fail")
        num_new = sum(len(s.tokens) for s in slices)
        if self.layout is KVLayout.UNIFIED and self.num_used_cells + num_new > self.num_cells:
            raise NoKVSlot
        rows: list[LogitsRow] = []
        for s in slices:
            assert s.start == len(self._cells[s.seq_id]), "a hole or an overlap"
            assert s.start + len(s.tokens) <= self.info.n_ctx
            self.touched.add(s.seq_id)
            for i, token in enumerate(s.tokens):
                self._cells[s.seq_id].append((self._next_cell, int(token)))
                self._next_cell += 1
                if i >= len(s.tokens) - s.num_outputs:
                    rows.append(self._logits(self.tokens(s.seq_id)))
        self.num_tokens_computed += num_new
        self.num_decodes += 1
        self.decode_seconds += self._step_s + self._token_s * num_new
        self.batches.append(list(slices))
        return np.array(rows, np.float32).reshape(len(rows), N_VOCAB)

    def _logits(self, tokens: Sequence[int]) -> LogitsRow:
        row = np.linspace(0, 1, N_VOCAB, dtype=np.float32)
        row[self._next_token(tokens)] = 10.0
        return row

    def copy_prefix(self, src: int, dst: int, num_tokens: int) -> bool:
        assert not self._cells[dst]
        if self.memory_class is MemoryClass.RECURRENT and num_tokens != len(self._cells[src]):
            return False
        assert num_tokens <= len(self._cells[src])
        self._cells[dst] = list(self._cells[src][:num_tokens])
        return True

    def truncate(self, seq_id: int, num_tokens: int) -> bool:
        if self.memory_class is MemoryClass.RECURRENT and 0 < num_tokens < len(self._cells[seq_id]):
            self._cells[seq_id] = []
            return False
        del self._cells[seq_id][num_tokens:]
        return True

    def save(self, seq_id: int) -> bytes:
        return np.asarray(self.tokens(seq_id), np.int32).tobytes()

    def load(self, seq_id: int, state: bytes) -> bool:
        assert not self._cells[seq_id]
        tokens = np.frombuffer(state, np.int32).tolist()
        if self.layout is KVLayout.UNIFIED and self.num_used_cells + len(tokens) > self.num_cells:
            return False
        for token in tokens:
            self._cells[seq_id].append((self._next_cell, token))
            self._next_cell += 1
        return True

    def state_bytes(self, seq_id: int) -> int:
        return 4 * len(self._cells[seq_id])

    def give_back(self) -> None:
        self.touched = {seq_id for seq_id in self.touched if self._cells[seq_id]}

    def resident_bytes(self) -> int | None:
        return FAKE_SEQUENCE_BYTES * len(self.touched)

    def num_resident(self, seq_id: int) -> int:
        return len(self._cells[seq_id])

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


class ByteTokenizer:
    """Fulfils Tokenizer: one token a byte."""

    n_vocab = N_VOCAB
    bos_id: int | None = BOS
    adds_bos = False
    adds_space_prefix = False
    fim: FimTokens | None = None

    def encode(self, segments: Sequence[Segment], *, add_bos: bool | None = None) -> list[int]:
        ids = [BOS] if add_bos else []
        for segment in segments:
            ids.extend(segment.text.encode())
        return ids

    def encode_inside(self, text: str) -> list[int]:
        return list(text.encode())

    def token_bytes(self, token_id: int) -> bytes:
        return bytes([token_id]) if token_id < 256 else b""

    def longest_token_bytes(self) -> int:
        return 1

    def is_end_of_generation(self, token_id: int) -> bool:
        return token_id == EOS

    def control_texts(self) -> Sequence[str]:
        return ()

    def generable_texts(self) -> Sequence[str]:
        return ()

    def control_text(self, token_id: int) -> str:
        return ""


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
