"""Histories that broke a law once, as small as they got."""

import pytest

from bdchat.engine.model_runner import KVLayout, MemoryClass
from bdchat.engine.request import Priority
from tests.engine.scheduling.laws.history import Ask, Die, History, Machine, RefuseSlots, Steps
from tests.engine.scheduling.laws.playing import Play

HISTORIES = {
    # behind a sliding window the check of the books failed everything whenever the engine came to rest
    "a window lets the beginning go": History(
        Machine(memory_class=MemoryClass.SWA, n_swa=8),
        (Ask(num_shared=20),),
    ),
    "an answer that its grammar failed is counted": History(
        Machine(),
        (Ask(pattern="!"),),
    ),
    # it was read and told again, and nothing of it was found in the cache
    "who gives way after its prompt was scored": History(
        Machine(),
        (Ask(has_prompt_logprobs=True), Ask(), Steps(), RefuseSlots()),
    ),
    # a draft model's trial asked for more outputs than a step has
    "a trial of a draft model beside many": History(
        Machine(num_places=3, max_draft_tokens=3, has_draft_model=True, step_ms=100.0),
        (Ask(), Steps(num=2), Ask(max_tokens=5, num_choices=3)),
    ),
    "a prompt is scored in the engine's next life": History(
        Machine(),
        (Ask(has_prompt_logprobs=True, num_choices=2), Steps(num=2), Die()),
    ),
    # each took all places of the other, whose turn it then was, and neither got on
    "two users in a pool that holds one of them": History(
        Machine(n_ctx=4, num_cells=6, memory_class=MemoryClass.SWA),
        (Ask(num_choices=2), Ask(num_choices=2, user="u")),
    ),
    # the earlier one of a worse class kept its place where llama.cpp found no slot for both
    "no slot for a batch answer and an interactive one": History(
        Machine(layout=KVLayout.STREAMS),
        (Ask(priority=Priority.BATCH), Ask(), RefuseSlots()),
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_it_breaks_no_law(name: str) -> None:
    Play(HISTORIES[name]).to_the_end()
