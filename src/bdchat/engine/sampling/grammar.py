"""A constraint → what llguidance compiles, within limits of time and size. Any thread; knows no vocabulary.

What llguidance refuses, it refuses in words that name the keyword or the place; they reach the caller.
"""

import json
import random
import time
from typing import Any

import msgspec
import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, regex_to_lark
from llguidance.gbnf_to_lark import gbnf_to_lark

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import Constraint
from bdchat.engine.sampling.matcher import first_line
from bdchat.engine.schemas.rewrite import OPTIONS, rewritten
from bdchat.engine.schemas.unsupported import UnsupportedSchema

MAX_TEXT_CHARS = 1_200_000  # 128 tools with a megabyte of schemas pass
MAX_EXPRESSION_CHARS = 100_000  # of a regex or grammar; their translation reads them in Python
# JSON as Python's json and most models write it. With white space left to the model, small ones write nothing else
# until their tokens are used up.
_JSON_STYLE: dict[str, Any] = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_SPECIAL_IN_REGEX = frozenset("\\.+*?()|[]{}^$&~#-/")
# The step loop waits for a mask: 14,000 units of fuel and 20,000 items take a millisecond (llguidance's own figures).
_LIMITS: dict[str, Any] = {"verbose_errors": False}
_NUM_STEPS_TRIED = 16
_STEP_S = 0.1  # every running answer waits for it


class GrammarRefused(Exception):
    """One line: why."""


def grammar_of(constraint: Constraint) -> dict[str, object]:
    """In llguidance's own form, as one of several grammars. Raises InvalidRequest."""
    text, kind = constraint.text, constraint.kind
    if len(text) > (MAX_TEXT_CHARS if kind in {"json_schema", "choice"} else MAX_EXPRESSION_CHARS):
        raise refusal(constraint, "is too large")
    try:
        match kind:
            case "json_object":
                return {"json_schema": _styled({"type": "object"})}
            case "json_schema":
                return {"json_schema": _styled(json.loads(text))}
            case "regex":
                return {"lark_grammar": _matching(text)}
            case "choice":
                return {"lark_grammar": _matching(_any_of(_choices(text)))}
            case "lark":
                return {"lark_grammar": text}
            case "gbnf":
                return {"lark_grammar": _translated(text)}
    except RecursionError as error:
        raise refusal(constraint, "is nested too deeply") from error
    except (ValueError, UnsupportedSchema) as error:
        raise refusal(constraint, first_line(str(error))) from error


def schema_text(schema: object) -> str:
    """As a grammar in Lark takes it. Raises UnsupportedSchema."""
    return json.dumps(_styled(schema), ensure_ascii=False)


def compile_source(source: str, tokenizer: LLTokenizer) -> LLMatcher:
    """Gives up the GIL. Raises GrammarRefused. Has no bound in time, and may take any stack: see process/trial.py."""
    matcher = LLMatcher(tokenizer, source, log_level=0, limits=LLParserLimits(**_LIMITS))
    if matcher.is_error():
        raise GrammarRefused(_reason(matcher))
    return matcher


def try_source(source: str, tokenizer: LLTokenizer) -> None:
    """Compiles it, and follows the first tokens of a random answer. Raises GrammarRefused."""
    matcher = compile_source(source, tokenizer)
    choose = random.Random(0)  # noqa: S311  # any answer will do
    for _ in range(_NUM_STEPS_TRIED):
        began = time.thread_time()
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        allowed = np.unpackbits(bits, bitorder="little").nonzero()[0]
        if matcher.is_error() or not len(allowed) or not matcher.consume_token(int(choose.choice(allowed))):
            raise GrammarRefused(_reason(matcher))
        if time.thread_time() - began > _STEP_S:
            raise GrammarRefused("takes too long to follow")
        if matcher.is_stopped():
            return


def _reason(matcher: LLMatcher) -> str:
    """llguidance's own, unless that is no more than the name of a state."""
    reason = first_line(matcher.get_error())
    return reason if " " in reason else "leaves nothing that this model could write"


def refusal(constraint: Constraint, reason: str) -> InvalidRequest:
    code = "unsupported_schema" if constraint.kind in {"json_object", "json_schema"} else "invalid_grammar"
    return InvalidRequest(constraint.field, reason, code=code)


def _styled(schema: object) -> dict[str, object]:
    return {**rewritten(schema), "x-guidance": {**OPTIONS, **_JSON_STYLE}}


def _matching(expression: str) -> str:
    """A digit is 0 to 9: those of 60 other scripts are nobody's intention."""
    return f"start: /{regex_to_lark(expression, use_ascii='d')}/"


def _translated(gbnf: str) -> str:
    """Raises ValueError."""
    try:
        return gbnf_to_lark(gbnf)
    except RecursionError:
        raise
    except Exception as error:  # a rule that is not there is a bare Exception to it
        raise ValueError(str(error)) from error


def _choices(text: str) -> list[str]:
    """Raises ValueError."""
    choices = msgspec.json.decode(text, type=list[str])
    if not choices:
        raise ValueError("names no choice")
    return choices


def _any_of(choices: list[str]) -> str:
    return "|".join(map(_literal, dict.fromkeys(choices)))


def _literal(text: str) -> str:
    return "".join(f"\\{character}" if character in _SPECIAL_IN_REGEX else character for character in text)
