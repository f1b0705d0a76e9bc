"""How fast a choice was read and written, under llama.cpp's names: what `timings` is there. Pure."""

from bdchat.engine.request import Finished


def speeds_of(finished: Finished) -> dict[str, float]:
    usage, timings = finished.usage, finished.timings
    num_read = usage.num_prompt_tokens - usage.num_cached_tokens
    return {
        "cache_n": usage.num_cached_tokens,
        **_speed("prompt", num_read, timings.prefill_ms),
        **_speed("predicted", usage.num_completion_tokens, timings.decode_ms),
    }


def _speed(what: str, num_tokens: int, ms: float) -> dict[str, float]:
    """0 for what cannot be told."""
    return {
        f"{what}_n": num_tokens,
        f"{what}_ms": round(ms, 3),
        f"{what}_per_token_ms": round(ms / num_tokens, 3) if num_tokens else 0.0,
        f"{what}_per_second": round(num_tokens * 1000 / ms, 3) if ms else 0.0,
    }
