"""Answers held to something, over one token a byte."""

from bdchat.engine.model_info import AnswerFormat, ModelInfo
from bdchat.engine.request import ChatPrompt, Constraint, GenerationRequest, Prompt, TokenPrompt
from bdchat.engine.sampling.compiler import CompiledGrammar, GrammarCompiler, OrderTrial
from bdchat.engine.sampling.order import GrammarOrder, order_of
from bdchat.engine.sampling.token_table import TokenTable
from tests.engine.byte_tokenizer import ByteTokenizer
from tests.fakes import fake_model_info


def byte_table() -> TokenTable:
    return TokenTable.of(ByteTokenizer())


def byte_compiler(*, trial: OrderTrial | None = None) -> GrammarCompiler:
    return GrammarCompiler(byte_table, fake_model_info(), trial=trial)


def constrained(constraint: Constraint | None, prompt: Prompt | None = None) -> GenerationRequest:
    return GenerationRequest(request_id="r", prompt=prompt or TokenPrompt(tokens=(1,)), constraint=constraint)


def order(
    constraint: Constraint | None = None,
    prompt: ChatPrompt | None = None,
    *,
    info: ModelInfo | None = None,
    opens_thought: bool = False,
) -> GrammarOrder:
    made = order_of(constrained(constraint, prompt), info or fake_model_info(), opens_thought=opens_thought)
    assert made is not None
    return made


def byte_grammar(constraint: Constraint) -> CompiledGrammar:
    return byte_compiler().compile(order(constraint))


def accepts(wanted: Constraint | GrammarOrder, text: str) -> bool:
    """Whether an answer may be exactly this text."""
    made = byte_compiler().compile(wanted if isinstance(wanted, GrammarOrder) else order(wanted))
    matcher = made.start()
    assert matcher is not None
    for token in text.encode():
        if not matcher.num_allowed([token]):
            return False
        matcher.accept(token)
    return matcher.is_over or matcher.num_allowed([256]) == 1


def format_of(family: str, *, thinks: bool = False) -> AnswerFormat:
    return AnswerFormat(family=family, thinks=thinks)
