"""What clients of local servers send is taken as they mean it."""

from typing import Any

import pytest

from bdchat.api.http.parsing import validate
from bdchat.api.schemas.chat import ChatCompletionRequest
from bdchat.api.schemas.completions import CompletionRequest
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import GenerationRequest, SamplingDefaults, SamplingParams, TokenPrompt
from bdchat.settings import LimitSettings


def chat(**fields: object) -> GenerationRequest:
    body = {"messages": [{"role": "user", "content": "hi"}], **fields}
    return validate(ChatCompletionRequest, body, LimitSettings()).to_generation_request("r")


def completion(**fields: object) -> GenerationRequest:
    body = {"prompt": "hi", **fields}
    return validate(CompletionRequest, body, LimitSettings()).to_generation_requests("r")[0]


WAYS = [chat, completion]


@pytest.mark.parametrize("name", ["max_tokens", "n_predict", "num_predict"])
@pytest.mark.parametrize("value", [-1, -2, -1.0])
@pytest.mark.parametrize("way", WAYS)
def test_a_limit_of_minus_one_is_none(way: Any, name: str, value: float) -> None:
    """llama.cpp: -1 is infinity. Ollama: -2 fills the context."""
    assert way(**{name: value}).sampling.max_tokens is None


def test_the_names_of_the_limit_have_an_order() -> None:
    assert chat(max_completion_tokens=-1, max_tokens=5).sampling.max_tokens is None
    assert chat(max_tokens=5, n_predict=7).sampling.max_tokens == 5
    assert chat(n_predict=7, num_predict=9).sampling.max_tokens == 7
    assert completion(n_predict=7).sampling.max_tokens == 7
    assert completion(max_tokens=0, n_predict=7).sampling.max_tokens == 0
    assert completion().sampling.max_tokens == 16


