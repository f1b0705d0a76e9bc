"""What a stream tells, when it is asked, of a request that has no text yet. Pure."""

from bdchat.engine.request import Progress


def progress_of(event: Progress) -> dict[str, int | None]:
    return {
        "queue_position": event.queue_position,  # 1 = next to get a place; null = it has one
        "num_prompt_tokens": event.num_prompt_tokens,
        "num_cached_tokens": event.num_cached_tokens,
        "num_computed_tokens": event.num_computed_tokens,  # the cached ones included
    }
