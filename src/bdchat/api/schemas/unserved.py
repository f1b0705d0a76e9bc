"""Fields of OpenAI, llama.cpp, vLLM, Ollama and their kin whose request is not met here: refused by name. Pure.

A field belongs here when the answer would differ if it were honoured: other tokens, another shape, another prompt. A
value that asks for nothing (null, or what the field's own program takes for "off") is accepted, as clients send every
field they know. docs/fields.md lists all fields, those that are honoured and those that change no answer too.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bdchat.api.http.parsing import unsupported

FORMAT = "say response_format, or one of guided_json, guided_regex, guided_choice and guided_grammar"
TOOLS = "only /v1/chat/completions calls functions"
TEXT_ONLY = "only text is read and written here"
SAMPLER = "this sampler is not supported"
TOKENS = "an answer's tokens cannot be chosen this way"
SHAPE = "answers do not have this form"
PROMPT = "the prompt cannot be changed this way"
SERVER = "a request cannot set this"
THINKING = 'say chat_template_kwargs: {"enable_thinking": …} instead'
THOUGHTS = "thoughts are part of the text; /v1/chat/completions tells them apart"

# llama.cpp's default chain, with and without penalties: what is applied here, as the others are off until they are
# asked for, which is refused.
SAMPLER_ORDERS = (
    ["dry", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"],
    ["penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"],
    ["penalties", "dry", "top_n_sigma", "top_k", "typical_p", "top_p", "min_p", "xtc", "temperature"],
    "dkypmxt",
    "edkypmxt",
    "edskypmxt",
)


class Unserved(NamedTuple):
    reason: str
    asks_nothing: Callable[[object], bool]  # of a value other than null


def _is_empty(value: object) -> bool:
    """False asks for nothing too; the number 0 may ask for something."""
    return value is False or (not isinstance(value, int | float) and not value)


def _one_of(*values: object) -> Callable[[object], bool]:
    """Equal and of one kind: 1 is 1.0, but not true."""

    def is_one(value: object) -> bool:
        return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in values)

    return is_one


def _at_most(most: float) -> Callable[[object], bool]:
    def is_at_most(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and value <= most

    return is_at_most


def _at_least(least: float) -> Callable[[object], bool]:
    def is_at_least(value: object) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and value >= least

    return is_at_least


def _unless_empty(reason: str, *names: str) -> dict[str, Unserved]:
    return {name: Unserved(reason, _is_empty) for name in names}


_EVERYWHERE: dict[str, Unserved] = {
    **_unless_empty(FORMAT, "structural_tag", "regex", "ebnf", "format"),
    **_unless_empty(FORMAT, "grammar_string", "regex_pattern", "output_format", "response_schema"),
    "modalities": Unserved("only the modality 'text' is supported", _one_of([], ["text"])),
    **_unless_empty(TEXT_ONLY, "audio", "images", "image_data", "multimodal_data", "prompt_embeds"),
    # samplers
    "mirostat": Unserved(SAMPLER, _one_of(0)),
    "typical_p": Unserved(SAMPLER, _at_least(1)),
    "typ_p": Unserved(SAMPLER, _at_least(1)),
    "tfs_z": Unserved(SAMPLER, _at_least(1)),
    "top_a": Unserved(SAMPLER, _at_most(0)),
    "top_n_sigma": Unserved(SAMPLER, _at_most(0)),
    "xtc_probability": Unserved(SAMPLER, _at_most(0)),
    "dry_multiplier": Unserved(SAMPLER, _at_most(0)),
    "dynatemp_range": Unserved(SAMPLER, _at_most(0)),
    "adaptive_target": Unserved(SAMPLER, lambda value: _at_most(0)(value) and value != 0),
    "min_keep": Unserved(SAMPLER, _at_most(1)),
    "samplers": Unserved("the order is penalties, top_k, top_p, min_p, temperature", _one_of("", [], *SAMPLER_ORDERS)),
    "penalize_nl": Unserved("line breaks are penalised as other tokens are", _one_of(True)),
    "penalize_newline": Unserved("line breaks are penalised as other tokens are", _one_of(True)),
    "use_beam_search": Unserved(SAMPLER, _is_empty),
    "early_stopping": Unserved(SAMPLER, _is_empty),
    "length_penalty": Unserved(SAMPLER, _one_of(1)),
    "watermarking": Unserved(SAMPLER, _is_empty),
    "lora": Unserved("adapters are not supported", _is_empty),
    "vllm_xargs": Unserved(SAMPLER, _is_empty),
    # which tokens, and when the answer ends
    **_unless_empty(TOKENS, "stop_token_ids", "allowed_token_ids", "bad_words", "repetition_detection"),
    "min_tokens": Unserved(TOKENS, _one_of(0)),
    "n_indent": Unserved(TOKENS, _one_of(0)),
    "t_max_predict_ms": Unserved(TOKENS, _at_most(0)),
    "thinking_token_budget": Unserved(TOKENS, _one_of(-1)),
    "thinking_budget_tokens": Unserved(TOKENS, _one_of(-1)),
    "reasoning_budget_tokens": Unserved(TOKENS, _one_of(-1)),
    "n_cmpl": Unserved("say n instead", _one_of(1)),
    # what comes back
    "include_stop_str_in_output": Unserved(SHAPE, _is_empty),
    "skip_special_tokens": Unserved(SHAPE, _one_of(True)),
    "return_tokens": Unserved(SHAPE, _is_empty),
    "return_token_ids": Unserved(SHAPE, _is_empty),
    "return_tokens_as_token_ids": Unserved(SHAPE, _is_empty),
    "return_prompt_text": Unserved(SHAPE, _is_empty),
    "return_token_offsets": Unserved(SHAPE, _is_empty),
    "response_fields": Unserved(SHAPE, _is_empty),
    "post_sampling_probs": Unserved(SHAPE, _is_empty),
    "_debug_render_only": Unserved(SHAPE, _is_empty),
    "prompt_logprobs": Unserved("only /v1/completions scores a prompt: say echo and logprobs", lambda _: False),
    "logprob_token_ids": Unserved(SHAPE, _is_empty),
    "n_probs": Unserved("say logprobs instead", _one_of(0)),
    # the prompt
    "chat_template": Unserved("a request cannot bring its own chat template", _one_of("")),
    "truncate_prompt_tokens": Unserved("a prompt that is too long is refused", lambda _: False),
    **_unless_empty(PROMPT, "documents", "continue_final_message", "template", "raw", "context"),
    **_unless_empty(PROMPT, "input_prefix", "input_suffix", "input_extra"),
    "system": Unserved("say it in a message", _one_of("")),
    # the server
    "options": Unserved("say its fields beside the others", _is_empty),
    "num_ctx": Unserved("the context is the server's setting engine.n_ctx", lambda _: False),
    "cache_salt": Unserved("the cache cannot be split; cache_prompt: false keeps out of it", _is_empty),
    "priority": Unserved(SERVER, _one_of(0)),
    "kv_transfer_params": Unserved(SERVER, _is_empty),
    "ec_transfer_params": Unserved(SERVER, _is_empty),
    "think": Unserved(THINKING, lambda _: False),
    "enable_thinking": Unserved(THINKING, lambda _: False),
    "reasoning": Unserved("say reasoning_effort instead", _is_empty),
}

CHAT: dict[str, Unserved] = {name: field for name, field in _EVERYWHERE.items() if name != "documents"} | {
    "best_of": Unserved("only one answer is written for each that is returned", _one_of(1)),
    "echo": Unserved(SHAPE, _is_empty),
    "add_generation_prompt": Unserved(PROMPT, _one_of(True)),
    "add_special_tokens": Unserved("the chat template writes the special tokens", _is_empty),
    **_unless_empty(PROMPT, "suffix"),
}
COMPLETIONS: dict[str, Unserved] = _EVERYWHERE | {
    "tools": Unserved(TOOLS, _one_of([])),
    "functions": Unserved(TOOLS, _one_of([])),
    "tool_choice": Unserved(TOOLS, _one_of("none", "auto")),
    "function_call": Unserved(TOOLS, _one_of("none", "auto")),
    "include_reasoning": Unserved(THOUGHTS, _one_of(True)),
    "reasoning_format": Unserved(THOUGHTS, _one_of("none", "auto")),
    "separate_reasoning": Unserved(THOUGHTS, _is_empty),
}

# llama.cpp's own routes: what its editors send with every letter is a hint there, or honoured.
_OF_EDITORS = frozenset({"samplers", "n_indent", "t_max_predict_ms", "response_fields"})
COMPLETION: dict[str, Unserved] = {name: field for name, field in COMPLETIONS.items() if name not in _OF_EDITORS}
INFILL: dict[str, Unserved] = {name: field for name, field in COMPLETION.items() if not name.startswith("input_")}


def refuse_unserved(fields: Any, unserved: Mapping[str, Unserved]) -> Any:
    """`fields` as they are, for a validator. Raises the error that becomes UnsupportedParameter."""
    if isinstance(fields, Mapping):
        for name, value in fields.items():
            field = unserved.get(name)
            if field is not None and value is not None and not field.asks_nothing(value):
                raise unsupported(f"{name!r} is not supported: {field.reason}.", at=name)
    return fields
