"""Request fields: docs/fields.md says which are honoured, refused and harmless, and each of its examples is sent."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import msgspec
import pytest
from openai.types import completion_create_params as openai_completion
from openai.types.chat import completion_create_params as openai_chat

from bdchat.api.http.errors import UnsupportedParameter
from bdchat.api.http.parsing import validate
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.completions import CompletionRequest
from bdchat.api.schemas.unserved import CHAT, COMPLETIONS
from bdchat.settings import LimitSettings

PAGE = Path(__file__).parents[3] / "docs" / "fields.md"
CODE = re.compile(r"`([^`]+)`")
SCHEMAS: dict[str, type[ChatCompletionRequest | CompletionRequest]] = {
    "chat": ChatCompletionRequest,
    "completions": CompletionRequest,
}
PLAIN: dict[str, dict[str, Any]] = {
    "chat": {"messages": [{"role": "user", "content": "hi"}], "logprobs": None},
    "completions": {"prompt": "hi"},
}

NEEDED: dict[str, Any] = {
    "tool_choice": {"tools": [{"type": "function", "function": {"name": "f"}}]},
    "function_call": {"functions": [{"name": "f"}]},
}


def names_in(text: str) -> list[str]:
    return text.split()


# Of other programs, as their sources had them in November 2026: the table has all of them.
LLAMA_CPP = names_in("""
verbose timings_per_token stream stream_options cache_prompt return_tokens return_progress sse_ping_interval n_predict
max_completion_tokens max_tokens n_indent n_keep n_discard n_cmpl n n_cache_reuse t_max_predict_ms response_fields top_k
top_p min_p top_n_sigma xtc_probability xtc_threshold typical_p temperature dynatemp_range dynatemp_exponent
repeat_last_n repeat_penalty frequency_penalty presence_penalty dry_multiplier dry_base dry_allowed_length
dry_penalty_last_n dry_sequence_breakers mirostat mirostat_tau mirostat_eta adaptive_target adaptive_decay seed n_probs
logprobs min_keep backend_sampling post_sampling_probs lora json_schema grammar grammar_lazy grammar_type
grammar_triggers preserved_tokens chat_format reasoning_format generation_prompt parse_tool_calls chat_parser
continue_final_message echo reasoning_control reasoning_budget_tokens reasoning_budget_start_tag
reasoning_budget_end_tag reasoning_budget_end_tags reasoning_budget_message logit_bias ignore_eos stop samplers id_slot
image_data multimodal_data input_prefix input_suffix input_extra chat_template chat_template_kwargs
add_generation_prompt thinking_budget_tokens parallel_tool_calls tools tool_choice response_format reasoning_effort
""")
VLLM = names_in("""
messages model frequency_penalty logit_bias logprobs top_logprobs max_tokens max_completion_tokens n presence_penalty
response_format seed stop stream stream_options temperature top_p tools tool_choice reasoning_effort
thinking_token_budget include_reasoning parallel_tool_calls user use_beam_search top_k min_p repetition_penalty
watermarking length_penalty stop_token_ids include_stop_str_in_output ignore_eos min_tokens skip_special_tokens
spaces_between_special_tokens truncate_prompt_tokens truncation_side prompt_logprobs logprob_token_ids
allowed_token_ids bad_words echo add_generation_prompt continue_final_message add_special_tokens documents
chat_template chat_template_kwargs media_io_kwargs mm_processor_kwargs structured_outputs priority request_id session_id
return_tokens_as_token_ids return_token_ids routed_experts_prompt_start return_token_offsets return_prompt_text
return_mm_kwargs cache_salt kv_transfer_params ec_transfer_params vllm_xargs repetition_detection stream_interval prompt
suffix prompt_embeds best_of early_stopping guided_json guided_regex guided_choice guided_grammar
guided_decoding_backend guided_whitespace_pattern structural_tag
""")
OLLAMA = names_in("""
model messages prompt suffix system template context stream raw format keep_alive images options think truncate shift
logprobs top_logprobs tools reasoning reasoning_effort response_format stream_options max_tokens frequency_penalty
presence_penalty stop _debug_render_only num_keep seed num_predict top_k top_p min_p tfs_z typical_p repeat_last_n
temperature repeat_penalty mirostat mirostat_tau mirostat_eta penalize_newline numa num_ctx num_batch num_gpu main_gpu
low_vram f16_kv logits_all vocab_only use_mmap use_mlock num_thread
""")


class Row(NamedTuple):
    field: str
    way: str  # "chat" | "completions"
    fate: str
    example: Any
    asking_nothing: list[Any]


def rows() -> list[Row]:
    found: list[Row] = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) != 7 or not (named := CODE.fullmatch(cells[0])):
            continue
        nothing = [json.loads(text) for text in CODE.findall(cells[5])]
        for way, fate in zip(SCHEMAS, cells[2:4], strict=True):
            if fate != "–":
                found.append(Row(named[1], way, fate, json.loads(cells[4].strip("`")), nothing))
    return found


ROWS = rows()


def fields(way: str, fate: str) -> list[str]:
    return sorted(row.field for row in ROWS if (row.way, row.fate) == (way, fate))


def asked(way: str, body: dict[str, Any]) -> list[bytes]:
    """What reaches the engine. Raises as the server would refuse."""
    request = validate(SCHEMAS[way], body, LimitSettings())
    if isinstance(request, ChatCompletionRequest):
        return [msgspec.msgpack.encode(request.to_generation_request("r"))]
    return [msgspec.msgpack.encode(each) for each in request.to_generation_requests("r")]


@pytest.mark.parametrize("way", SCHEMAS)
def test_the_table_is_what_the_schemas_say(way: str) -> None:
    assert fields(way, "honoured") == sorted(SCHEMAS[way].model_fields)
    assert fields(way, "refused") == sorted({"chat": CHAT, "completions": COMPLETIONS}[way])
    assert {row.fate for row in ROWS} == {"honoured", "refused", "harmless"}


def test_every_field_of_four_programs_is_in_the_table() -> None:
    named = {row.field for row in ROWS}
    ways = [openai_chat.CompletionCreateParamsNonStreaming, openai_completion.CompletionCreateParamsNonStreaming]
    of_openai = {name for params in ways for name in get_type_hints(params)}
    assert {*of_openai, *LLAMA_CPP, *VLLM, *OLLAMA} - named == set()


@pytest.mark.parametrize("way", SCHEMAS)
def test_what_is_refused_is_named_and_asking_for_nothing_is_not_refused(way: str) -> None:
    plain = asked(way, PLAIN[way])
    for row in ROWS:
        if (row.way, row.fate) != (way, "refused"):
            continue
        with pytest.raises(UnsupportedParameter) as refusal:
            asked(way, PLAIN[way] | {row.field: row.example})
        assert refusal.value.param == row.field
        assert repr(row.field) in str(refusal.value)
        for value in (None, *row.asking_nothing):
            assert asked(way, PLAIN[way] | {row.field: value}) == plain, (row.field, value)


@pytest.mark.parametrize("way", SCHEMAS)
def test_what_is_harmless_changes_nothing_and_what_is_honoured_is_taken(way: str) -> None:
    plain = asked(way, PLAIN[way])
    for row in ROWS:
        if row.way == way and row.fate != "refused":
            needed = NEEDED.get(row.field, {}) if row.fate == "honoured" else {}
            request = asked(way, PLAIN[way] | needed | {row.field: row.example})
            assert row.fate == "honoured" or request == plain, row.field


def test_usage_in_every_chunk_is_refused() -> None:
    with pytest.raises(UnsupportedParameter) as refusal:
        asked("chat", PLAIN["chat"] | {"stream_options": {"continuous_usage_stats": True}})
    assert refusal.value.param == "stream_options.continuous_usage_stats"
    asked("chat", PLAIN["chat"] | {"stream_options": {"continuous_usage_stats": False, "include_obfuscation": False}})


@pytest.mark.parametrize(
    ("field", "value"),
    [("mirostat", False), ("penalize_nl", 1), ("typical_p", True), ("min_tokens", False)],
)
def test_true_is_not_one_and_false_is_not_zero(field: str, value: object) -> None:
    with pytest.raises(UnsupportedParameter):
        asked("chat", PLAIN["chat"] | {field: value})
