"""Token counts of one call, and how long its parts took, in OpenAI's shape. Pure.

A prompt is counted once however many choices it has; completions are summed; prompts of one call are summed."""

from typing import Any

from bdchat.engine.request import Accepted, Finished


class UsageCount:
    def __init__(self) -> None:
        self._num_prompt_tokens = 0
        self._num_cached_tokens = 0
        self._num_completion_tokens = 0
        self._timings: dict[str, float] = {}

    def add_accepted(self, event: Accepted) -> None:
        self._num_prompt_tokens += len(event.prompt_tokens)

    def add_finished(self, event: Finished) -> None:
        self._num_completion_tokens += event.usage.num_completion_tokens
        if event.index == 0:  # later choices find the first one's prompt in the cache: that is not reuse
            self._num_cached_tokens += min(event.usage.num_cached_tokens, event.usage.num_prompt_tokens)
            timings = event.timings
            self._timings = {
                "queue_ms": round(timings.queue_ms, 3),
                "prefill_ms": round(timings.prefill_ms, 3),
                "decode_ms": round(timings.decode_ms, 3),
            }

    def to_wire(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self._num_prompt_tokens,
            "completion_tokens": self._num_completion_tokens,
            "total_tokens": self._num_prompt_tokens + self._num_completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self._num_cached_tokens, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    @property
    def timings(self) -> dict[str, float]:
        """Of the first choice: queue_ms, prefill_ms, decode_ms."""
        return self._timings
