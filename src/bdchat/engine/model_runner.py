"""The seam between the scheduler and llama.cpp: protocols of a model runner, a sampler and a grammar.

llama/runner.py fulfils ModelRunner on llama.cpp's low-level API, sampling/sampler.py fulfils Sampler in numpy;
tests/fakes.py fulfils both with explicit cells. Everything here is called from one OS thread
only (llama.cpp's OpenMP team belongs to it).
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from bdchat.engine.model_info import ModelInfo
from bdchat.engine.request import SamplingParams, TokenLogprob

LogitsRow = npt.NDArray[np.float32]  # (n_vocab,)
TokenMask = npt.NDArray[np.float32]  # (n_vocab,): 0 where a token may follow, −inf where not


class KVLayout(StrEnum):
    UNIFIED = "unified"  # one pool of cells; a shared prefix costs no cells (seq_cp)
    STREAMS = "streams"  # a fixed run of cells per seq id; sharing copies the state


class MemoryClass(StrEnum):
    """What reuse of a prefix is legal (llama.cpp: n_swa, is_recurrent, is_hybrid)."""

    DENSE = "dense"  # any prefix of any sequence
    SWA = "swa"  # only while the window still holds its start
    RECURRENT = "recurrent"  # only a sequence as it stands, never cut back


class NoKVSlot(Exception):
    """llama_decode returned 1: no room; the whole batch was rolled back, nothing is lost."""


class DecodeFailed(Exception):
    """llama_decode refused the batch (< 0) or was aborted (2); the batch's sequences must be cleared."""


class OutOfMemory(Exception):
    """A step got no memory. Whatever is tried next would get none either: the process is to end."""


class GrammarFailed(Exception):
    """An answer can't go on within its grammar: no token fits, or finding one takes too much."""


class Slice(NamedTuple):
    """The next run of one sequence within a step. Row i has position `start + i`."""

    seq_id: int
    start: int
    tokens: Sequence[int]
    num_outputs: int  # logits are wanted for the last num_outputs tokens (0 while prefilling)
    is_repeatable: bool = False  # on the number of threads of every other such slice; it is alone in its step


class ModelRunner(Protocol):
    """One loaded model with one context. `n_batch` bounds the tokens of a step, `n_outputs_max` its outputs."""

    info: ModelInfo
    layout: KVLayout
    memory_class: MemoryClass
    num_sequences: int  # seq ids are 0 … num_sequences - 1
    num_cells: int  # in all; per sequence at most info.n_ctx
    n_batch: int
    n_outputs_max: int
    decode_seconds: float  # total inside llama_decode itself
    needs_checkpoints: bool  # a sequence can't be cut back anywhere: roll_back() takes it to where checkpoint() was
    checkpoints_stand_alone: bool  # roll_back() works on an empty sequence too: nothing else is kept of it

    def decode(self, slices: Sequence[Slice]) -> npt.NDArray[np.float32]:
        """Computes the slices in one call. Returns logits (num_outputs, n_vocab) in slice order, valid until the
        next decode. Raises NoKVSlot or DecodeFailed."""

    def copy_prefix(self, src: int, dst: int, num_tokens: int) -> bool:
        """Makes the empty sequence `dst` hold src's first num_tokens. src may be running. False: not possible
        (SWA window gone, recurrent): dst is then empty and the caller computes."""

    def truncate(self, seq_id: int, num_tokens: int) -> bool:
        """Keeps the first num_tokens only. False: not possible for this memory class; the sequence is then empty."""

    def can_cut(self, seq_id: int, num_tokens: int) -> bool:
        """Whether copy_prefix and truncate would leave the first num_tokens."""

    def checkpoint(self, seq_id: int) -> bytes:
        """Of the sequence as it stands, what truncate can't bring back: a recurrent state, the cells of a window."""

    def roll_back(self, seq_id: int, num_tokens: int, state: bytes) -> bool:
        """Keeps the first num_tokens only, behind which `state` was checkpointed, in this sequence or one that began
        with the same tokens. False: refused, the sequence is then empty."""

    def save(self, seq_id: int) -> bytes:
        """The sequence's state, for load()."""

    def load(self, seq_id: int, state: bytes) -> bool:
        """Restores into an empty sequence. False: refused, the sequence is empty."""

    def state_bytes(self, seq_id: int) -> int:
        """How long what save() returns would be."""

    def give_back(self) -> None:
        """Gives the memory of cells that no sequence holds back to the system, as far as that is possible. What is
        held, and what is computed from it, stays the same. Not before the last step's logits were read."""

    def resident_bytes(self) -> int | None:
        """Of all cells, in memory now. None: not known. Takes some milliseconds."""

    def num_resident(self, seq_id: int) -> int:
        """How many leading tokens llama.cpp itself says the sequence holds (0 when a hole or a window opens it)."""

    def make_sampler(self, params: SamplingParams, prompt: Sequence[int], seed: int) -> "Sampler":
        """A sampler for one choice. `seed` is already offset by the choice index."""

    def choose(self, logits: npt.NDArray[np.float32], samplers: "Sequence[Sampler | None]") -> list[int | None]:
        """Of each row what its sampler, one of this runner's, would choose from it without a mask, several at once.
        None where that is not done at once, or no sampler is given. Nothing is counted: the tokens are to be
        accepted."""

    def is_end_of_generation(self, token_id: int) -> bool: ...

    def token_bytes(self, token_id: int) -> bytes:
        """The token's text as bytes; b"" for control tokens. May be part of a code point."""

    def control_text(self, token_id: int) -> str:
        """How a template writes a control token, "" for tokens that have bytes."""

    def close(self) -> None: ...


