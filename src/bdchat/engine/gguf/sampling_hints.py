"""How those who made a model want it sampled: the keys general.sampling.* of its header. Pure.

They advise and are not needed to load it: one that makes no sense is left out. Names: gguf-py 0.19,
constants.Keys.General; what the sampler lacks (xtc, mirostat, an order of samplers) is not read.
"""

from bdchat.engine.gguf.metadata import Metadata
from bdchat.engine.request import SamplingHints

MAX_TOP_K = 1_000_000  # bounds: those of the same fields of a request
MAX_WINDOW = 65_536


def sampling_hints(metadata: Metadata) -> SamplingHints:
    top_k = _whole(metadata, "top_k", -1, MAX_TOP_K)
    return SamplingHints(
        temperature=metadata.number("general.sampling.temp", 0, 2),
        top_p=metadata.number("general.sampling.top_p", 0, 1),
        top_k=None if top_k is None else max(0, top_k),  # llama.cpp: 0 and below are "off"
        min_p=metadata.number("general.sampling.min_p", 0, 1),
        repeat_penalty=metadata.number("general.sampling.penalty_repeat", 0.01, 10),
        repeat_last_n=_whole(metadata, "penalty_last_n", -1, MAX_WINDOW),
    )


def _whole(metadata: Metadata, name: str, low: int, high: int) -> int | None:
    number = metadata.number(f"general.sampling.{name}", low, high)
    return None if number is None else int(number)
