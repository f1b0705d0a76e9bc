"""Books what a sequence found in the cache when it got its first place. Loop thread only."""

from bdchat.engine.kv.lookup import Claim, Tier
from bdchat.engine.metrics import Counts
from bdchat.engine.scheduling.pace.step_cost import StepCost
from bdchat.engine.scheduling.sequence import Sequence


def note_claim(sequence: Sequence, claim: Claim, counts: Counts, cost: StepCost, *, claim_ms: float) -> None:
    """`claim_ms`: what bringing it back took; where that was more than reading, less than nothing was saved. Tokens of
    an answer that goes on are not its prompt's."""
    num_cached = min(claim.num_cached_tokens, sequence.num_prompt_tokens)
    sequence.num_cached_tokens = num_cached
    sequence.num_cached_from_ram = num_cached if claim.tier is Tier.RAM else 0
    sequence.num_cached_from_disk = num_cached if claim.tier is Tier.DISK else 0
    sequence.saved_ms = cost.prefill_ms(num_cached) - claim_ms if num_cached else 0.0
    counts.prompt_tokens_cached += num_cached
    counts.prompt_tokens_from_ram += sequence.num_cached_from_ram
    counts.prompt_tokens_from_disk += sequence.num_cached_from_disk
