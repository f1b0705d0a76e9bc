"""What FakeEngine says: a token is one byte of text."""

from collections.abc import Sequence

from bdchat.engine.request import Delta, FinishReason, GenerationRequest, TokenLogprob, TopLogprob


def answer_text(pieces: Sequence[str], index: int, request: GenerationRequest) -> tuple[list[str], FinishReason]:
    """What is said, cut at the first stop string or after max_tokens bytes of ASCII."""
    own = [piece + (str(index) if index else "") for piece in pieces]
    whole = "".join(own)
    end, reason = len(whole), FinishReason.STOP
    for stop in request.sampling.stop:
        if (found := whole.find(stop)) >= 0:
            end = min(end, found)
    if request.sampling.max_tokens is not None and request.sampling.max_tokens < end:
        end, reason = request.sampling.max_tokens, FinishReason.LENGTH
    kept: list[str] = []
    for piece in own:
        if piece[:end]:
            kept.append(piece[:end])
        end = max(0, end - len(piece))
    return kept, reason


def stop_of(pieces: Sequence[str], request: GenerationRequest) -> str | None:
    """The stop string that is met first, in what the first choice would say."""
    whole = "".join(pieces)
    met = [stop for stop in request.sampling.stop if stop in whole]
    return min(met, key=whole.find, default=None)


def beyond(pieces: Sequence[str], num_chars: int) -> list[str]:
    rests = []
    for piece in pieces:
        rests.append(piece[num_chars:])
        num_chars = max(0, num_chars - len(piece))
    return [rest for rest in rests if rest]


def delta(request: GenerationRequest, index: int, text: str) -> Delta:
    num_top = request.sampling.num_top_logprobs
    tokens = text.encode()
    logprobs = () if num_top is None else tuple(scored(byte, num_top) for byte in tokens)
    return Delta(request_id=request.request_id, index=index, text=text, tokens=tuple(tokens), logprobs=logprobs)


def scored(byte: int, num_top: int, *, first: bool = False) -> TokenLogprob:
    top = tuple(
        TopLogprob(token_id=(byte + i) % 256, token_bytes=bytes([(byte + i) % 256]), logprob=-0.5 - i)
        for i in range(num_top)
    )
    return TokenLogprob(
        token_id=byte, token_bytes=bytes([byte]), logprob=None if first else -0.5, top=() if first else top
    )
