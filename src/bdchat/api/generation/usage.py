"""Token counts and timings of one call, in OpenAI's shape and in the shape that is booked. Pure.

A prompt is counted once however many choices it has; completions are summed; prompts of one call are summed."""

from typing import Any

from bdchat.api.generation.speeds import speeds_of, timings_of
from bdchat.engine.request import Accepted, Delta, Event, Finished


class UsageCount:
    def __init__(self) -> None:
        self._num_prompt_tokens = 0
        self._num_cached_tokens = 0
        self._num_completion_tokens = 0
        self.num_reasoning_tokens = 0  # of the completion's; whoever reads its text counts them
        self._timings: dict[str, float] = {}
        self._first: Finished | None = None

    def add_accepted(self, event: Accepted) -> None:
        self._num_prompt_tokens += len(event.prompt_tokens)

    def add_finished(self, event: Finished) -> None:
        self._num_completion_tokens += event.usage.num_completion_tokens
        if event.index == 0:  # later choices find the first one's prompt in the cache: that is not reuse
            self._num_cached_tokens += min(event.usage.num_cached_tokens, event.usage.num_prompt_tokens)
            self._first = event
            self._timings = timings_of(event)

    def to_wire(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self._num_prompt_tokens,
            "completion_tokens": self._num_completion_tokens,
            "total_tokens": self._num_prompt_tokens + self._num_completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self._num_cached_tokens, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": self.num_reasoning_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    @property
    def timings(self) -> dict[str, float]:
        """Of the first choice, as speeds.timings_of tells it."""
        return self._timings

    @property
    def speeds(self) -> dict[str, float]:
        """Of the same, under llama.cpp's names."""
        return speeds_of(self._first) if self._first is not None else {}


class Spending:
    """What one generation has cost so far, as its engine counts it: prompt tokens of every choice, cancelled ones too,
    computed or found in the cache.

    `num_known_tokens` of the answer were booked before (continue). `is_counted`: it is a request of its own, which what
    goes on in the same engine is not."""

    def __init__(self, *, num_known_tokens: int = 0, is_counted: bool = True) -> None:
        self.queue_ms: float | None = None  # of the first choice, once that has ended
        self._num_known_tokens = num_known_tokens
        self._is_counted = is_counted
        self._was_accepted = False
        self._prompt_tokens = 0
        self._cached_tokens = 0
        self._completion_tokens = 0
        self._engine_ms = 0.0
        self._num_tokens_of_open: dict[int, int] = {}

    def note(self, event: Event) -> None:
        if isinstance(event, Delta):
            self._num_tokens_of_open[event.index] = self._num_tokens_of_open.get(event.index, 0) + len(event.tokens)
        elif isinstance(event, Accepted):
            self._was_accepted = True
        elif isinstance(event, Finished):
            usage, timings = event.usage, event.timings
            self._prompt_tokens += usage.num_computed_tokens + usage.num_cached_tokens
            self._cached_tokens += usage.num_cached_tokens
            self._completion_tokens += usage.num_completion_tokens - self._num_known_tokens
            self._engine_ms += timings.prefill_ms + timings.decode_ms
            if event.index == 0:
                self.queue_ms = timings.queue_ms
            self._num_tokens_of_open.pop(event.index, None)

    def note_refusal_in_the_queue(self) -> None:
        """The engine had taken it in, but its reader has had no event."""
        self._was_accepted = True

    def counts(self) -> dict[str, int]:
        """Columns of UsageBucket."""
        return {
            "num_requests": int(self._was_accepted and self._is_counted),
            "prompt_tokens": self._prompt_tokens,
            "cached_tokens": self._cached_tokens,
            "completion_tokens": self._completion_tokens + sum(self._num_tokens_of_open.values()),
            "engine_ms": round(self._engine_ms),
        }
