"""A draft model beside the model it guesses for: its file read, its vocabulary compared, its context made. Engine
thread only."""

from pathlib import Path

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.gguf.header import GGUFError, GGUFHeader, read_header
from bdchat.engine.kv.plan import KVPlan, padded
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.llama.runner import LlamaRunner
from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.settings import EngineSettings

SETTING = "engine.draft_model"
NUM_SEQUENCES = 5  # that are guessed for at once
_NUM_SAMPLES = 997  # tokens whose texts are compared, spread over the vocabulary


def read_draft_header(path: str, model_id: str) -> GGUFHeader:
    """Raises ModelLoadFailed, which names the setting."""
    if not Path(path).is_file():
        raise ModelLoadFailed(model_id, f"{SETTING}: there is no model {path!r} here; pull it, or name a .gguf")
    try:
        header = read_header(Path(path))
    except GGUFError as error:
        raise ModelLoadFailed(model_id, f"{SETTING}: {error}") from error
    if header.refusal is not None or header.purpose != "chat":
        raise ModelLoadFailed(model_id, f"{SETTING}: {header.refusal or 'it writes no text'}")
    return header


def open_draft(path: Path, target: LlamaModel, runner: LlamaRunner, settings: EngineSettings) -> LlamaRunner:
    """With cells for one whole context, which NUM_SEQUENCES share. Raises ModelLoadFailed."""
    model_id = runner.info.model_id
    model = LlamaModel.open(path, settings, use_extra_bufts=target.use_extra_bufts)
    try:
        if (difference := vocabulary_difference(target, model)) is not None:
            reason = f"{SETTING}: {path.name} has another vocabulary ({difference}); name one of the same family"
            raise ModelLoadFailed(model_id, reason)
        if model.memory_class is not MemoryClass.DENSE:
            reason = f"{SETTING}: {path.name} cannot take back a guess (its cells are {model.memory_class})"
            raise ModelLoadFailed(model_id, reason)
        plan = KVPlan(KVLayout.UNIFIED, runner.plan.kv_type, runner.plan.flash_attention)
        n_ctx = min(runner.info.n_ctx, model.n_ctx_train)
        small = settings.model_copy(
            update={
                "n_ctx": n_ctx,
                "max_sequences": NUM_SEQUENCES,
                "kv_memory_bytes": int(padded(n_ctx) * model.bytes_per_cell(plan.kv_type)) + 1,
            }
        )
        drafting = LlamaRunner(model, model_id, small, plan, owns_model=True)
        drafting.give_back()  # its cells take memory when it guesses, not before
        return drafting
    except BaseException:
        model.close()
        raise


def vocabulary_difference(target: LlamaModel, draft: LlamaModel) -> str | None:
    """The first one, in words; None: the same tokens mean the same in both."""
    if target.n_vocab != draft.n_vocab:
        return f"{draft.n_vocab:,} tokens, not {target.n_vocab:,}"
    step = max(1, target.n_vocab // _NUM_SAMPLES)
    for token in (*range(min(512, target.n_vocab)), *range(0, target.n_vocab, step), target.n_vocab - 1):
        ours, theirs = (
            (each.token_bytes(token), each.control_text(token), each.is_end_of_generation(token))
            for each in (target, draft)
        )
        if ours[:2] == theirs[:2] and ours[2] != theirs[2]:
            return f"token {token:,} ends an answer in one of them only"
        if ours != theirs:
            return f"token {token:,} is {(theirs[0] or theirs[1])!r}, not {(ours[0] or ours[1])!r}"
    return None
