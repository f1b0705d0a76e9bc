"""Constraints → grammars, each compiled once and kept for the next request. Any thread: never the step loop's.

A stranger's grammar is tried first in a process that may take too long, too much memory or crash (process/trial.py);
only what came through that is compiled here.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from llguidance import LLMatcher, LLTokenizer

from bdchat.engine.model_runner import AnswerMatcher
from bdchat.engine.request import Constraint, GenerationRequest
from bdchat.engine.sampling.grammar import GrammarRefused, compile_source, refusal, source_of
from bdchat.engine.sampling.matcher import GrammarMatcher, MaskScratch
from bdchat.engine.sampling.token_table import TokenTable

MAX_KEPT_BYTES = 256 * 1024**2
MAX_KEPT = 256


class SourceTrial(Protocol):
    def run(self, source: str) -> int:
        """How many bytes it took to compile. Raises GrammarRefused, EngineUnavailable."""


class CompiledGrammar:
    """Fulfils AnswerGrammar."""

    def __init__(self, matcher: LLMatcher, scratch: MaskScratch, num_bytes: int) -> None:
        self._matcher = matcher
        self._scratch = scratch
        self.num_bytes = num_bytes

    def start(self) -> AnswerMatcher:
        return GrammarMatcher(self._matcher.deep_copy(), self._scratch)


class GrammarCompiler:
    """Several threads may call it at once. `read_table` is called once, by the first that compiles."""

    def __init__(self, read_table: Callable[[], TokenTable], n_vocab: int, *, trial: SourceTrial | None = None) -> None:
        self._read_table = read_table
        self._n_vocab = n_vocab
        self._trial = trial
        self._lock = threading.Lock()
        self._made: tuple[LLTokenizer, MaskScratch] | None = None
        self._kept: OrderedDict[tuple[str, str], CompiledGrammar] = OrderedDict()  # the last used one last
        self._num_kept_bytes = 0

    def kept(self, request: GenerationRequest) -> CompiledGrammar | None:
        """Of an earlier request with the same constraint. At once."""
        key = _key(request.constraint)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def compile(self, request: GenerationRequest) -> CompiledGrammar:
        """Raises InvalidRequest, EngineUnavailable."""
        constraint = request.constraint
        assert constraint is not None
        source = source_of(constraint)
        tokenizer, scratch = self._tokenizer()
        try:
            num_bytes = self._trial.run(source) if self._trial is not None else len(source)
            grammar = CompiledGrammar(compile_source(source, tokenizer), scratch, num_bytes)
        except GrammarRefused as error:
            raise refusal(constraint, str(error)) from error
        self._keep(_key(constraint), grammar)
        return grammar

    def _tokenizer(self) -> tuple[LLTokenizer, MaskScratch]:
        with self._lock:
            if self._made is None:
                table = self._read_table()
                self._made = table.make_tokenizer(), MaskScratch(self._n_vocab, len(table.tokens))
            return self._made

    def _keep(self, key: tuple[str, str], grammar: CompiledGrammar) -> None:
        with self._lock:
            replaced = self._kept.pop(key, None)
            self._num_kept_bytes += grammar.num_bytes - (replaced.num_bytes if replaced else 0)
            self._kept[key] = grammar
            while self._num_kept_bytes > MAX_KEPT_BYTES or len(self._kept) > MAX_KEPT:
                _, oldest = self._kept.popitem(last=False)
                self._num_kept_bytes -= oldest.num_bytes


def _key(constraint: Constraint | None) -> tuple[str, str]:
    assert constraint is not None
    return constraint.kind, constraint.text
