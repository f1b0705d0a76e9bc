"""An answer's citations: the passage that each mark names, whether the words bear it out, and its sentence. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from bdchat.api.citations.marks import Mark, marks_in
from bdchat.api.citations.passage import PromptPassage
from bdchat.api.citations.support import Sentence, is_supported, quote_of, sentence_at

MAX_CITATIONS = 200  # of one answer; the rest are brackets


@dataclass(frozen=True, slots=True)
class Citation:
    """`mark`: where in the answer. `quote`: the sentence of the passage's text that the citing one has most of."""

    mark: Mark
    passage: PromptPassage
    is_supported: bool
    quote: Sentence

    @property
    def page_span(self) -> tuple[int, int]:
        """Of the quote, in its page's text."""
        start = self.passage.start
        return start + self.quote.start, start + self.quote.end


def citations_of(answer: str, passages: Mapping[int, PromptPassage]) -> list[Citation]:
    """`passages`: by number, those that the answer's prompt may have shown."""
    found = []
    for mark in marks_in(answer, passages)[:MAX_CITATIONS]:
        passage = passages[mark.number]
        said = sentence_at(answer, mark.start).text
        written = "\n".join(part for part in (passage.heading, passage.header, passage.text) if part)
        found.append(Citation(mark, passage, is_supported(said, written), quote_of(said, passage.text)))
    return found


def cited_numbers(answer: str, known: Mapping[int, object] | set[int]) -> list[int]:
    """Each once, in the order of their first marks."""
    return list(dict.fromkeys(mark.number for mark in marks_in(answer, known)[:MAX_CITATIONS]))
