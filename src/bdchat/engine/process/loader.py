"""A GGUF on disk → a loaded model that serves. Engine process, step loop's thread.

The order is the point: the file's header is checked in Python before native code sees it, and the library itself is
tried in a process of its own before this one trusts it. After that this process starts no other, and gives up what an
engine has no use for, before native code reads the file.
"""

import gc
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.gguf.header import GGUFHeader, read_header
from bdchat.engine.host import free_memory_bytes
from bdchat.engine.isolation.confinement import confine
from bdchat.engine.kv.plan import smaller
from bdchat.engine.llama.draft_opening import open_draft, read_draft_header
from bdchat.engine.llama.embedder import LlamaEmbedder, longest_text
from bdchat.engine.llama.library import library_identity, start_library, supports_gpu_offload
from bdchat.engine.llama.measurement import calibrated_plan
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.llama.probe import probe
from bdchat.engine.llama.runner import LlamaRunner
from bdchat.engine.llama.tokenizer import LlamaTokenizer
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.model_runner import KVLayout
from bdchat.engine.process.embedding_worker import EmbeddingModel
from bdchat.engine.process.trial import GrammarTrial
from bdchat.engine.process.weights_choice import WeightsChoice, choose_weights, without_encoding
from bdchat.engine.process.worker import LoadedModel
from bdchat.engine.sampling.compiler import GrammarCompiler
from bdchat.engine.sampling.token_table import TokenTable
from bdchat.engine.scheduling.draft_model import DraftModel
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.pace.step_shape import ROW_WEIGHT
from bdchat.engine.text.embedding_text import EmbeddingTexts
from bdchat.engine.text.prompt import make_prompt_builder
from bdchat.engine.wire import Load
from bdchat.lifeline import child_environment
from bdchat.settings import EngineSettings

log = logging.getLogger(__name__)


class LlamaLoader:
    """Fulfils ModelLoader."""

    def load(self, load: Load, report_progress: Callable[[str, float | None], None]) -> LoadedModel | EmbeddingModel:
        """Raises GGUFError, TemplateError, ModelLoadFailed."""
        path, cache_dir = Path(load.model_path), Path(load.cache_dir)
        settings = EngineSettings.model_validate(load.settings)
        report_progress("checking the file", None)
        header = read_header(path)
        if header.refusal is not None:
            raise ModelLoadFailed(load.model_id, header.refusal)
        grammar_trial = GrammarTrial.start(child_environment()) if header.purpose == "chat" else None
        report_progress("trying the library", None)
        tried = probe(path, cache_dir, library=library_identity())
        if tried.warning:
            log.warning("%s", tried.warning)
        start_library()  # first: what a driver starts, it starts here
        on_gpu = supports_gpu_offload() and settings.n_gpu_layers != 0
        if load.num_shrinks:  # memory ended: the file's own encoding takes less
            settings = settings.model_copy(update={"weights": "file"})
        weights = choose_weights(cache_dir, header, settings, use_extra_bufts=tried.use_extra_bufts, on_gpu=on_gpu)
        draft = _draft_header(load, header, settings)
        confine(weights.header, settings, on_gpu=on_gpu, draft=draft)
        model, weights = _open(weights, settings, report_progress)
        try:
            settings = smaller(
                settings,
                load.num_shrinks,
                bytes_per_cell=model.bytes_per_cell("f16"),
                n_ctx_train=model.n_ctx_train,
                free_bytes=free_memory_bytes(),
            )
            tokenizer = LlamaTokenizer(model.handle)
            pooling = header.pooling or ("rank" if header.purpose == "reranker" else "mean")
            texts = EmbeddingTexts(
                tokenizer,
                longest_text(model, settings),
                around=tokenizer.around_texts(),
                between=tokenizer.between_texts(),
                rank_template=model.rank_template,
            )
            if grammar_trial is None:
                report_progress("making the context", None)
                return _embedding_model(header, LlamaEmbedder(model, load.model_id, settings, pooling), model, texts)
            prompts = make_prompt_builder(tokenizer, tokenizer.chat_template, tokenizer.bos_text, tokenizer.eos_text)
            report_progress("measuring this machine", None)
            plan = calibrated_plan(model, load.model_id, settings, cache_dir)
            report_progress("making the context", None)
            runner = LlamaRunner(model, load.model_id, settings, plan, owns_model=True)
            runner.learn_cells()
            drafter = _drafter(draft, load, model, runner, settings) if draft is not None else None
            marks = prompts.answer_marks()
            runner.info = msgspec.structs.replace(
                runner.info,
                adds_space_prefix=tokenizer.adds_space_prefix,
                end_texts=marks.texts,
                end_token_ids=tuple(sorted(marks.token_ids)),
                opens_thought=prompts.opens_thought,
                answer_format=prompts.answer_format,
                mark_tokens=prompts.mark_tokens(),
                has_fim=prompts.has_fim,
                num_dimensions=model.num_dimensions,
                context_cut=told_smaller(runner.info, settings, load.num_shrinks),
                weights=weights.info,
                draft_model=Path(load.draft_path).stem if draft is not None else None,
            )
        except BaseException:
            model.close()
            raise
        if runner.info.context_cut is not None:
            log.warning("%s", runner.info.context_cut)
        if runner.info.n_ctx > model.n_ctx_train:
            log.warning("%d tokens of context are served, %d were trained for", runner.info.n_ctx, model.n_ctx_train)
        gc.freeze()  # what was loaded stays for the process's life; the collector need not look through it in a step
        cost = StepCost(
            prefill_ms_per_token=plan.ms_per_prefill_token,
            decode_base_ms=plan.base_ms,
            decode_ms_per_sequence=plan.ms_per_decode,
            is_streams=plan.layout is KVLayout.STREAMS,
            row_weight=ROW_WEIGHT if plan.flash_attention and not on_gpu else 1.0,
        )
        table = cache(lambda: TokenTable.of(tokenizer, end_token_ids=marks.token_ids))
        grammar_trial.serve(table)
        grammars = GrammarCompiler(table, runner.info, trial=grammar_trial)
        return LoadedModel(
            runner,
            prompts.bounded(runner.info.n_ctx),
            texts,
            lambda: LlamaEmbedder(model, load.model_id, settings, pooling, plan=plan),
            cost=cost,
            grammars=grammars,
            drafter=drafter,
        )