class Sampler(Protocol):
    """Owned by one sequence. Draw number i depends on (seed, i) and the logits alone, so that a resumed
    sequence goes on exactly as it would have."""

    def sample(self, logits: LogitsRow, mask: TokenMask | None = None) -> int:
        """Chooses the next token, of those that `mask` leaves, and counts it as generated. Never writes to `logits`."""

    def accept(self, token_id: int) -> None:
        """Counts a token that was generated before (resume), chosen among others' (ModelRunner.choose), or without a
        choice."""

    def logprob(self, logits: LogitsRow, token_id: int, num_top: int) -> TokenLogprob:
        """With num_top the likeliest ones, and the token itself behind them when it is not one of them."""


class AnswerMatcher(Protocol):
    """Holds one answer to a grammar, token by token. Owned by one sequence. sampling/matcher.py fulfils it."""

    @property
    def is_over(self) -> bool:
        """The answer is whole, and nothing may follow."""

    def mask(self) -> TokenMask | None:
        """What may follow; None: anything. Valid until the next call of any matcher. Raises GrammarFailed."""

    def accept(self, token_id: int) -> None:
        """Raises GrammarFailed for a token that may not follow."""

    def forced(self) -> list[int]:
        """The tokens that must follow, as the model's tokenizer writes their text; [] while there is a choice."""

    def num_allowed(self, tokens: Sequence[int]) -> int:
        """How many of them may follow, one after the other."""


class AnswerGrammar(Protocol):
    """A compiled constraint; any number of answers may be held to it."""

    def start(self) -> AnswerMatcher | None:
        """None: the answer is free after all."""


class EmbeddingText(NamedTuple):
    """A text as an embedder reads it."""

    tokens: Sequence[int]
    num_tokens: int  # that are counted: where an embedder reads bytes, others than it reads


class TextRun(NamedTuple):
    """The next run of one text's tokens; its first one has position `start`."""

    seq_id: int
    start: int
    tokens: Sequence[int]
    is_end: bool  # no more of this text follows


class Embedder(Protocol):
    """Texts → vectors, on a context of its own."""

    num_dimensions: int
    num_sequences: int  # texts in a step; seq ids are 0 … num_sequences - 1
    n_ctx: int  # tokens of a text
    n_batch: int  # tokens of a step, unless one text alone has more
    can_pause: bool  # a text may be read in several steps
    embed_seconds: float  # total inside the library

    def embed(self, runs: Sequence[TextRun]) -> list[bytes]:
        """The vectors of the texts that end, in order; their sequences are empty again. Raises DecodeFailed: then all
        sequences are."""

    def drop(self, seq_id: int) -> None:
        """Of a text that is given up before its end."""

    def give_back(self) -> None:
        """Gives its memory back to the system until the next text. Nothing is being read."""

    def close(self) -> None: ...
