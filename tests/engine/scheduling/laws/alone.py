"""The naive model: what an answer is when nothing else happens. Token by token, in the plainest way; knows no cells."""

import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from bdchat.engine.request import FinishReason
from tests.engine.scheduling.laws.history import Ask, History, Machine
from tests.fakes import EOS

_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
_ENDS_EVERY = 53  # one in so many texts is over


def likeliest(text_sum: int, num_letters: int) -> int:
    """What the model would say behind a text with that checksum."""
    return EOS if text_sum % _ENDS_EVERY == 0 else _LETTERS[text_sum % num_letters]


def drawn(likeliest_token: int, seed: int, place: int) -> int:
    """The token that a sampler draws as number `place` of an answer, in place of the likeliest one."""
    if likeliest_token == EOS:
        return EOS
    return _LETTERS[(likeliest_token + 7 * place + seed) % len(_LETTERS)]


def allowed_by(pattern: str, place: int) -> bytes | None:
    """Which tokens may stand at a place of an answer that is held to a pattern: "?" is any of a few letters, a capital
    is that letter and no other, "!" nothing at all. None: anything."""
    wanted = pattern[place]
    if wanted == "*":
        return None
    return {"?": b"aeiou", "!": b""}.get(wanted, wanted.lower().encode())


def may_be(token: int, allowed: bytes) -> bool:
    return token != EOS and token in allowed


def held_to(allowed: bytes | None, token: int, place: int) -> int:
    """The token that is chosen in its place where it is not allowed; something is."""
    return token if allowed is None or may_be(token, allowed) else allowed[place % len(allowed)]


@dataclass(frozen=True, slots=True)
class Alone:
    """What one choice must be."""

    tokens: tuple[int, ...]
    text: str
    reason: FinishReason
    stop: str | None
    num_sampled: int  # the end is one of them


def answer(machine: Machine, ask: Ask, prompt: Sequence[int], seed: int) -> Alone:
    """`seed`: of this choice."""
    tokens: list[int] = []
    text_sum = zlib.crc32(array("i", prompt).tobytes())
    most = min(ask.max_tokens, machine.n_ctx - len(prompt))
    text = ""
    while True:
        place = len(tokens)
        if ask.pattern and place == len(ask.pattern):
            return Alone(tuple(tokens), text, FinishReason.STOP, None, place)
        if place >= most:
            return Alone(tuple(tokens), text, FinishReason.LENGTH, None, place)
        token = likeliest(text_sum, machine.num_letters)
        if ask.is_drawn:
            token = drawn(token, seed, place)
        if ask.pattern:
            allowed = allowed_by(ask.pattern, place)
            if allowed == b"":
                return Alone(tuple(tokens), text, FinishReason.ERROR, None, place)
            token = held_to(allowed, token, place)
        if token == EOS:
            return Alone(tuple(tokens), text, FinishReason.STOP, None, place + 1)
        tokens.append(token)
        text += chr(token)
        text_sum = zlib.crc32(array("i", (token,)).tobytes(), text_sum)
        ends = [stop for stop in ask.stop if text.endswith(stop)]
        if ends:
            stop = max(ends, key=len)
            return Alone(tuple(tokens), text[: -len(stop)], FinishReason.STOP, stop, place + 1)


def prompts_of(history: History) -> list[list[int]]:
    """Of its requests in order. Shorter than was drawn where the context would not hold them."""
    machine = history.machine
    asks = [each for each in history.happenings if isinstance(each, Ask)]
    prompts: list[list[int]] = []
    for number, ask in enumerate(asks):
        if ask.follows is not None and ask.follows < number:
            earlier = prompts[ask.follows]
            before = [*earlier, *answer(machine, asks[ask.follows], earlier, seed_of(ask.follows)).tokens, EOS]
        else:
            before = shared_text(ask.shared, ask.num_shared)
        own = [65 + (number + 5 * i) % 26 for i in range(max(1, ask.num_own))]
        prompt = before[: ask.num_shared] + own
        prompts.append(prompt[: machine.n_ctx - 1])
    return prompts


def shared_text(number: int, length: int) -> list[int]:
    """Messages of a template, each with its end."""
    return [1 + number, *(97 + (number + 3 * i) % 25 if i % 20 else EOS for i in range(1, length))]


def seed_of(number: int) -> int:
    """Of a history's request; its choice i has this plus i."""
    return 100 * number
