"""Constraints over one token a byte, for tests of what holds answers to them."""

from bdchat.engine.request import Constraint, GenerationRequest, TokenPrompt
from bdchat.engine.sampling.compiler import CompiledGrammar, GrammarCompiler
from bdchat.engine.sampling.token_table import TokenTable
from tests.fakes import N_VOCAB, ByteTokenizer


def byte_compiler() -> GrammarCompiler:
    return GrammarCompiler(lambda: TokenTable.of(ByteTokenizer()), N_VOCAB)


def constrained(constraint: Constraint) -> GenerationRequest:
    return GenerationRequest(request_id="r", prompt=TokenPrompt(tokens=(1,)), constraint=constraint)


def byte_grammar(constraint: Constraint) -> CompiledGrammar:
    return byte_compiler().compile(constrained(constraint))


def accepts(constraint: Constraint, text: str) -> bool:
    """Whether an answer may be exactly this text."""
    matcher = byte_grammar(constraint).start()
    tokens = list(text.encode())
    if matcher.num_allowed(tokens) < len(tokens):
        return False
    for token in tokens:
        matcher.accept(token)
    return matcher.is_over or matcher.num_allowed([256]) == 1
