"""Brings passages into a question's turn: those that the prompt does not show yet, as many as there is room for.

Asks the engine for token counts, and writes nothing. A passage that was dropped with its turn may come again, under
another number.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from bdchat.api.citations.choosing import budget_of, free_tokens
from bdchat.api.citations.passage import PromptPassage, numbered
from bdchat.api.citations.shown import passages_in
from bdchat.api.documents.questions import DocumentQuestions, Material
from bdchat.api.durable.context import Fitted, num_tokens, without_oldest
from bdchat.engine.engine import Engine
from bdchat.engine.request import ChatMessage, ChatPrompt

MAX_TRIES = 3  # each time more of the conversation goes, the passages that went with it are looked at again


@dataclass(frozen=True, slots=True)
class DocumentTurn:
    """`conversation`: the messages with those new passages. `fit`: what of them is kept."""

    engine: Engine
    questions: DocumentQuestions
    prompt: ChatPrompt
    conversation: Callable[[Sequence[PromptPassage]], tuple[ChatMessage, ...]]
    fit: Callable[[tuple[ChatMessage, ...]], Awaitable[Fitted]]
    may_drop: bool

    async def bring(self, material: Material, *, last_number: int) -> tuple[tuple[PromptPassage, ...], Fitted]:
        """`last_number`: of the path's passages. Raises what `fit` raises without any."""
        plain = self.conversation(())
        without = await self.fit(plain)
        brought: tuple[PromptPassage, ...] = ()
        fitted = without
        for _ in range(MAX_TRIES):
            budget = await self._budget(without)
            known = passages_in(without.kept)
            chosen = await self.questions.chosen(self.engine, material, known=known, budget=budget)
            brought = numbered(chosen, after=last_number)
            fitted = await self.fit(self.conversation(brought))
            if not brought or fitted.num_dropped <= without.num_dropped:
                break
            without = Fitted(without_oldest(plain, fitted.num_dropped), fitted.num_dropped)
        return brought, fitted

    async def _budget(self, without: Fitted) -> int:
        count = await num_tokens(self.engine, msgspec.structs.replace(self.prompt, messages=without.messages))
        info = self.engine.info
        if info is None:
            return 0  # it went away just now: whoever asks it next is told so
        free = free_tokens(n_ctx=info.n_ctx, num_used=count)
        return budget_of(n_ctx=info.n_ctx, num_free=free, share=self.questions.share, may_drop=self.may_drop)
