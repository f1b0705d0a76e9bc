"""Laws of the header check: every damaged file is one GGUFError, nothing blocks, nothing grows."""

import os
import random
import socket
import struct
import time
import tracemalloc
from pathlib import Path

import pytest

from bdchat.engine.gguf.cursor import MAX_ARRAY_STRINGS
from bdchat.engine.gguf.header import GGUFError, read_header
from tests import gguf_files as files
from tests.gguf_files import GGUFFile, write_split


def reason_for(path: Path) -> str:
    with pytest.raises(GGUFError) as caught:
        read_header(path)
    assert "\n" not in caught.value.reason
    return caught.value.reason


def fastest_of_three(path: Path) -> float:
    """Seconds of the processor; the best of three, because the machine may be busy."""

    def once() -> float:
        started = time.thread_time()
        read_header(path)
        return time.thread_time() - started

    return min(once() for _ in range(3))


def test_a_valid_header_is_described(tmp_path: Path) -> None:
    path = GGUFFile().write(tmp_path / "tiny.gguf")
    header = read_header(path)
    assert (header.architecture, header.name, header.quantization) == ("llama", "Tiny", "F32")
    assert (header.n_ctx_train, header.n_vocab, header.n_embd, header.num_layers) == (256, 3, 16, 2)
    assert (header.head_counts, header.head_counts_kv) == ((4, 4), (2, 2))
    assert (header.key_length, header.value_length) == (4, 4)
    assert (header.num_parameters, header.num_tensors, header.weight_bytes) == (32, 1, 128)
    assert (header.tokenizer_model, header.tokenizer_pre) == ("gpt2", "smollm")
    assert header.chat_template == "{{ messages }}"
    assert header.model_bytes == path.stat().st_size
    assert (header.purpose, header.refusal) == ("chat", None)
    assert header.sliding_window is None


@pytest.mark.gguf
def test_the_default_model_is_described_fast(default_model_path: Path) -> None:
    header = read_header(default_model_path)
    assert fastest_of_three(default_model_path) < 0.15
    assert (header.architecture, header.quantization, header.n_vocab) == ("llama", "Q4_1", 49152)
    assert (header.num_parameters, header.n_ctx_train) == (134_515_008, 8192)
    assert header.kv_bytes_per_token() == 23_040  # llama.cpp's own state is 23,052 bytes a token with its positions
    assert header.model_bytes == default_model_path.stat().st_size


def test_a_vocabulary_of_262_000_tokens_is_read_within_a_second(tmp_path: Path) -> None:
    tokens = [f"token{index}" for index in range(262_144)]
    pairs = files.default_pairs() | {
        "tokenizer.ggml.tokens": files.strings(tokens),
        "tokenizer.ggml.merges": files.strings(tokens * 2),
        "tokenizer.ggml.token_type": files.numbers(files.I32, "i", [1] * len(tokens)),
        "tokenizer.ggml.scores": files.numbers(files.F32, "f", [0.0] * len(tokens)),
    }
    path = GGUFFile(pairs=pairs).write(tmp_path / "wide.gguf")
    assert read_header(path).n_vocab == 262_144
    assert fastest_of_three(path) < 1.0


@pytest.mark.parametrize(
    ("names", "expert_keys", "step_bytes"),
    [
        (["token_embd.weight", "blk.0.ffn_up.weight"], {}, 256),  # the table is the output's matrix too
        (["token_embd.weight", "output.weight"], {}, 128),
        (["token_embd.weight", "per_layer_token_embd.weight"], {}, 128),
        (["output.weight", "blk.0.ffn_up_exps.weight"], {"expert_count": 8, "expert_used_count": 2}, 128 + 32),
    ],
)
def test_a_token_reads_the_weights_but_the_tables_and_idle_experts(
    tmp_path: Path, names: list[str], expert_keys: dict[str, int], step_bytes: int
) -> None:
    tensors = [files.tensor(name, (16, 2), 128 * number) for number, name in enumerate(names)]
    file = GGUFFile(tensors=tensors, data=b"\0" * 128 * len(names))
    file.with_pairs(**{f"llama__{key}": files.u32(value) for key, value in expert_keys.items()})
    assert read_header(file.write(tmp_path / "m.gguf")).step_bytes == step_bytes


