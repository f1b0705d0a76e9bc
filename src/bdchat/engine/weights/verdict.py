"""What was found out about a model's weights on this machine. Values: the server reads them too, so no numpy here."""

import msgspec

MAX_PERPLEXITY = 1.002  # of the file's own, on the same text: 0.2 % worse


class Fidelity(msgspec.Struct, frozen=True, kw_only=True):
    mean_kl: float  # nats a token, from the file's distribution to the encoding's
    file_kl: float  # and to that of the file as it is run; 0 where that had to stand for the exact answers
    perplexity: float  # the encoding's over that of the file as it is run
    same_choice: float  # share of positions at which the encoding puts the file's first token first
    num_positions: int

    def is_near(self, max_kl: float) -> bool:
        """Nearer than `max_kl`, or than the file itself is run."""
        return self.mean_kl <= max(max_kl, self.file_kl) and self.perplexity <= MAX_PERPLEXITY


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """Of the whole team, tokens a second."""

    prompt: float
    alone: float
    streams: float  # NUM_STREAMS together


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    model_path: str
    is_encoded: bool  # there is a WEIGHTS_FILE, and it is what should be loaded
    uses_extra_bufts: bool  # weights may be held in an order of the CPU's own
    reason: str  # one sentence for people
    num_bytes: int = 0  # of WEIGHTS_FILE
    encodings: dict[str, int] = {}  # "Q4_1 → Q8_0": number of matrices
    fidelity: Fidelity | None = None
    before: Speed | None = None
    after: Speed | None = None
