"""How prompts that are read together share the tokens of a step. Pure."""


def share_budget(remaining: list[int], budget: int, *, at_least: int = 0) -> list[int]:
    """Splits the prefill budget, shortest remaining prompt first: short questions start at once behind a long one.
    Before that each gets `at_least` tokens while the budget lasts."""
    shares = [0] * len(remaining)
    if at_least:
        for place, wanted in enumerate(remaining):
            shares[place] = min(wanted, at_least, budget)
            budget -= shares[place]
        rest = [wanted - share for wanted, share in zip(remaining, shares, strict=True)]
        return [share + more for share, more in zip(shares, share_budget(rest, budget), strict=True)]
    for place in sorted(range(len(remaining)), key=lambda i: (remaining[i], i)):
        shares[place] = min(remaining[place], budget)
        budget -= shares[place]
    return shares
