"""Reuses cells whose text a prompt spells in other tokens: the prompt takes over the cached spelling. Pure.

A model that samples rarely spells as its tokenizer would: an answer comes back in the next turn's prompt as text, its
tokens differ from the sampled ones at some point, and from there on nothing of the cache would fit, although every
letter is the same. So where prompt and sequence part, their bytes are compared further, and up to the last point where
both have a token's end the sequence's spelling is as good as the prompt's; better, for it is what the model wrote.
Control tokens have no bytes: they agree with themselves alone, so nobody's text can stand for one.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from bdchat.engine.kv.prefix_tree import num_common

MIN_GAIN = 16  # tokens: below this another spelling is not worth having


class Alignment(NamedTuple):
    """The first `num_prompt` tokens of the prompt and the first `num_cached` of the sequence are the same text."""

    num_prompt: int
    num_cached: int


def align(prompt: Sequence[int], cached: Sequence[int], start: int, token_bytes: Callable[[int], bytes]) -> Alignment:
    """`start`: so many first tokens are equal. Law: what is aligned spells the same bytes and control tokens."""
    best = Alignment(start, start)
    i = j = start
    ahead = b""  # of the side that has more bytes so far
    prompt_is_ahead = False
    while True:
        if not ahead:
            best = Alignment(i, j)
            if i == len(prompt) or j == len(cached):
                return best
            if prompt[i] == cached[j]:
                i, j = i + 1, j + 1
                continue
            ahead, prompt_is_ahead = token_bytes(prompt[i]), True
            i += 1
            if not ahead:
                return best  # a control token where the other has something else
        side, at = (cached, j) if prompt_is_ahead else (prompt, i)
        if at == len(side):
            return best
        piece = token_bytes(side[at])
        common = min(len(piece), len(ahead))
        if not piece or piece[:common] != ahead[:common]:
            return best
        if prompt_is_ahead:
            j += 1
        else:
            i += 1
        if len(piece) > len(ahead):
            ahead, prompt_is_ahead = piece[common:], not prompt_is_ahead
        else:
            ahead = ahead[common:]


def respelled(prompt: list[int], spellings: Iterable[list[int]], token_bytes: Callable[[int], bytes]) -> list[int]:
    """The prompt with its beginning spelled as in the one of `spellings` that agrees with it furthest; as it is where
    that gains too little."""
    best, best_spelling, num_plain = Alignment(0, 0), prompt, 0
    for spelling in spellings:
        start = num_common(spelling, prompt, 0)
        num_plain = max(num_plain, start)
        if start:
            found = align(prompt, spelling, start, token_bytes)
            if found.num_cached > best.num_cached:
                best, best_spelling = found, spelling
    if best.num_cached < num_plain + MIN_GAIN:
        return prompt
    return [*best_spelling[: best.num_cached], *prompt[best.num_prompt :]]
