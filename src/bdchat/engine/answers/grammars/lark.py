"""Texts of an answer as Lark has them. Pure.

A mark that is a control token of the vocabulary is written by its id: as text nothing could match it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

ANY_TEXT = "/(?s:.*)/"
SPACE = "/[ \\n]{0,2}/"  # behind a thought; readers leave it out


@dataclass(frozen=True, slots=True)
class RuleName:
    name: str


class LarkText:
    """`mark_tokens`: ModelInfo's."""

    def __init__(self, mark_tokens: Mapping[int, str]) -> None:
        self._ids = {text: token_id for token_id, text in mark_tokens.items()}
        longest_first = sorted(self._ids, key=len, reverse=True)
        self._marks = re.compile(f"({'|'.join(map(re.escape, longest_first))})" if longest_first else "(?!)")

    def written(self, *elements: str | RuleName) -> str:
        """One behind the other: texts as literals and tokens, rules by their names."""
        found: list[str] = []
        for element in elements:
            if isinstance(element, RuleName):
                found.append(element.name)
                continue
            pieces = [piece for piece in self._marks.split(element) if piece]
            found += [f"<[{self._ids[piece]}]>" if piece in self._ids else quoted(piece) for piece in pieces]
        return " ".join(found)

    def until(self, rule: str, closing: str) -> str:
        """A rule of any text and the closing behind it, which is a token of its own or is found in the text."""
        if closing in self._ids:
            return f"{rule}: {ANY_TEXT} {self.written(closing)}"
        return f"{rule}[suffix={quoted(closing)}]: {ANY_TEXT}"


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