def test_who_made_it_and_whether_it_fills_gaps_are_read(tmp_path: Path) -> None:
    plain = read_header(GGUFFile().write(tmp_path / "m.gguf"))
    assert (plain.organization, plain.has_fim) == ("", False)
    gaps = {"tokenizer__ggml__tokens": files.strings(["[PREFIX]", "b", "[SUFFIX]"])}
    able = read_header(GGUFFile().with_pairs(general__organization=files.string("Ann\n"), **gaps).write(tmp_path / "n"))
    assert (able.organization, able.has_fim) == ("Ann", True)
    half = {"tokenizer__ggml__tokens": files.strings(["[PREFIX]", "b", "c"]), "general__organization": files.u32(5)}
    unable = read_header(GGUFFile().with_pairs(**half).write(tmp_path / "o"))
    assert (unable.organization, unable.has_fim) == ("", False)
    named = GGUFFile().with_pairs(tokenizer__ggml__fim_pre_token_id=files.u32(1))
    assert read_header(named.write(tmp_path / "p")).has_fim


def test_languages_are_read_as_codes(tmp_path: Path) -> None:
    file = GGUFFile().with_pairs(general__languages=files.strings(["en", "ko", "<b>", "multilingual"]))
    assert read_header(file.write(tmp_path / "m.gguf")).languages == ("en", "ko")
    file.with_pairs(general__languages=files.string("en"))
    assert read_header(file.write(tmp_path / "n.gguf")).languages == ()


def test_memory_need_adds_weights_cells_and_compute(tmp_path: Path) -> None:
    header = read_header(GGUFFile().write(tmp_path / "tiny.gguf"))
    assert header.kv_bytes_per_token("f16") == 2 * (2 + 2) * (4 + 4)
    assert header.kv_bytes_per_token("q8_0") == 34
    need = header.memory_need(1000)
    assert (need.weights, need.kv_cache) == (128, 64_000)
    attention = 4 * (1000 * 4 + 5 * 16 + 2 * 8)  # scores; what they are made of; K and V
    assert need.compute == 512 * (attention + 4 * 1000 + 2 * 1000 * 4)  # a mask; the scores once more as f16
    assert need.total > need.weights + need.kv_cache + need.compute


def test_heads_and_lengths_may_differ_by_layer(tmp_path: Path) -> None:
    file = GGUFFile().with_pairs(
        llama__attention__head_count=files.numbers(files.U32, "I", [4, 8]),
        llama__attention__head_count_kv=files.numbers(files.U32, "I", [0, 2]),
        llama__attention__key_length=files.u32(8),
        llama__attention__sliding_window=files.u32(64),
    )
    header = read_header(file.write(tmp_path / "m.gguf"))
    assert (header.head_counts, header.head_counts_kv) == ((4, 8), (0, 2))
    assert header.kv_bytes_per_token() == 2 * (8 + 4) * 2
    assert header.sliding_window == 64


def test_a_recurrent_model_needs_no_heads(tmp_path: Path) -> None:
    file = GGUFFile().with_pairs(
        llama__attention__head_count=None,
        llama__attention__head_count_kv=None,
        llama__ssm__state_size=files.u32(16),
    )
    header = read_header(file.write(tmp_path / "m.gguf"))
    assert header.is_recurrent
    assert header.kv_bytes_per_token() == 0


def test_empty_tokens_may_repeat_and_tokens_may_cross_the_reading_window(tmp_path: Path) -> None:
    tokens = ["", "", *(f"{index}".ljust(1000, "x") for index in range(3000))]
    pairs = files.default_pairs() | {"tokenizer.ggml.tokens": files.strings(tokens)}
    del pairs["tokenizer.ggml.scores"], pairs["tokenizer.ggml.token_type"]
    assert read_header(GGUFFile(pairs=pairs).write(tmp_path / "m.gguf")).n_vocab == 3002


