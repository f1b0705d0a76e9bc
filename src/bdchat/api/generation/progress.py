"""What a stream tells, when it is asked, of a request that has no text yet, or that is paused. Pure."""

from bdchat.engine.request import Progress


def progress_of(event: Progress) -> dict[str, int | bool | None]:
    return {
        "queue_position": event.queue_position,  # 1 = next to get a place; null = it has one
        "num_prompt_tokens": event.num_prompt_tokens,
        "num_cached_tokens": event.num_cached_tokens,
        "num_computed_tokens": event.num_computed_tokens,  # the cached ones included
        "is_paused": event.is_paused,  # it had a place, gave way to others and goes on by itself
        "eta_ms": event.eta_ms,  # expected until its next token; null = not known
    }