def _open(
    weights: WeightsChoice, settings: EngineSettings, report_progress: Callable[[str, float | None], None]
) -> tuple[LlamaModel, WeightsChoice]:
    """An encoding that does not load is deleted: the model's own file is what was asked for. Raises ModelLoadFailed."""

    def report(fraction: float) -> None:
        report_progress("reading the model", fraction)

    try:
        return LlamaModel.open(weights.path, settings, use_extra_bufts=weights.use_extra_bufts, report=report), weights
    except ModelLoadFailed as error:
        if not weights.info.is_encoded:
            raise
        log.warning("its new encoding is given up: %s", error.reason)
    weights = without_encoding(weights)
    return LlamaModel.open(weights.path, settings, use_extra_bufts=weights.use_extra_bufts, report=report), weights


def told_smaller(info: ModelInfo, settings: EngineSettings, num_shrinks: int) -> str | None:
    """What memory did not allow, in one line."""
    if num_shrinks == 0:
        return info.context_cut
    return (
        f"memory ended, so this is 1/{1 << num_shrinks} of the plan: answers at once {info.num_sequences}, context"
        f" {info.n_ctx:,} tokens, step {settings.n_batch} tokens; load the model again when there is more memory"
    )


def _draft_header(load: Load, header: GGUFHeader, settings: EngineSettings) -> GGUFHeader | None:
    """None: nothing guesses for this model but its own text. Raises ModelLoadFailed."""
    if not load.draft_path or header.purpose != "chat" or not settings.max_draft_tokens:
        return None
    return read_draft_header(load.draft_path, load.model_id)


def _drafter(
    draft: GGUFHeader, load: Load, model: LlamaModel, runner: LlamaRunner, settings: EngineSettings
) -> DraftModel:
    small = open_draft(Path(load.draft_path), model, runner, settings)
    return DraftModel(small, share=draft.model_bytes / max(1, model.model_bytes))


def _embedding_model(
    header: GGUFHeader, embedder: LlamaEmbedder, model: LlamaModel, texts: EmbeddingTexts
) -> EmbeddingModel:
    info = ModelInfo(
        model_id=embedder.model_id,
        architecture=model.architecture,
        num_parameters=model.num_parameters,
        model_bytes=model.model_bytes,
        n_vocab=model.n_vocab,
        n_ctx_train=model.n_ctx_train,
        n_ctx=embedder.n_ctx,
        context_cut=embedder.context_cut,
        num_sequences=embedder.num_sequences,
        num_cells=0,
        kv_layout="unified",
        kv_type="f16",
        flash_attention=embedder.flash_attention,
        n_threads=embedder.n_threads,
        memory_class=model.memory_class.value,
        has_chat_template=False,
        fingerprint=model.fingerprint(embedder.pooling),
        purpose=header.purpose,
        num_dimensions=embedder.num_dimensions,
        may_shorten_vectors=header.may_shorten_vectors,
        use_extra_bufts=model.use_extra_bufts,
        description=model.description,
    )
    return EmbeddingModel(info, texts, embedder, model.close)
