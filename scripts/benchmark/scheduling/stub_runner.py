"""A model that costs nothing: what is left of a step is the scheduler's own. It claims to compute; it holds the number
of tokens of each sequence, and chooses the same token always."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bdchat.engine.model_info import ModelInfo
from bdchat.engine.model_runner import KVLayout, LogitsRow, MemoryClass, Sampler, Slice, TokenMask
from bdchat.engine.request import SamplingParams, TokenLogprob

N_VOCAB = 64
STATE_BYTES = 64  # of a saved sequence, however long: the copying is not the scheduler's


class StubRunner:
    """Fulfils ModelRunner."""

    layout = KVLayout.UNIFIED
    memory_class = MemoryClass.DENSE
    decode_seconds = 0.0
    needs_checkpoints = False
    checkpoints_stand_alone = False

    def __init__(self, *, num_sequences: int, n_ctx: int, num_cells: int, n_batch: int = 512) -> None:
        self.num_sequences = num_sequences
        self.num_cells = num_cells
        self.n_batch = n_batch
        self.n_outputs_max = num_sequences + 48
        self.info = _info(num_sequences=num_sequences, n_ctx=n_ctx, num_cells=num_cells)
        self._lengths = dict.fromkeys(range(num_sequences), 0)
        self._logits = np.zeros((self.n_outputs_max, N_VOCAB), np.float32)

    def decode(self, slices: Sequence[Slice]) -> npt.NDArray[np.float32]:
        for each in slices:
            self._lengths[each.seq_id] = each.start + len(each.tokens)
        return self._logits[: sum(each.num_outputs for each in slices)]

    def copy_prefix(self, src: int, dst: int, num_tokens: int) -> bool:
        self._lengths[dst] = num_tokens
        return True

    def truncate(self, seq_id: int, num_tokens: int) -> bool:
        self._lengths[seq_id] = min(num_tokens, self._lengths[seq_id])
        return True

    def save(self, seq_id: int) -> bytes:
        return self._lengths[seq_id].to_bytes(8, "little").ljust(STATE_BYTES, b"\0")

    def load(self, seq_id: int, state: bytes) -> bool:
        self._lengths[seq_id] = int.from_bytes(state[:8], "little")
        return True

    def state_bytes(self, seq_id: int) -> int:
        return STATE_BYTES

    def can_cut(self, seq_id: int, num_tokens: int) -> bool:
        return num_tokens <= self._lengths[seq_id]

    def checkpoint(self, seq_id: int) -> bytes:
        return self.save(seq_id)

    def roll_back(self, seq_id: int, num_tokens: int, state: bytes) -> bool:
        return self.truncate(seq_id, num_tokens)

    def give_back(self) -> None:
        pass

    def resident_bytes(self) -> int | None:
        return None

    def num_resident(self, seq_id: int) -> int:
        return self._lengths[seq_id]

    def make_sampler(self, params: SamplingParams, prompt: Sequence[int], seed: int) -> "StubSampler":
        return StubSampler()

    def choose(self, logits: npt.NDArray[np.float32], samplers: Sequence[Sampler | None]) -> list[int | None]:
        return [1] * len(samplers)

    def is_end_of_generation(self, token_id: int) -> bool:
        return False

    def token_bytes(self, token_id: int) -> bytes:
        return b"a"

    def control_text(self, token_id: int) -> str:
        return ""

    def close(self) -> None:
        pass


class StubSampler:
    def sample(self, logits: LogitsRow, mask: TokenMask | None = None) -> int:
        return 1

    def accept(self, token_id: int) -> None:
        pass

    def logprob(self, logits: LogitsRow, token_id: int, num_top: int) -> TokenLogprob:
        return TokenLogprob(token_id=token_id, token_bytes=b"a", logprob=0.0)


def _info(*, num_sequences: int, n_ctx: int, num_cells: int) -> ModelInfo:
    return ModelInfo(
        model_id="stub",
        architecture="stub",
        num_parameters=0,
        model_bytes=0,
        n_vocab=N_VOCAB,
        n_ctx_train=n_ctx,
        n_ctx=n_ctx,
        num_sequences=num_sequences,
        num_cells=num_cells,
        kv_layout=str(StubRunner.layout),
        kv_type="f16",
        flash_attention=False,
        n_threads=1,
        memory_class=str(StubRunner.memory_class),
        has_chat_template=False,
        fingerprint="stub",
    )
