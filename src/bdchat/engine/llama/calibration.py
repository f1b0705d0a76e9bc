"""Chooses KV layout, KV type and attention from measurements. Pure: no llama.cpp, no clock, no files.

Without flash attention every cell up to the highest used one is multiplied: in a unified cache unlike sequences pay for
each other, while sequences that share a prefix become one product. Flash attention skips what is masked, but is slow on
processors whose f16 arithmetic is. No rule of thumb held on the machines it was tried on, hence the measurement.
"""

import math
from collections.abc import Sequence

import msgspec

from bdchat.engine.kv.plan import KVPlan, KVType
from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.engine.weights.choice import NEW_TOKENS, NUM_STREAMS, PROMPT_TOKENS
from bdchat.settings import EngineSettings

UNIFIED_ADVANTAGE = 1.03  # unified must win by this much: its cost grows with every idle cell, and copying a prefix
# between streams takes 1/300 of computing it again
# Other types change the text slightly: they must win clearly, by more than two measurements of the same thing differ.
TYPE_ADVANTAGE = {"f16": 1.0, "bf16": 1.12, "q8_0": 1.15}

NUM_FINALISTS, CLOSE = 2, 0.9  # so near to the best, as a share of its score, two measurements of one thing differ


class Candidate(msgspec.Struct, frozen=True):
    layout: KVLayout
    kv_type: KVType
    flash_attention: bool


class Measurement(msgspec.Struct, frozen=True):
    candidate: Candidate
    step_ms: float  # one sequence decodes one token
    streams_step_ms: float  # NUM_STREAMS sequences decode one token each
    prefill_ms_per_token: float
    streams_prefill_ms_per_token: float  # while the other sequences hold their cells

    @property
    def score(self) -> float:
        """Tokens per second for typical requests, one at a time and NUM_STREAMS at once (geometric mean)."""
        alone = _rate(1, self.step_ms, self.prefill_ms_per_token)
        together = _rate(NUM_STREAMS, self.streams_step_ms, self.streams_prefill_ms_per_token)
        return math.sqrt(alone * together)

    def as_plan(self) -> KVPlan:
        return KVPlan(
            layout=self.candidate.layout,
            kv_type=self.candidate.kv_type,
            flash_attention=self.candidate.flash_attention,
            base_ms=self.step_ms,
            ms_per_decode=max(0.0, (self.streams_step_ms - self.step_ms) / (NUM_STREAMS - 1)),
            ms_per_prefill_token=self.prefill_ms_per_token,
            is_measured=True,
        )


def _rate(num_streams: int, step_ms: float, prefill_ms_per_token: float) -> float:
    busy_ms = num_streams * PROMPT_TOKENS * prefill_ms_per_token + NEW_TOKENS * step_ms
    return 1000.0 * num_streams * NEW_TOKENS / busy_ms


def candidates(
    settings: EngineSettings, memory_class: MemoryClass, *, on_gpu: bool, shares_cells: bool = False
) -> list[Candidate]:
    """What the settings leave open, the most telling first: measuring may stop early."""
    if on_gpu and settings.wanted_layout == settings.kv_type == settings.flash_attention == "auto":
        return [Candidate(KVLayout.UNIFIED, "f16", flash_attention=True)]
    ordered: list[Candidate] = [
        Candidate(KVLayout.STREAMS, "f16", flash_attention=False),
        Candidate(KVLayout.STREAMS, "f16", flash_attention=True),
        Candidate(KVLayout.UNIFIED, "f16", flash_attention=True),
        Candidate(KVLayout.UNIFIED, "f16", flash_attention=False),
        Candidate(KVLayout.STREAMS, "q8_0", flash_attention=True),
        Candidate(KVLayout.STREAMS, "bf16", flash_attention=True),
        Candidate(KVLayout.UNIFIED, "q8_0", flash_attention=True),
        Candidate(KVLayout.UNIFIED, "bf16", flash_attention=True),
        Candidate(KVLayout.STREAMS, "bf16", flash_attention=False),
        Candidate(KVLayout.UNIFIED, "bf16", flash_attention=False),
    ]
    allowed = [candidate for candidate in ordered if _is_allowed(candidate, settings)]
    if settings.kv_type == "auto" and settings.flash_attention == "off":
        allowed = [candidate for candidate in allowed if candidate.kv_type == "f16"]  # bf16 has no gain there
    elif settings.kv_type == "auto":
        allowed = [c for c in allowed if c.kv_type != "bf16" or c.flash_attention]
    if memory_class is MemoryClass.RECURRENT:
        return allowed[:1]  # a state, not cells: only the steps' cost is asked for
    if settings.wanted_layout == "auto" and (on_gpu or shares_cells):
        allowed = [candidate for candidate in allowed if candidate.layout is KVLayout.UNIFIED]
    return allowed


def is_worth_measuring(candidate: Candidate, seen: Sequence[Measurement]) -> bool:
    """A unified cache is tried only for the type and attention that lead among the streams measured so far."""
    streams = [m for m in seen if m.candidate.layout is KVLayout.STREAMS]
    if candidate.layout is KVLayout.STREAMS or not streams:
        return True
    best = max(streams, key=_weighted)
    same_kind = (best.candidate.kv_type, best.candidate.flash_attention)
    return same_kind == (candidate.kv_type, candidate.flash_attention)


def finalists(measurements: Sequence[Measurement]) -> list[Measurement]:
    """Those between which one measurement does not decide, the second best first: it was disadvantaged if any was. []
    when the best is clear."""
    ranked = sorted(measurements, key=_weighted, reverse=True)
    close = [m for m in ranked if _weighted(m) >= CLOSE * _weighted(ranked[0])][:NUM_FINALISTS]
    return close[::-1] if len(close) > 1 else []


def undisturbed(first: Measurement, second: Measurement) -> Measurement:
    """Of two measurements of one candidate, each figure's lower: other processes only ever add time."""
    assert first.candidate == second.candidate
    return Measurement(
        candidate=first.candidate,
        step_ms=min(first.step_ms, second.step_ms),
        streams_step_ms=min(first.streams_step_ms, second.streams_step_ms),
        prefill_ms_per_token=min(first.prefill_ms_per_token, second.prefill_ms_per_token),
        streams_prefill_ms_per_token=min(first.streams_prefill_ms_per_token, second.streams_prefill_ms_per_token),
    )


def choose(measurements: Sequence[Measurement]) -> KVPlan:
    """The best by score, when what speaks against a type or a layout is taken off."""
    assert measurements
    return max(measurements, key=_weighted).as_plan()


def _weighted(measurement: Measurement) -> float:
    score = measurement.score / TYPE_ADVANTAGE[measurement.candidate.kv_type]
    return score / UNIFIED_ADVANTAGE if measurement.candidate.layout is KVLayout.UNIFIED else score


def _is_allowed(candidate: Candidate, settings: EngineSettings) -> bool:
    return (
        settings.wanted_layout in ("auto", candidate.layout.value)
        and settings.kv_type in ("auto", candidate.kv_type)
        and settings.flash_attention in ("auto", "on" if candidate.flash_attention else "off")
    )
