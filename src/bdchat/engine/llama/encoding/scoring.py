"""Log-probabilities that a model gives at places of known passages. Engine-like process, one thread."""

from collections.abc import Iterator, Sequence

import numpy as np

from bdchat.engine.kv.plan import KVPlan
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.llama.runner import SPARE_OUTPUTS, LlamaRunner
from bdchat.engine.llama.tokenizer import LlamaTokenizer
from bdchat.engine.model_runner import KVLayout, Slice
from bdchat.engine.text.tokenizer import Segment
from bdchat.engine.weights.fidelity import Probe, Rows, log_probabilities, passages
from bdchat.settings import EngineSettings

N_CTX = 512


def probe_passages(model: LlamaModel, texts: Sequence[str]) -> list[Probe]:
    tokenizer = LlamaTokenizer(model.handle)
    tokens = [tokenizer.encode([Segment(text, trusted=False)]) for text in texts]
    return passages(tokens, model.n_vocab, min(N_CTX, model.n_ctx_train))


def score(model: LlamaModel, probes: Sequence[Probe], *, uses_flash_attention: bool = False) -> Iterator[Rows]:
    """(number of places, n_vocab) of each passage in turn."""
    settings = EngineSettings(n_ctx=N_CTX, max_sequences=1, n_batch=SPARE_OUTPUTS, n_threads=1, calibrate=False)
    plan = KVPlan(KVLayout.UNIFIED, "f16", flash_attention=uses_flash_attention)
    with LlamaRunner(model, "probe", settings, plan) as runner:
        for passage in probes:
            runner.truncate(0, 0)
            yield _score_one(runner, passage)


def _score_one(runner: LlamaRunner, passage: Probe) -> Rows:
    rows = np.empty((len(passage.places), runner.info.n_vocab), np.float32)
    place_of = {place: row for row, place in enumerate(passage.places)}
    for start in range(0, len(passage.tokens), SPARE_OUTPUTS):
        piece = list(passage.tokens[start : start + SPARE_OUTPUTS])
        logits = runner.decode([Slice(0, start, piece, len(piece))])
        wanted = [offset for offset in range(len(piece)) if start + offset in place_of]
        if wanted:
            target = [place_of[start + offset] for offset in wanted]
            rows[target] = log_probabilities(logits[wanted])
    return rows
