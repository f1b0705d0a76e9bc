"""Counters of an engine process. Totals only grow while the process lives; the parent adds up over restarts."""

from bdchat.engine.request import Value


class EngineMetrics(Value, frozen=True, kw_only=True):
    """A snapshot, sent when a request begins or ends, and every 100 ms while there is work."""

    num_waiting: int = 0
    num_paused: int = 0  # of those, had a place, gave way to others and go on by themselves
    num_running: int = 0
    num_cells: int = 0  # in use, idle ones included
    num_idle_cells: int = 0  # of those, held by no running sequence
    num_cells_total: int = 0
    kv_resident_bytes: int = 0  # memory that the cells take, used or not; as of when the engine last had nothing to do
    ram_cache_bytes: int = 0
    disk_cache_bytes: int = 0
    # totals
    prompt_tokens_computed: int = 0
    prompt_tokens_cached: int = 0  # by prefix reuse, all tiers
    prompt_tokens_from_ram: int = 0  # of those, restored from the RAM tier
    prompt_tokens_from_disk: int = 0  # and from the disk tier
    tokens_generated: int = 0
    num_steps: int = 0
    num_batched_tokens: int = 0  # over all steps
    decode_seconds: float = 0.0  # inside llama_decode
    outside_seconds: float = 0.0  # the rest of a step: planning, sampling, text, frames
    num_tokens_drafted: int = 0  # guessed and computed
    num_tokens_accepted: int = 0  # of those, right
    num_recent_tokens_drafted: int = 0  # of num_tokens_drafted, from recent answers of the account
    num_recent_tokens_accepted: int = 0
    num_model_tokens_drafted: int = 0  # and by a draft model
    num_model_tokens_accepted: int = 0
    num_evictions: int = 0
    num_preemptions: int = 0
    num_swaps_out: int = 0  # states of paused sequences, from their cells to RAM or to the disk
    num_swaps_out_to_disk: int = 0  # of those
    num_swaps_in: int = 0  # and back from RAM
    num_swaps_recomputed: int = 0  # that found no room, or are read again faster than copied
    swap_seconds: float = 0.0  # for the copies
    num_requests: int = 0
    num_cancelled: int = 0
    num_failed: int = 0
    num_texts_embedded: int = 0
    tokens_embedded: int = 0


class Counts:
    """Totals since the process began, under the names that EngineMetrics gives them."""

    def __init__(self) -> None:
        self.prompt_tokens_computed = 0
        self.prompt_tokens_cached = 0
        self.prompt_tokens_from_ram = 0
        self.prompt_tokens_from_disk = 0
        self.tokens_generated = 0
        self.num_steps = 0
        self.num_batched_tokens = 0
        self.outside_seconds = 0.0
        self.num_tokens_drafted = 0
        self.num_tokens_accepted = 0
        self.num_recent_tokens_drafted = 0
        self.num_recent_tokens_accepted = 0
        self.num_model_tokens_drafted = 0
        self.num_model_tokens_accepted = 0
        self.num_preemptions = 0
        self.num_requests = 0
        self.num_cancelled = 0
        self.num_failed = 0
        self.num_texts_embedded = 0
        self.tokens_embedded = 0