@pytest.mark.parametrize(
    ("fields", "arguments"),
    [
        ({"top_k": -1}, {"top_k": 0}),
        ({"top_p": 0}, {"top_p": 0.0}),
        ({"repeat_last_n": -1}, {"repeat_last_n": None}),
        ({"repeat_penalty": 1.1}, {"repeat_penalty": 1.1, "repeat_last_n": 64}),
        ({"repetition_penalty": 1.1}, {"repeat_penalty": 1.1, "repeat_last_n": None}),
        ({"repetition_penalty": 1.1, "repeat_last_n": 8}, {"repeat_penalty": 1.1, "repeat_last_n": 8}),
        ({"repetition_penalty": 1.1, "repeat_penalty": 1.1}, {"repeat_penalty": 1.1, "repeat_last_n": 64}),
        ({"seed": -1}, {"seed": None}),
        ({"seed": -1.0}, {"seed": None}),
        ({"seed": -2}, {"seed": 2**63 - 2}),
        ({"stop": ""}, {"stop": ()}),
        ({"stop": []}, {"stop": ()}),
        ({"stop": ["", "x", ""]}, {"stop": ("x",)}),
        ({"logit_bias": [[5, -1.5], [6.0, False]]}, {"logit_bias": {5: -1.5, 6: -100.0}}),
        ({"logit_bias": {"6": False}}, {"logit_bias": {6: -100.0}}),
        ({"logit_bias": []}, {"logit_bias": {}}),
        ({"top_k": 3.0, "seed": 4.0, "max_tokens": 5.0}, {"top_k": 3, "seed": 4, "max_tokens": 5}),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_habits_are_taken_as_they_are_meant(way: Any, fields: dict[str, Any], arguments: dict[str, Any]) -> None:
    sampling: SamplingParams = way(**fields).sampling
    assert {name: getattr(sampling, name) for name in arguments} == arguments


@pytest.mark.parametrize("way", WAYS)
def test_whole_numbers_may_have_a_point_everywhere(way: Any) -> None:
    assert way(n=2.0).num_choices == 2
    assert completion(best_of=1.0, logprobs=3.0).sampling.num_top_logprobs == 3
    assert completion(prompt=[1.0, 2]).prompt == TokenPrompt(tokens=(1, 2))
    assert completion(prompt=[[1, 2.0]]).prompt == TokenPrompt(tokens=(1, 2))
    assert chat(logprobs=True, top_logprobs=2.0).sampling.num_top_logprobs == 2


def test_no_logprobs_are_asked_for_in_many_ways() -> None:
    for fields in ({"top_logprobs": 0}, {"top_logprobs": 0, "logprobs": False}, {"top_logprobs": None}):
        assert chat(**fields).sampling.num_top_logprobs is None
    assert chat(logprobs=True, top_logprobs=0).sampling.num_top_logprobs == 0
    assert completion(logprobs=False).sampling.num_top_logprobs is None
    assert completion(logprobs=False, echo=True).num_prompt_logprobs is None
    assert completion(logprobs=0).sampling.num_top_logprobs == 0


@pytest.mark.parametrize(
    ("way", "fields", "param"),
    [
        (chat, {"max_tokens": 0}, "max_tokens"),
        (chat, {"max_completion_tokens": 0}, "max_completion_tokens"),
        (chat, {"n_predict": 0}, "n_predict"),
        (chat, {"max_tokens": -3}, "max_tokens"),
        (chat, {"max_tokens": 3.5}, "max_tokens"),
        (chat, {"max_tokens": "3"}, "max_tokens"),
        (chat, {"max_tokens": True}, "max_tokens"),
        (completion, {"max_tokens": -3}, "max_tokens"),
        (completion, {"logprobs": True}, "logprobs"),
        (completion, {"prompt": [1.5]}, "prompt[0]"),
        (chat, {"top_k": -2}, "top_k"),
        (chat, {"repeat_last_n": -2}, "repeat_last_n"),
        (chat, {"top_p": -0.1}, "top_p"),
        (chat, {"top_logprobs": 1}, "top_logprobs"),
        (chat, {"top_logprobs": 1, "logprobs": False}, "top_logprobs"),
        (chat, {"stop": [""] * 17}, "stop"),
        (chat, {"logit_bias": [[5]]}, "logit_bias[0]"),
        (chat, {"logit_bias": [["hello", 1]]}, "logit_bias"),
        (chat, {"logit_bias": {"5": True}}, "logit_bias"),
        (chat, {"repeat_penalty": 1.1, "repetition_penalty": 1.2}, "repetition_penalty"),
        (chat, {"n": 1.5}, "n"),
        (chat, {"seed": 1e300}, "seed"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(way: Any, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        way(**fields)
    assert refusal.value.param == param


OWN = SamplingDefaults(temperature=0.6, top_p=0.8, top_k=20, min_p=0.0, repeat_penalty=1.05, repeat_last_n=None)


@pytest.mark.parametrize(
    ("fields", "otherwise", "found"),
    [
        ({}, "model", (0.6, 0.8, 20, 0.0, 1.05, None)),
        ({"temperature": 0, "top_k": -1}, "model", (0, 0.8, 0, 0.0, 1.05, None)),
        ({"repetition_penalty": 1.2}, "model", (0.6, 0.8, 20, 0.0, 1.2, None)),
        ({"repeat_penalty": 1.2}, "model", (0.6, 0.8, 20, 0.0, 1.2, 64)),  # the request's penalty, and its window
        ({"repeat_last_n": 8}, "model", (0.6, 0.8, 20, 0.0, 1.05, 8)),
        ({}, "openai", (1, 1, 0, 0, 1, 64)),
        ({"sampling_defaults": "openai"}, "model", (1, 1, 0, 0, 1, 64)),
        ({"sampling_defaults": "model"}, "openai", (0.6, 0.8, 20, 0.0, 1.05, None)),
    ],
)
def test_the_models_own_numbers_stand_where_the_request_names_none(
    fields: dict[str, Any], otherwise: Any, found: tuple[float, ...]
) -> None:
    body = validate(ChatCompletionRequest, {"messages": [{"role": "user", "content": "hi"}], **fields}, LimitSettings())
    params = body.with_defaults(OWN, otherwise).to_generation_request("r").sampling
    names = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "repeat_last_n")
    assert tuple(getattr(params, name) for name in names) == found
