"""What a choice took, under our names (`bdchat.timings`) and under llama.cpp's (`timings` there). Pure."""

from bdchat.engine.request import Finished


def timings_of(finished: Finished) -> dict[str, float]:
    """The times are all of it, from its arrival to its end; the counts are its own."""
    usage, timings = finished.usage, finished.timings
    return {
        "queue_ms": round(timings.queue_ms, 3),
        "prefill_ms": round(timings.prefill_ms, 3),
        "decode_ms": round(timings.decode_ms, 3),
        "swapped_ms": round(timings.swapped_ms, 3),
        "saved_ms": round(timings.saved_ms, 3),
        "num_computed_tokens": usage.num_computed_tokens,
        "num_cached_from_ram": usage.num_cached_from_ram,
        "num_cached_from_disk": usage.num_cached_from_disk,
        "num_drafted_tokens": usage.num_drafted_tokens,
        "num_accepted_tokens": usage.num_accepted_tokens,
        "num_preemptions": usage.num_preemptions,
    }


def speeds_of(finished: Finished) -> dict[str, float]:
    usage, timings = finished.usage, finished.timings
    num_read = usage.num_prompt_tokens - usage.num_cached_tokens
    drafts = {"draft_n": usage.num_drafted_tokens, "draft_n_accepted": usage.num_accepted_tokens}
    return {
        "cache_n": usage.num_cached_tokens,
        **_speed("prompt", num_read, timings.prefill_ms),
        **_speed("predicted", usage.num_completion_tokens, timings.decode_ms),
        **(drafts if usage.num_drafted_tokens else {}),  # llama-server leaves them out too
    }


def _speed(what: str, num_tokens: int, ms: float) -> dict[str, float]:
    """0 for what cannot be told."""
    return {
        f"{what}_n": num_tokens,
        f"{what}_ms": round(ms, 3),
        f"{what}_per_token_ms": round(ms / num_tokens, 3) if num_tokens else 0.0,
        f"{what}_per_second": round(num_tokens * 1000 / ms, 3) if ms else 0.0,
    }
