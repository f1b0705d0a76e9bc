"""Lets an answer run free until its model begins a call, and holds it to the declared tools from there. Engine thread
only.

Nothing is masked before; what an opening's token wrote beyond it is part of the call.
"""

import codecs
from collections.abc import Mapping, Sequence

from llguidance import LLMatcher, LLTokenizer

from bdchat.engine.answers.opening_watch import OpeningWatch
from bdchat.engine.model_runner import TokenMask
from bdchat.engine.sampling.matcher import GrammarMatcher, MaskScratch
from bdchat.engine.sampling.order import GrammarOrder
from bdchat.engine.sampling.token_table import TokenTable


class CallMatcher:
    """Fulfils AnswerMatcher. A call that does not begin as its family's do is left as it is: it is text."""

    def __init__(
        self,
        order: GrammarOrder,
        calls: Mapping[str, LLMatcher],
        table: TokenTable,
        tokenizer: LLTokenizer,
        scratch: MaskScratch,
    ) -> None:
        self._watch: OpeningWatch | None = OpeningWatch(order.answer_format, opens_thought=order.opens_thought)
        self._mark_tokens = order.mark_tokens
        self._calls = calls
        self._table = table
        self._tokenizer = tokenizer
        self._scratch = scratch
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._call: GrammarMatcher | None = None

    @property
    def is_over(self) -> bool:
        return self._call is not None and self._call.is_over

    def mask(self) -> TokenMask | None:
        return self._call.mask() if self._call is not None else None

    def accept(self, token_id: int) -> None:
        if self._call is not None:
            self._call.accept(token_id)
        elif self._watch is not None:
            mark = self._mark_tokens.get(token_id)
            written = self._table.text_bytes(token_id) if mark is None else mark.encode()
            opening = self._watch.feed(self._decoder.decode(written))
            if opening is not None:
                self._watch = None
                self._begin(opening.mark, opening.begun)

    def forced(self) -> list[int]:
        return self._call.forced() if self._call is not None else []

    def num_allowed(self, tokens: Sequence[int]) -> int:
        return self._call.num_allowed(tokens) if self._call is not None else len(tokens)

    def _begin(self, mark: str, begun: str) -> None:
        if mark not in self._calls:
            return
        matcher = self._calls[mark].deep_copy()
        tokens = self._tokenizer.tokenize_str(begun) if begun else []
        if matcher.validate_tokens(tokens) == len(tokens):
            matcher.consume_tokens(tokens)
            self._call = GrammarMatcher(matcher, self._scratch)
