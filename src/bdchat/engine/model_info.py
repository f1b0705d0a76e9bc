"""What a loaded model is, as its engine process tells it."""

import msgspec

from bdchat.engine.request import Value


class AnswerFormat(Value, frozen=True, kw_only=True):
    """How a model writes thoughts and tool calls, found from its chat template at load; answers/ reads it."""

    family: str = "generic"  # a row of answers/families.py
    thought_opening: str = "<think>"
    thought_closing: str = "</think>"
    thinks: bool = False  # its template knows thoughts; the tags are read anyhow


class WeightsInfo(Value, frozen=True, kw_only=True):
    """In which encoding a model's weights are held here. Speeds: tokens a second of a prompt, of one answer, of eight
    together."""

    is_open: bool = False  # nobody has found out yet which one is fastest
    is_encoded: bool = False  # False: the file's own
    encodings: dict[str, int] = msgspec.field(default_factory=dict)  # "Q4_1 → Q8_0": number of matrices
    reason: str = ""  # why it is held so, in one sentence
    num_bytes: int = 0  # of the file that holds the new encoding
    mean_kl: float | None = None  # nats a token, of the file's answers to these
    perplexity: float | None = None  # over the file's own
    speed_before: tuple[float, float, float] | None = None
    speed_after: tuple[float, float, float] | None = None


class ModelInfo(Value, frozen=True, kw_only=True):
    """What a loaded model is; sent once when its engine is ready."""

    model_id: str  # the name it is served under
    architecture: str
    num_parameters: int
    model_bytes: int
    n_vocab: int
    n_ctx_train: int
    n_ctx: int  # longest sequence this engine accepts, prompt and completion together
    context_cut: str | None = None  # what of context and places memory did not allow, in one line
    num_sequences: int  # how many run at once
    num_cells: int  # KV cells in all
    kv_layout: str  # "unified" | "streams"
    kv_type: str  # "f16" | "bf16" | "q8_0"
    flash_attention: bool
    n_threads: int
    memory_class: str  # "dense" | "swa" | "recurrent"
    has_chat_template: bool
    fingerprint: str  # system_fingerprint: changes when anything that may change text changes
    adds_space_prefix: bool = False  # SentencePiece: the first word of an answer comes with a space
    end_texts: tuple[str, ...] = ()  # what ends an answer to a chat and is no token: the template's marks as text
    end_token_ids: tuple[int, ...] = ()  # control tokens that do, beside those that llama.cpp knows as ends
    opens_thought: bool = False  # an answer begins inside a thought where nobody says otherwise: see Accepted
    answer_format: AnswerFormat = AnswerFormat()
    # Control tokens that are text in a chat's answers: they mark thoughts and calls
    mark_tokens: dict[int, str] = msgspec.field(default_factory=dict)
    has_fim: bool = False  # it has tokens for filling a gap: FimPrompt
    draft_model: str | None = None  # the small model that guesses ahead for it
    purpose: str = "chat"  # gguf.purpose.Purpose: "embedding" and "reranker" models write no text
    num_dimensions: int = 0  # of its vectors
    may_shorten_vectors: bool = False  # their first numbers are a vector too (Matryoshka)
    use_extra_bufts: bool = True  # False: the probe found a library that crashes with them, or plain ones are faster
    weights: WeightsInfo | None = None  # what was found out about them on this machine
    # Whose KV cells give their memory back: each sequence's ("sequences"), all together ("whole"), nobody's ("none").
    elasticity: str = "none"
    description: str = ""
