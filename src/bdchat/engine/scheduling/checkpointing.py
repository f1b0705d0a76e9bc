"""When a sequence that can't be cut back is checkpointed. Loop thread only."""

from collections.abc import Iterable

from bdchat.engine.kv.cache import KVCache
from bdchat.engine.kv.checkpoints import EVERY_TOKENS, checkpoints_ahead
from bdchat.engine.model_runner import ModelRunner
from bdchat.engine.scheduling.sequence import Sequence


class Checkpointing:
    """Owned by the scheduler. Does nothing for a model whose sequences can be cut back anywhere."""

    def __init__(self, runner: ModelRunner, kv_cache: KVCache) -> None:
        self._runner = runner
        self._kv_cache = kv_cache

    def plan(self, running: Iterable[Sequence]) -> None:
        """Those that have a place for the first time know now what the cache had of them."""
        if not self._runner.needs_checkpoints:
            return
        for sequence in running:
            if sequence.pauses is None and sequence.request.shares_cache:
                prompt = sequence.tokens[: sequence.num_prompt_tokens]
                sequence.pauses = checkpoints_ahead(
                    prompt, sequence.num_computed_tokens, self._runner.is_end_of_generation
                )

    def look(self, sequence: Sequence) -> None:
        """More of it has been computed."""
        if sequence.pauses is None:
            return
        at = sequence.num_computed_tokens
        if at in sequence.pauses or (at > sequence.num_prompt_tokens and at % EVERY_TOKENS == 0):
            assert sequence.seq_id is not None
            self._kv_cache.checkpoint(sequence.seq_id, tag=sequence.request.cache_tag)
