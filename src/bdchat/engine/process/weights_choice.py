"""Which file and which order of weights an engine loads: the model's own, or what an optimizer made of it.

The same question is asked by the engine, which loads, and by the optimizer, which answers it for the next time.
"""

import logging
import shutil
from pathlib import Path
from typing import NamedTuple

from bdchat.engine.gguf.cursor import GGUFError
from bdchat.engine.gguf.header import GGUFHeader, read_header
from bdchat.engine.llama.library import library_identity
from bdchat.engine.llama.model import file_identity
from bdchat.engine.model_info import WeightsInfo
from bdchat.engine.weights.cache import WeightsFolder
from bdchat.engine.weights.verdict import Verdict
from bdchat.settings import EngineSettings

log = logging.getLogger(__name__)


class WeightsChoice(NamedTuple):
    header: GGUFHeader  # of what is loaded
    use_extra_bufts: bool
    info: WeightsInfo
    file: GGUFHeader  # the model's own

    @property
    def path(self) -> Path:
        return self.header.files[0]


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
    own = WeightsChoice(header, use_extra_bufts, WeightsInfo(), header)
    if settings.weights == "file" or not settings.calibrate or on_gpu or header.purpose != "chat":
        return own
    folder = weights_folder(cache_dir, header, settings, may_use_extra_bufts=use_extra_bufts)
    verdict = folder.verdict()
    if verdict is None:
        return own._replace(info=WeightsInfo(is_open=True))
    held = header
    if verdict.is_encoded:
        try:
            held = read_header(folder.weights)
        except GGUFError as error:
            log.warning("its new encoding is damaged and given up: %s", error.reason)
            folder.forget()
            return own._replace(info=WeightsInfo(is_open=True))
    return WeightsChoice(held, verdict.uses_extra_bufts and use_extra_bufts, info_of(verdict), header)


def without_encoding(choice: WeightsChoice) -> WeightsChoice:
    """Deletes it; nobody makes another before the next start."""
    shutil.rmtree(choice.path.parent, ignore_errors=True)
    return choice._replace(header=choice.file, info=WeightsInfo(reason="Its new encoding did not load."))


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
