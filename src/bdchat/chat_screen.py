"""Shows answers: Markdown in a terminal, the bare text elsewhere. Main thread. Knows rich, never HTTP.

A block is settled when a blank line outside a code fence follows it: settled blocks are printed for good and only the
last one is drawn anew, so that a long answer neither flickers nor costs more with every token.
"""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.text import Text

from bdchat.chat_client import ChatError, Stats

REDRAW_INTERVAL_S = 0.08
# A model's text must not move the cursor, set the title or write to the clipboard: all but newline and tab goes.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class LiveView(Protocol):
    """Where the pieces of one answer go."""

    def add(self, piece: str) -> None: ...


def without_control(text: str) -> str:
    return _CONTROL.sub("", text)


def split_settled(text: str) -> tuple[str, str]:
    """(blocks that will not change any more, the rest)."""
    settled = position = 0
    fence: str | None = None
    for line in text.splitlines(keepends=True):
        position += len(line)
        mark = _FENCE.match(line)
        if mark and fence is None:
            fence = mark[1]
        elif mark and fence is not None and mark[1].startswith(fence):
            fence = None
        elif fence is None and not line.strip() and line.endswith("\n"):
            settled = position
    return text[:settled], text[settled:]


class Screen:
    def __init__(self, console: Console, errors: Console) -> None:
        self._console = console
        self._errors = errors

    @property
    def is_terminal(self) -> bool:
        return self._console.is_terminal

    @contextmanager
    def answering(self) -> Iterator[LiveView]:
        """Whatever was added is on the screen when the block is left, by Ctrl-C too."""
        if not self._console.is_terminal:
            plain = PlainView(self._console)
            try:
                yield plain
            finally:
                plain.close()
            return
        with Live(Text("…", style="dim"), console=self._console, auto_refresh=False, transient=True) as live:
            view = MarkdownView(live)
            try:
                yield view
            finally:
                view.close()

    def say(self, text: str) -> None:
        self._console.print(without_control(text), style="dim", markup=False, highlight=False)

    def note(self, text: str) -> None:
        """A remark on an answer: beside it in a terminal, not in it where standard output is a file."""
        console = self._console if self.is_terminal else self._errors
        console.print(text, style="dim", markup=False, highlight=False)

    def stats(self, stats: Stats) -> None:
        if self.is_terminal:
            self.say(stats_line(stats))

    def error(self, error: ChatError) -> None:
        self._errors.print(without_control(error.problem), style="red", markup=False, highlight=False, soft_wrap=True)
        self._errors.print(f"→ {without_control(error.remedy)}", markup=False, highlight=False, soft_wrap=True)


class PlainView:
    """Text as it comes, unwrapped; ends with one newline."""

    def __init__(self, console: Console) -> None:
        self._file = console.file
        self._last = "\n"

    def add(self, piece: str) -> None:
        self._last = piece[-1]  # first: Ctrl-C may come while it is written
        self._file.write(piece)
        self._file.flush()

    def close(self) -> None:
        if self._last != "\n":
            self._file.write("\n")
            self._file.flush()


class MarkdownView:
    def __init__(self, live: Live) -> None:
        self._live = live
        self._rest = ""
        self._drawn = 0.0

    def add(self, piece: str) -> None:
        settled, self._rest = split_settled(self._rest + without_control(piece))
        if settled.strip():
            self._live.console.print(Markdown(settled))
            self._live.console.print()
        now = time.monotonic()
        if settled or now - self._drawn >= REDRAW_INTERVAL_S:
            self._drawn = now
            self._live.update(self._tail(), refresh=True)

    def close(self) -> None:
        self._live.update(Text(""), refresh=True)
        if self._rest.strip():
            self._live.console.print(Markdown(self._rest))

    def _tail(self) -> RenderableType:
        """A block higher than the terminal cannot be redrawn in place: its last lines stand for it until it settles."""
        height = max(3, self._live.console.height - 2)
        lines = self._live.console.render_lines(Markdown(self._rest), pad=False)
        if len(lines) <= height:
            return Markdown(self._rest)
        return Text("\n".join("".join(segment.text for segment in line) for line in lines[-height:]))


def stats_line(stats: Stats) -> str:
    parts = []
    if stats.num_completion_tokens is not None:
        parts.append(f"{stats.num_completion_tokens} tokens")
    if stats.tokens_per_s is not None:
        parts.append(f"{stats.tokens_per_s:.1f} tokens/s")
    if stats.first_token_s is not None:
        parts.append(f"first after {stats.first_token_s:.2f} s")
    if stats.num_prompt_tokens is not None:
        parts.append(f"prompt {stats.num_prompt_tokens}, {stats.num_cached_tokens} of them cached")
    return " · ".join(parts)


def standard_screen() -> Screen:
    return Screen(Console(file=sys.stdout), Console(file=sys.stderr))
