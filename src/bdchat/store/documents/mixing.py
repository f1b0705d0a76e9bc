"""Scores by words and by meaning → one order. Pure.

Each half's scores are brought to one scale (less the mean of all passages, by their spread) and added. Ranks alone
would lose how far the first is ahead: mixed by reciprocal ranks, the worse half drags the better one down
(DECISIONS.md).

Words count as far as they are there: of a question in other words than the text, what little is in common is chance,
and one rare word of it would outweigh all meaning.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum, sqrt

VECTOR_SHARE = 0.5  # where words count in full; measured, as is the next (DECISIONS.md)
FULL_COVERAGE = 0.7  # of a question, by rarity of its terms: where so much is in one passage, its words count in full


@dataclass(frozen=True, slots=True)
class Scale:
    """Of all passages' scores in one half, or of a fair sample of them."""

    mean: float
    spread: float  # standard deviation; 0: all are alike, and say nothing

    @classmethod
    def of(cls, scores: Iterable[float]) -> "Scale":
        known = list(scores)
        if not known:
            return cls(0.0, 0.0)
        mean = fsum(known) / len(known)
        return cls(mean, sqrt(fsum((score - mean) ** 2 for score in known) / len(known)))

    def place(self, score: float) -> float:
        return (score - self.mean) / self.spread if self.spread else 0.0


def mixed(
    lexical: Mapping[int, float],
    similarity: Mapping[int, float],
    words: Scale,
    meaning: Scale,
    *,
    coverage: float,
) -> dict[int, float]:
    """Of each passage in `lexical`. One without a vector is judged by its words alone. `coverage`: how much of the
    question is in the passage that is the best by words, 0 to 1."""
    trust = min(1.0, coverage / FULL_COVERAGE) ** 2  # half of a question in common tells far less than all of it
    found = {}
    for passage_id, score in lexical.items():
        place = trust * words.place(score)
        similar = similarity.get(passage_id)
        other = place if similar is None else meaning.place(similar)
        found[passage_id] = (1 - VECTOR_SHARE) * place + VECTOR_SHARE * other
    return found
