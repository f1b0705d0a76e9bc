"""A page becomes passages, along its blocks."""

from dataclasses import dataclass, field

from bdchat.reading.pieces import PageText, PassageDraft, TextBlock

MAX_CHARACTERS = 800


@dataclass(slots=True)
class HeadingPath:
    """The headings above the next block, outermost first, with their levels; goes on from page to page."""

    headings: list[tuple[int, str]] = field(default_factory=list)

    def enter(self, level: int, text: str) -> None:
        self.headings = [(other, name) for other, name in self.headings if other < level]
        self.headings.append((level, text))

    def __str__(self) -> str:
        return " > ".join(text for _, text in self.headings)


def passages(page: PageText, headings: HeadingPath) -> list[PassageDraft]:
    drafts: list[PassageDraft] = []
    for block in page.blocks or (TextBlock("paragraph", 0, len(page.text)),):
        if block.kind == "heading":
            headings.enter(block.level, page.text[block.start : block.end])
            continue
        for start in range(block.start, block.end, MAX_CHARACTERS):
            end = min(start + MAX_CHARACTERS, block.end)
            if page.text[start:end].strip():
                drafts.append(PassageDraft(page.number, start, end, str(headings), num_tokens=(end - start) // 2 + 1))
    return drafts
