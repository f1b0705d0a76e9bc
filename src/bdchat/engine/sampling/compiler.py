"""What requests promise of their answers → grammars, each compiled once and kept for the next request. Any thread but
the step loop's.

A stranger's grammar is tried first in a process that may take too long, too much memory or crash (process/trial.py);
only what came through that is compiled here.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from llguidance import LLMatcher, LLTokenizer

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.model_info import ModelInfo
from bdchat.engine.model_runner import AnswerMatcher
from bdchat.engine.request import GenerationRequest
from bdchat.engine.sampling.call_matcher import CallMatcher
from bdchat.engine.sampling.grammar import GrammarRefused, compile_source, refusal, try_source
from bdchat.engine.sampling.matcher import GrammarMatcher, MaskScratch
from bdchat.engine.sampling.order import GrammarOrder, GrammarSources, order_of, sources_of
from bdchat.engine.sampling.token_table import TokenTable

MAX_KEPT_BYTES = 256 * 1024**2
MAX_KEPT = 256


class Tried(msgspec.Struct):
    """What came through."""

    sources: GrammarSources
    num_bytes: int = 0  # that compiling took


class OrderTrial(Protocol):
    def run(self, order: GrammarOrder) -> Tried:
        """Raises InvalidRequest, EngineUnavailable."""


class CompiledGrammar:
    """Fulfils AnswerGrammar."""

    def __init__(self, order: GrammarOrder, tried: Tried, vocabulary: "Vocabularies") -> None:
        """Raises GrammarRefused."""
        self.num_bytes = tried.num_bytes
        self._order = order
        self._vocabulary = vocabulary
        sources, tokenizer = tried.sources, vocabulary.tokenizer
        self._whole = None if sources.whole is None else compile_source(sources.whole, tokenizer)
        compiled = {source: compile_source(source, tokenizer) for source in set(sources.by_opening.values())}
        self._calls: Mapping[str, LLMatcher] = {mark: compiled[text] for mark, text in sources.by_opening.items()}

    def start(self) -> AnswerMatcher | None:
        vocabulary = self._vocabulary
        if self._whole is not None:
            return GrammarMatcher(self._whole.deep_copy(), vocabulary.scratch)
        if self._calls:
            return CallMatcher(self._order, self._calls, vocabulary.table, vocabulary.tokenizer, vocabulary.scratch)
        return None


class Vocabularies:
    """One vocabulary, in the forms that matching wants."""

    def __init__(self, table: TokenTable, n_vocab: int) -> None:
        self.table = table
        self.tokenizer = table.make_tokenizer()
        self.scratch = MaskScratch(n_vocab, len(table.tokens))


class GrammarCompiler:
    """Fulfils GrammarSource. `read_table` is called once, by the first that compiles. `trial` None: nobody is a
    stranger here."""

    def __init__(
        self, read_table: Callable[[], TokenTable], info: ModelInfo, *, trial: OrderTrial | None = None
    ) -> None:
        self._read_table = read_table
        self._info = info
        self._trial = trial
        self._lock = threading.Lock()
        self._vocabulary: Vocabularies | None = None
        self._kept: OrderedDict[bytes, CompiledGrammar] = OrderedDict()  # the last used one last
        self._num_kept_bytes = 0

    def order(self, request: GenerationRequest, *, opens_thought: bool) -> GrammarOrder | None:
        return order_of(request, self._info, opens_thought=opens_thought)

    def kept(self, order: GrammarOrder) -> CompiledGrammar | None:
        key = order.key
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def compile(self, order: GrammarOrder) -> CompiledGrammar:
        vocabulary = self._read_vocabulary()
        tried = self._trial.run(order) if self._trial is not None else try_order(order, vocabulary.tokenizer)
        try:
            grammar = CompiledGrammar(order, tried, vocabulary)
        except GrammarRefused as error:
            raise refused(order, str(error)) from error
        self._keep(order.key, grammar)
        return grammar

    def _read_vocabulary(self) -> Vocabularies:
        with self._lock:
            if self._vocabulary is None:
                self._vocabulary = Vocabularies(self._read_table(), self._info.n_vocab)
            return self._vocabulary

    def _keep(self, key: bytes, grammar: CompiledGrammar) -> None:
        with self._lock:
            replaced = self._kept.pop(key, None)
            self._num_kept_bytes += grammar.num_bytes - (replaced.num_bytes if replaced else 0)
            self._kept[key] = grammar
            while self._num_kept_bytes > MAX_KEPT_BYTES or len(self._kept) > MAX_KEPT:
                _, oldest = self._kept.popitem(last=False)
                self._num_kept_bytes -= oldest.num_bytes


def try_order(order: GrammarOrder, tokenizer: LLTokenizer) -> Tried:
    """Arguments that no grammar can hold to their schema are any JSON object, unless the tool is strict. Raises
    InvalidRequest."""
    attempts = (False, True) if order.tools else (False,)
    for is_loose in attempts:
        sources = sources_of(order, is_loose=is_loose)
        try:
            for source in {sources.whole, *sources.by_opening.values()} - {None}:
                assert source is not None
                try_source(source, tokenizer)
        except GrammarRefused as error:
            problem = str(error)
            continue
        return Tried(sources)
    return untried(order, problem)


def untried(order: GrammarOrder, problem: str) -> Tried:
    """What becomes of an answer that could not be held. Raises InvalidRequest where it was promised."""
    if order.may_be_free:
        return Tried(GrammarSources())
    raise refused(order, problem)


def refused(order: GrammarOrder, problem: str) -> InvalidRequest:
    if order.constraint is not None:
        return refusal(order.constraint, problem)
    return InvalidRequest("tools", problem, code="unsupported_schema")
