"""Which file and which order of weights an engine loads: the model's own, or what an optimizer made of it.

The same question is asked by the engine, which loads, and by the optimizer, which answers it for the next time.
"""

from pathlib import Path
from typing import NamedTuple

from bdchat.engine.gguf.header import GGUFHeader
from bdchat.engine.llama.library import library_identity
from bdchat.engine.llama.model import file_identity
from bdchat.engine.request import WeightsInfo
from bdchat.engine.weights.cache import Verdict, WeightsFolder
from bdchat.settings import EngineSettings


class WeightsChoice(NamedTuple):
    path: Path
    use_extra_bufts: bool
    info: WeightsInfo


def weights_folder(
    cache_dir: Path, header: GGUFHeader, settings: EngineSettings, *, may_use_extra_bufts: bool
) -> WeightsFolder:
    return WeightsFolder.of(
        cache_dir,
        header.files[0],
        file="|".join(file_identity(file) for file in header.files),
        library=library_identity(),
        may_use_extra_bufts=may_use_extra_bufts,
        max_kl=settings.weights_max_kl,
    )


def choose_weights(
    cache_dir: Path, header: GGUFHeader, settings: EngineSettings, *, use_extra_bufts: bool, on_gpu: bool
) -> WeightsChoice:
    """`use_extra_bufts`: whether the probe allows orders of the CPU's own."""
    own = WeightsChoice(header.files[0], use_extra_bufts, WeightsInfo())
    if settings.weights == "file" or not settings.calibrate or on_gpu or header.purpose != "chat":
        return own
    folder = weights_folder(cache_dir, header, settings, may_use_extra_bufts=use_extra_bufts)
    verdict = folder.verdict()
    if verdict is None:
        return own._replace(info=WeightsInfo(is_open=True))
    path = folder.weights if verdict.is_encoded else header.files[0]
    return WeightsChoice(path, verdict.uses_extra_bufts and use_extra_bufts, info_of(verdict))


def info_of(verdict: Verdict) -> WeightsInfo:
    fidelity = verdict.fidelity
    before, after = verdict.before, verdict.after
    return WeightsInfo(
        is_encoded=verdict.is_encoded,
        encodings=verdict.encodings,
        reason=verdict.reason,
        num_bytes=verdict.num_bytes,
        mean_kl=fidelity.mean_kl if fidelity else None,
        perplexity=fidelity.perplexity if fidelity else None,
        speed_before=(before.prompt, before.alone, before.streams) if before else None,
        speed_after=(after.prompt, after.alone, after.streams) if after else None,
    )
