"""Many more chats than cells: whose turn comes is brought back from RAM, or computed again.

24 chats of six turns over one system prompt; together they hold 16 times what the cells hold. Both servers get the same
number of cells and the same memory for what does not fit.
"""

from dataclasses import replace

from ..client import Client
from ..prompts import Shape
from ..workloads import Conversations, Figures, Workload, conversations

NUM_CELLS = 2048
CELL_BYTES = 23_040  # of the default model: 30 layers, keys and values of 3 heads of 64 values, f16
RAM_BYTES = 2048 << 20
WANTED = Conversations(num_sessions=24, num_turns=6, system_tokens=600)
TURN_TOKENS = 185  # of a question; with its answer and the template's marks six of them fill the cells
AT_A_TIME = 4
SETTINGS = (
    f"engine.n_ctx={NUM_CELLS}",
    "engine.kv_type=f16",
    f"engine.kv_memory_bytes={NUM_CELLS * CELL_BYTES}",
    f"engine.ram_cache_bytes={RAM_BYTES}",
)
# More than one slot of so few cells ends in "Context size has been exceeded" once two long chats meet.
PEER_FLAGS = (f"-np 1 -c {NUM_CELLS} --cache-ram {RAM_BYTES >> 20}",)


async def oversubscribed(client: Client, shape: Shape, level: int, seed: int) -> Figures:
    return await _measured(client, shape, level, seed, WANTED)


async def short(client: Client, shape: Shape, level: int, seed: int) -> Figures:
    return await _measured(client, shape, level, seed, replace(WANTED, num_sessions=4, num_turns=2))


async def _measured(client: Client, shape: Shape, level: int, seed: int, wanted: Conversations) -> Figures:
    turn_words = shape.num_words(TURN_TOKENS, with_template=False)
    figures = await conversations(client, shape, level, seed, replace(wanted, turn_words=turn_words))
    return {**figures, "held_over_cells": figures["held_tokens"] / NUM_CELLS}


def workload(*, is_short: bool) -> Workload:
    measure = short if is_short else oversubscribed
    title = f"{WANTED.num_sessions} chats × {WANTED.num_turns} turns that hold 16 times the cells"
    return Workload("oversubscribed", "at a time", (AT_A_TIME,), measure, title)
