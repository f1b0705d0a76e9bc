"""How long answers are expected to get. Pure."""

SMOOTHING = 0.2  # weight of the newest observation


class ExpectedOutput:
    """Running average of how long answers get, so that cells are not reserved for a max_tokens that nobody reaches."""

    def __init__(self, num_tokens: float = 128.0) -> None:
        self._num_tokens = num_tokens

    def observe(self, num_tokens: int) -> None:
        self._num_tokens += SMOOTHING * (num_tokens - self._num_tokens)

    def at_most(self, max_tokens: int) -> int:
        return min(max_tokens, int(self._num_tokens) + 1)
