"""GET /v1/models and /v1/models/{id}: the answers.

Deliberate divergences from OpenAI:
1. `context_length` (and vLLM's `max_model_len`) say what a request may hold; null while the model is not loaded.
2. `opens_thought`: an answer begins inside a thought, because the model's chat template writes `<think>` itself: the
   text then has the closing tag only; null while the model is not loaded.
3. `context_cut` says what of it, and of the answers at once, memory did not allow; null when all is served.
4. `sampling_defaults`: the model's own numbers, which a chat gets where nobody says otherwise.
5. `languages`: codes of those that its makers name; "multilingual" for too many to name, [] when nobody told.
6. `num_parameters`: null while the model is not loaded.
7. `capabilities`: "completion", "chat", "tools" and "json_schema" of every model that writes texts; "fim" where it has
   tokens for filling gaps, "reasoning" where its chat template knows thoughts (told when it is loaded). Of others
   "embedding" or "rerank" alone.
8. `owned_by`: who made it, as its file says.
9. `state`: loading, ready, restarting, failed or closed. `load_fraction`: how much of the file has been read, 0 to 1,
   while it is; else null.
10. `stands_in_for`: the default model, while memory does not hold that one and this one answers in its place.
11. `weights`: in which encoding they are held on this machine, and what that changed; null while it is not loaded.
"""

from typing import Literal

from bdchat.api.http.endpoints import View


class SamplingDefaultsView(View):
    temperature: float
    top_p: float
    top_k: int
    min_p: float
    repeat_penalty: float
    repeat_last_n: int | None  # null: all


class WeightsView(View):
    """Speeds: tokens a second of a prompt, of one answer, of eight answers together."""

    is_open: bool  # it is being found out which encoding is fastest
    is_encoded: bool  # False: the file's own
    encodings: dict[str, int]  # "Q4_1 → Q8_0": number of matrices
    reason: str
    mean_kl: float | None  # nats a token, from what the file says
    perplexity: float | None  # over the file's own
    speed_before: tuple[float, float, float] | None
    speed_after: tuple[float, float, float] | None


class Model(View):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    context_length: int | None
    max_model_len: int | None
    opens_thought: bool | None
    context_cut: str | None
    sampling_defaults: SamplingDefaultsView
    languages: list[str]
    capabilities: list[str]
    num_parameters: int | None
    state: str
    load_fraction: float | None
    weights: WeightsView | None
    stands_in_for: str | None


class ModelList(View):
    object: Literal["list"] = "list"
    data: list[Model]


class LmStudioModel(View):
    """What is read from a file is null while the model is not loaded."""

    id: str
    object: Literal["model"] = "model"
    type: str  # "llm" or "embeddings"
    publisher: str
    arch: str | None
    compatibility_type: Literal["gguf"] = "gguf"
    quantization: str | None
    state: str  # "loaded" or "not-loaded"
    max_context_length: int | None  # what it was trained for
    loaded_context_length: int | None  # what a request may hold
    capabilities: list[str]


class LmStudioModelList(View):
    object: Literal["list"] = "list"
    data: list[LmStudioModel]
