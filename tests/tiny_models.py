"""Writes tiny GGUFs with random weights: real tokenizers and real architectures without real models.

What they say is noise, but it is the same noise every time (seeded), and it goes through the same code of llama.cpp.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import gguf
import numpy as np
import numpy.typing as npt

from bdchat.engine.text.chat_template import CHATML
from benchmark.mistral_vocabulary import write_mistral_vocabulary

MISTRAL_V03_TEMPLATE = Path(__file__).parent / "templates" / "mistral-7b-instruct-v0.3.jinja"
N_EMBD, N_HEAD, N_HEAD_KV, N_LAYER, N_FF = 64, 4, 2, 2, 128
HEAD_SIZE = N_EMBD // N_HEAD
BLOCK_SHAPES = {
    "attn_q": (N_EMBD, N_EMBD),
    "attn_k": (HEAD_SIZE * N_HEAD_KV, N_EMBD),
    "attn_v": (HEAD_SIZE * N_HEAD_KV, N_EMBD),
    "attn_output": (N_EMBD, N_EMBD),
    "ffn_gate": (N_FF, N_EMBD),
    "ffn_up": (N_FF, N_EMBD),
    "ffn_down": (N_EMBD, N_FF),
}
TINY_CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
Weights = Callable[..., npt.NDArray[np.float32]]


def write_tiny_mistral(path: Path, *, add_space_prefix: bool | None = True, n_ctx_train: int = 4096) -> Path:
    """Mistral-7B-Instruct-v0.3's own tokenizer and chat template. `add_space_prefix`: what the GGUF says; None: it
    does not say, as some converters leave it."""
    writer = gguf.GGUFWriter(path, "llama")
    _write_attention_header(writer, "tiny-mistral", n_ctx_train)
    n_vocab = write_mistral_vocabulary(writer)
    if add_space_prefix is not None:
        writer.add_add_space_prefix(add_space_prefix)
    writer.add_chat_template(MISTRAL_V03_TEMPLATE.read_text())
    _write_llama_tensors(writer, n_vocab)
    return _finish(writer, path)


def write_tiny_llama(
    path: Path,
    *,
    n_ctx_train: int = 4096,
    chat_template: str | None = CHATML,
    architecture: str = "llama",
    max_part_tensors: int = 0,
    control_tokens: Sequence[str] = TINY_CONTROL_TOKENS,
    end_keys: Mapping[str, str] = MappingProxyType({}),
    pooling: gguf.PoolingType | None = None,
) -> Path:
    """Dense attention; one token a byte, and control tokens: the first is BOS, the last EOS. With `max_part_tensors` it
    is split, and `path` is what its parts' names begin with. `end_keys`: more keys of the vocabulary, "eot" and "eom",
    and the tokens that they name."""
    writer = gguf.GGUFWriter(path, architecture, split_max_tensors=max_part_tensors)
    _write_attention_header(writer, "tiny-llama", n_ctx_train)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    n_vocab = _write_byte_vocab(writer, chat_template, control_tokens, end_keys)
    _write_llama_tensors(writer, n_vocab)
    return _finish(writer, path)


def write_tiny_swa(path: Path, *, n_swa: int = 64, n_ctx_train: int = 4096) -> Path:
    """gemma3: its first layer sees a sliding window of n_swa tokens, its second one everything."""
    writer = gguf.GGUFWriter(path, "gemma3")
    _write_attention_header(writer, "tiny-swa", n_ctx_train)
    writer.add_key_length(HEAD_SIZE)
    writer.add_value_length(HEAD_SIZE)
    writer.add_sliding_window(n_swa)
    writer.add_sliding_window_pattern([True, False])
    n_vocab = _write_byte_vocab(writer, CHATML)
    weights = _write_llama_tensors(writer, n_vocab)
    for layer in range(N_LAYER):
        for name in ("attn_q_norm", "attn_k_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(HEAD_SIZE, np.float32))
        for name in ("post_attention_norm", "post_ffw_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", weights(N_EMBD))
    return _finish(writer, path)


def write_tiny_mamba(path: Path, *, n_ctx_train: int = 4096) -> Path:
    """Recurrent: a state instead of cells."""
    d_inner, d_state, d_conv, dt_rank = 2 * N_EMBD, 8, 4, 4
    writer = gguf.GGUFWriter(path, "mamba")
    writer.add_name("tiny-mamba")
    writer.add_context_length(n_ctx_train)
    writer.add_embedding_length(N_EMBD)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(N_LAYER)
    writer.add_ssm_conv_kernel(d_conv)
    writer.add_ssm_inner_size(d_inner)
    writer.add_ssm_state_size(d_state)
    writer.add_ssm_time_step_rank(dt_rank)
    writer.add_layer_norm_rms_eps(1e-5)
    n_vocab = _write_byte_vocab(writer, CHATML)
    weights = _seeded_weights()
    writer.add_tensor("token_embd.weight", weights(n_vocab, N_EMBD))
    writer.add_tensor("output_norm.weight", np.ones(N_EMBD, np.float32))
    for layer in range(N_LAYER):
        prefix = f"blk.{layer}."
        writer.add_tensor(prefix + "attn_norm.weight", np.ones(N_EMBD, np.float32))
        writer.add_tensor(prefix + "ssm_in.weight", weights(2 * d_inner, N_EMBD))
        writer.add_tensor(prefix + "ssm_conv1d.weight", weights(d_inner, d_conv))
        writer.add_tensor(prefix + "ssm_conv1d.bias", weights(d_inner))
        writer.add_tensor(prefix + "ssm_x.weight", weights(dt_rank + 2 * d_state, d_inner))
        writer.add_tensor(prefix + "ssm_dt.weight", weights(d_inner, dt_rank))
        writer.add_tensor(prefix + "ssm_dt.bias", weights(d_inner))
        a = -np.tile(np.arange(1, d_state + 1, dtype=np.float32), (d_inner, 1))  # (d_inner, d_state), Mamba's own start
        writer.add_tensor(prefix + "ssm_a", a)
        writer.add_tensor(prefix + "ssm_d", np.ones(d_inner, np.float32))
        writer.add_tensor(prefix + "ssm_out.weight", weights(N_EMBD, d_inner))
    return _finish(writer, path)


def write_tiny_hybrid(path: Path, *, n_ctx_train: int = 4096) -> Path:
    """lfm2: its first layer keeps a state (a short convolution), its second one cells."""
    writer = gguf.GGUFWriter(path, "lfm2")
    _write_attention_header(writer, "tiny-hybrid", n_ctx_train, num_heads_kv=[0, N_HEAD_KV])
    l_cache = 3
    writer.add_shortconv_l_cache(l_cache)
    writer.add_vocab_size(n_vocab := _write_byte_vocab(writer, CHATML))
    weights = _seeded_weights()
    writer.add_tensor("token_embd.weight", weights(n_vocab, N_EMBD))
    writer.add_tensor("token_embd_norm.weight", np.ones(N_EMBD, np.float32))
    for layer in range(N_LAYER):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(N_EMBD, np.float32))
        for name in ("ffn_gate", "ffn_up", "ffn_down"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", weights(*BLOCK_SHAPES[name]))
    writer.add_tensor("blk.0.shortconv.conv.weight", weights(N_EMBD, l_cache))
    writer.add_tensor("blk.0.shortconv.in_proj.weight", weights(3 * N_EMBD, N_EMBD))
    writer.add_tensor("blk.0.shortconv.out_proj.weight", weights(N_EMBD, N_EMBD))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        writer.add_tensor(f"blk.1.{name}.weight", weights(*BLOCK_SHAPES[name]))
    for name in ("attn_q_norm", "attn_k_norm"):
        writer.add_tensor(f"blk.1.{name}.weight", np.ones(HEAD_SIZE, np.float32))
    return _finish(writer, path)


def write_tiny_bert(
    path: Path,
    *,
    pooling: gguf.PoolingType | None = gguf.PoolingType.MEAN,
    n_ctx_train: int = 512,
    tags: Sequence[str] = (),
) -> Path:
    """An encoder with WordPiece: letters and a few words; it makes vectors, or ranks with a pooling of RANK."""
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("tiny-bert")
    if tags:
        writer.add_tags(tags)
    writer.add_context_length(n_ctx_train)
    writer.add_embedding_length(N_EMBD)
    writer.add_block_count(N_LAYER)
    writer.add_feed_forward_length(N_FF)
    writer.add_head_count(N_HEAD)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    letters = [chr(code) for code in (*range(ord("!"), ord("A")), *range(ord("["), ord("~") + 1))]
    words = [f"▁{word}" for word in (*letters, "the", "cat", "dog", "sat", "on", "mat")]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *letters]
    kinds = [gguf.TokenType.CONTROL, gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types([int(kind) for kind in kinds] + [int(gguf.TokenType.NORMAL)] * (len(tokens) - len(kinds)))
    writer.add_token_type_count(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    writer.add_sep_token_id(3)
    _write_bert_tensors(writer, len(tokens), n_ctx_train, ranks=pooling is gguf.PoolingType.RANK)
    return _finish(writer, path)


def _write_bert_tensors(writer: gguf.GGUFWriter, n_vocab: int, n_ctx_train: int, *, ranks: bool) -> None:
    weights = _seeded_weights()
    writer.add_tensor("token_embd.weight", weights(n_vocab, N_EMBD))
    writer.add_tensor("token_types.weight", weights(2, N_EMBD))
    writer.add_tensor("position_embd.weight", weights(n_ctx_train, N_EMBD))
    norms = ["token_embd_norm"]
    for layer in range(N_LAYER):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", weights(N_EMBD, N_EMBD))
            writer.add_tensor(f"blk.{layer}.{name}.bias", weights(N_EMBD))
        for name, shape in {"ffn_up": (N_FF, N_EMBD), "ffn_down": (N_EMBD, N_FF)}.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", weights(*shape))
            writer.add_tensor(f"blk.{layer}.{name}.bias", weights(shape[0]))
        norms += [f"blk.{layer}.{name}" for name in ("attn_output_norm", "layer_output_norm")]
    for name in norms:
        writer.add_tensor(f"{name}.weight", np.ones(N_EMBD, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(N_EMBD, np.float32))
    if ranks:
        writer.add_tensor("cls.weight", weights(N_EMBD, N_EMBD))
        writer.add_tensor("cls.bias", weights(N_EMBD))
        writer.add_tensor("cls.output.weight", weights(1, N_EMBD))
        writer.add_tensor("cls.output.bias", weights(1))


def _write_attention_header(
    writer: gguf.GGUFWriter, name: str, n_ctx_train: int, *, num_heads_kv: int | Sequence[int] = N_HEAD_KV
) -> None:
    writer.add_name(name)
    writer.add_context_length(n_ctx_train)
    writer.add_embedding_length(N_EMBD)
    writer.add_block_count(N_LAYER)
    writer.add_feed_forward_length(N_FF)
    writer.add_head_count(N_HEAD)
    writer.add_head_count_kv(num_heads_kv)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HEAD_SIZE)


def _write_byte_vocab(
    writer: gguf.GGUFWriter,
    chat_template: str | None,
    control_tokens: Sequence[str] = TINY_CONTROL_TOKENS,
    end_keys: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """GPT-2's alphabet of bytes: token i is byte i, then a few merged words, then the control tokens."""
    alphabet = _byte_alphabet()
    merges = ["h e", "l l", "Ġ t", "Ġt he"]
    words = [merge.replace(" ", "") for merge in merges]
    tokens = [*alphabet, *words, *control_tokens]
    normal, control = int(gguf.TokenType.NORMAL), int(gguf.TokenType.CONTROL)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([normal] * (len(alphabet) + len(words)) + [control] * len(control_tokens))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokens.index(control_tokens[0]))
    writer.add_eos_token_id(tokens.index(control_tokens[-1]))
    for key, token in end_keys.items():
        writer.add_uint32(f"tokenizer.ggml.{key}_token_id", tokens.index(token))
    writer.add_add_bos_token(False)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    return len(tokens)


def _byte_alphabet() -> list[str]:
    """GPT-2 writes each byte as one visible character: itself where it is visible, else one from U+0100 on."""
    visible = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in visible else chr(next(others)) for byte in range(256)]


def _write_llama_tensors(writer: gguf.GGUFWriter, n_vocab: int) -> Weights:
    weights = _seeded_weights()
    writer.add_tensor("token_embd.weight", weights(n_vocab, N_EMBD).astype(np.float16))
    writer.add_tensor("output_norm.weight", np.ones(N_EMBD, np.float32))
    for layer in range(N_LAYER):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(N_EMBD, np.float32))
        for name, shape in BLOCK_SHAPES.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", weights(*shape))
    return weights


def _seeded_weights() -> Weights:
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> npt.NDArray[np.float32]:
        """Variance 1 / inputs, so that activations keep their size from layer to layer."""
        scale = np.float32(1 / np.sqrt(shape[-1]))
        return rng.standard_normal(shape, dtype=np.float32) * scale

    return weights


def _finish(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