def test_names_cannot_steer_a_terminal(tmp_path: Path) -> None:
    file = GGUFFile().with_pairs(general__name=files.string(b"\x1b[31mred\nline\x9b\xff"))
    assert read_header(file.write(tmp_path / "m.gguf")).name.isprintable()


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    path = GGUFFile().write(tmp_path / "blobs" / "abc")
    link = tmp_path / "model.gguf"
    link.symlink_to(path)
    assert read_header(link).name == "Tiny"


def test_what_is_not_a_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.gguf"
    os.mkfifo(fifo)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.gguf"))
        assert "regular" in reason_for(tmp_path / "s.gguf")
    assert "regular" in reason_for(fifo)
    assert "regular" in reason_for(Path("/dev/zero"))
    assert "directory" in reason_for(tmp_path)
    assert "No such file" in reason_for(tmp_path / "absent.gguf")
    assert "cannot be opened" in reason_for(Path("nul\0byte"))
    loop = tmp_path / "loop.gguf"
    loop.symlink_to(loop)
    assert "cannot be opened" in reason_for(loop)


def test_a_link_to_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "m.gguf").symlink_to(tmp_path / "fifo")
    assert "regular" in reason_for(tmp_path / "m.gguf")


HUGE = 1 << 63
BROKEN: dict[str, tuple[GGUFFile, str]] = {
    "magic": (GGUFFile(magic=b"GGML"), "not a GGUF"),
    "version 1": (GGUFFile(version=1), "version 1"),
    "version 4": (GGUFFile(version=4), "version 4"),
    "big-endian": (GGUFFile(version=0x03000000), "big-endian"),
    "pair count": (GGUFFile(num_pairs=HUGE), "settings"),
    "pair count beyond the file": (GGUFFile(num_pairs=60_000), ""),
    "tensor count": (GGUFFile(num_tensors=HUGE), "tensors"),
    "no tensors": (GGUFFile(tensors=[]), "no tensors"),
    "key length": (GGUFFile(pairs={"k" * 2000: files.u32(1)}), "a key"),
    "empty key": (GGUFFile(pairs={"": files.u32(1)}), "empty key"),
    "value type": (GGUFFile().with_pairs(general__x=struct.pack("<II", 99, 1)), "unknown type"),
    "list of lists": (GGUFFile().with_pairs(general__x=struct.pack("<IIQ", 9, 9, 1)), "list of lists"),
    "list length": (GGUFFile().with_pairs(general__x=struct.pack("<IIQ", 9, 4, HUGE)), "entries"),
    "list type": (GGUFFile().with_pairs(general__x=struct.pack("<IIQ", 9, 77, 1)), "unknown type"),
    "text length": (GGUFFile().with_pairs(general__x=struct.pack("<IQ", 8, HUGE)), "truncated"),
    "string length in a list": (GGUFFile().with_pairs(general__x=struct.pack("<IIQQ", 9, 8, 1, HUGE)), "truncated"),
    "template length": (
        GGUFFile().with_pairs(tokenizer__chat_template=files.string("x" * ((1 << 20) + 1))),
        "chat_template",
    ),
    "template encoding": (GGUFFile().with_pairs(tokenizer__chat_template=files.string(b"\xff")), "UTF-8"),
    "alignment 0": (GGUFFile().with_pairs(general__alignment=files.u32(0)), "alignment"),
    "alignment 48": (GGUFFile().with_pairs(general__alignment=files.u32(48)), "power of two"),
    "alignment 2 GiB": (GGUFFile().with_pairs(general__alignment=files.u32(1 << 31)), "alignment"),
    "no architecture": (GGUFFile().with_pairs(general__architecture=None), "architecture"),
    "architecture type": (GGUFFile().with_pairs(general__architecture=files.u32(1)), "not a text"),
    "adapter": (GGUFFile().with_pairs(general__type=files.string("adapter")), "adapter"),
    "no context length": (GGUFFile().with_pairs(llama__context_length=None), "context_length is missing"),
    "context length 0": (GGUFFile().with_pairs(llama__context_length=files.u32(0)), "context_length"),
    "context length type": (GGUFFile().with_pairs(llama__context_length=files.string("9")), "integer"),
    "block count": (GGUFFile().with_pairs(llama__block_count=files.u32(513)), "block_count"),
    "embedding length": (GGUFFile().with_pairs(llama__embedding_length=files.u32(0)), "embedding_length"),
    "no heads": (GGUFFile().with_pairs(llama__attention__head_count=files.u32(0)), "head_count"),
    "heads per layer": (
        GGUFFile().with_pairs(llama__attention__head_count=files.numbers(files.U32, "I", [4, 4, 4])),
        "3 entries for 2 layers",
    ),
    "heads as fractions": (
        GGUFFile().with_pairs(llama__attention__head_count=files.numbers(files.F32, "f", [4.0, 4.0])),
        "whole number",
    ),
    "experts": (GGUFFile().with_pairs(llama__expert_count=files.u32(2000)), "expert_count"),
    "experts used": (GGUFFile().with_pairs(llama__expert_used_count=files.u32(2)), "uses 2 experts"),
    "rope scaling": (GGUFFile().with_pairs(llama__rope__scaling__type=files.string("su")), "rope"),
    "no tokenizer": (GGUFFile().with_pairs(tokenizer__ggml__tokens=None), "no tokenizer"),
    "equal tokens": (
        GGUFFile().with_pairs(tokenizer__ggml__tokens=files.strings(["a", "b", "a"])),
        "a token occurs twice",
    ),
    "token count": (
        GGUFFile().with_pairs(tokenizer__ggml__tokens=struct.pack("<IIQ", 9, 8, (1 << 20) + 1)),
        "1048577 tokens",
    ),
    "token length": (
        GGUFFile().with_pairs(tokenizer__ggml__tokens=files.strings(["x" * 65_536])),
        "a token is 65536 bytes long",
    ),
    "tokens as numbers": (
        GGUFFile().with_pairs(tokenizer__ggml__tokens=files.numbers(files.U32, "I", [1, 2, 3])),
        "no tokenizer",
    ),
    "short scores": (
        GGUFFile().with_pairs(tokenizer__ggml__scores=files.numbers(files.F32, "f", [0.0])),
        "scores does not match",
    ),
    "token types of another width": (
        GGUFFile().with_pairs(tokenizer__ggml__token_type=files.numbers(0, "B", [1, 1, 1])),
        "token_type does not match",
    ),
    "merges as numbers": (
        GGUFFile().with_pairs(tokenizer__ggml__merges=files.numbers(files.U32, "I", [1])),
        "merges",
    ),
    "tensor name": (GGUFFile(tensors=[files.tensor("t" * 64, (4,), 0)]), "name"),
    "tensor twice": (GGUFFile(tensors=[files.tensor("t", (8,), 0), files.tensor("t", (8,), 32)]), "two tensors"),
    "dimensions": (GGUFFile(tensors=[files.tensor("t", (1,) * 5, 0)]), "5 dimensions"),
    "shape 0": (GGUFFile(tensors=[files.tensor("t", (0,), 0)]), "impossible shape"),
    "shape overflow": (GGUFFile(tensors=[files.tensor("t", (1 << 40, 1 << 40), 0)]), "impossible shape"),
    "negative shape": (GGUFFile(tensors=[files.tensor("t", (1 << 63,), 0)]), "impossible shape"),
    "tensor type": (GGUFFile(tensors=[files.tensor("t", (32,), 0, 99)]), "unknown type 99"),
    "removed tensor type": (GGUFFile(tensors=[files.tensor("t", (32,), 0, 4)]), "unknown type 4"),
    "partial block": (GGUFFile(tensors=[files.tensor("t", (33,), 0, files.TYPE_Q8_0)]), "whole blocks"),
    "tensor offset": (GGUFFile(tensors=[files.tensor("t", (8,), 32)]), "does not follow"),
    "overlap": (GGUFFile(tensors=[files.tensor("a", (16,), 0), files.tensor("b", (8,), 32)]), "does not follow"),
    "truncated data": (GGUFFile(data=b"\x00" * 127), "1 of"),
    "part by another name": (GGUFFile().with_pairs(split__count=files.u32(2)), "not named"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_clear_line(tmp_path: Path, name: str) -> None:
    file, expected = BROKEN[name]
    assert expected in reason_for(file.write(tmp_path / "m.gguf"))


def test_a_duplicate_key_is_refused(tmp_path: Path) -> None:
    pair = files.text("general.x") + files.u32(1)
    raw = b"GGUF" + struct.pack("<IQQ", 3, 1, 2) + pair * 2
    (tmp_path / "m.gguf").write_bytes(raw)
    assert "twice" in reason_for(tmp_path / "m.gguf")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").touch()
    assert "empty" in reason_for(tmp_path / "m.gguf")


def test_a_split_model_is_read_from_its_first_part(tmp_path: Path) -> None:
    first = write_split(tmp_path)[0]
    header = read_header(first)
    assert (header.num_parts, header.num_tensors, header.num_parameters) == (2, 2, 64)
    assert header.model_bytes == sum(part.stat().st_size for part in tmp_path.iterdir())


def test_a_split_model_with_a_bad_or_missing_part_is_refused(tmp_path: Path) -> None:
    first = write_split(tmp_path)[0]
    second = tmp_path / "big-00002-of-00002.gguf"
    raw = second.read_bytes()
    second.write_bytes(raw[:-1])
    assert "truncated" in reason_for(first)
    second.unlink()
    assert "big-00002-of-00002.gguf is missing" in reason_for(first)


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """One of: flipped bits, a cut, an inflated length, a run overwritten."""
    data = bytearray(raw)
    match chance.randrange(4):
        case 0:
            for _ in range(chance.randrange(1, 9)):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case 1:
            del data[chance.randrange(len(data)) :]
        case 2:
            at = chance.randrange(len(data) - 8)
            data[at : at + 8] = chance.choice((0, 1, 255, 1 << 16, 1 << 31, HUGE, HUGE - 1, 2 * HUGE - 1)).to_bytes(
                8, "little"
            )
        case _:
            at = chance.randrange(len(data))
            data[at : at + 16] = chance.randbytes(16)
    return bytes(data)


def survives(path: Path) -> bool:
    try:
        read_header(path)
    except GGUFError:
        return False
    return True


@pytest.mark.parametrize("seed", range(20))
def test_only_gguf_errors_escape_a_damaged_file(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    raw = GGUFFile().build()
    path = tmp_path / "m.gguf"
    refused = 0
    for _ in range(100):
        path.write_bytes(damaged(raw, chance))
        refused += not survives(path)
    assert refused > 30  # some damage lies in names and weights, which say nothing


@pytest.mark.gguf
def test_only_gguf_errors_escape_a_damaged_real_header(default_model_path: Path, tmp_path: Path) -> None:
    """The real header's bytes with the file's true length as a hole; damage aimed at its lists and its tensors."""
    with default_model_path.open("rb") as model:
        raw = model.read(2 << 20)
    size = default_model_path.stat().st_size
    chance = random.Random(7)
    path = tmp_path / "m.gguf"
    path.write_bytes(raw)
    os.truncate(path, size)
    assert survives(path)
    started = time.process_time()
    for _ in range(60):
        with path.open("r+b") as file:
            at = chance.randrange(len(raw) - 16)
            file.seek(at)
            file.write(chance.choice((chance.randbytes(16), b"\xff" * 8, b"\x00" * 16)))
            file.flush()
            survives(path)
            file.seek(at)
            file.write(raw[at : at + 16])
    assert time.process_time() - started < 20


def test_lying_counts_cost_neither_memory_nor_time(tmp_path: Path) -> None:
    """A sparse file of 64 GiB whose first list claims four million empty strings."""
    pairs = {"general.x": struct.pack("<IIQ", 9, 8, MAX_ARRAY_STRINGS - 1)}
    path = tmp_path / "m.gguf"
    path.write_bytes(GGUFFile(pairs=pairs, num_pairs=1000).header())
    os.truncate(path, 64 << 30)
    tracemalloc.start()
    started = time.process_time()
    reason_for(path)
    elapsed, peak = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert elapsed < 10
    assert peak < 24 << 20
