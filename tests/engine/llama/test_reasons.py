"""One line out of many: the one that names the cause. The lines are llama.cpp's own."""

import signal

import pytest

from bdchat.engine.llama.reasons import MAX_CHARS, crash_reason, last_words, load_failure

WRAPPED = "llama_model_load: error loading model: "
LAST = "llama_model_load_from_file_impl: failed to load model"
NEWER = "; a newer version of llama.cpp may know it (this is llama.cpp 7)"


def reason(*lines: str, folder: str = "") -> str:
    return load_failure(lines, otherwise="nothing was said", version="llama.cpp 7", folder=folder)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([f"{WRAPPED}unknown model architecture: 'brandnew'"], f"unknown model architecture: 'brandnew'{NEWER}"),
        (
            [f"{WRAPPED}error loading model vocabulary: unknown tokenizer: 'gpt9'"],
            f"unknown tokenizer: 'gpt9'{NEWER}",
        ),
        (
            [f"{WRAPPED}error loading model vocabulary: cannot find tokenizer merges in model file"],
            "cannot find tokenizer merges in model file",
        ),
        (
            [f"{WRAPPED}error loading model hyperparameters: key not found in model: llama.block_count"],
            "key not found in model: llama.block_count",
        ),
        (
            [f"{WRAPPED}check_tensor_dims: tensor 'blk.1.attn_q.weight' not found"],
            "tensor 'blk.1.attn_q.weight' not found",
        ),
        (
            [
                "gguf_init_from_reader: this GGUF file is version 9 but this software only supports up to version 3",
                "gguf_init_from_reader: failed to read header",
                f"{WRAPPED}llama_model_loader: failed to load model from /home/ann/models/m.gguf",
            ],
            f"this GGUF file is version 9 but this software only supports up to version 3{NEWER}",
        ),
        ([f"{WRAPPED}std::bad_alloc"], "there is too little memory for it"),
        ([], "nothing was said"),
    ],
)
def test_the_cause_is_told_and_not_the_failing(lines: list[str], expected: str) -> None:
    """Every refusal of llama.cpp's was told as "failed to load model", its last line."""
    assert reason(*lines, LAST) == expected


def test_a_reason_is_one_bounded_line_that_tells_nobody_where_files_lie() -> None:
    said = reason(f"{WRAPPED}invalid split file: /home/ann/models/a\x1b[31m.gguf", LAST, folder="/home/ann/models")
    assert said == "invalid split file: a [31m.gguf"
    assert len(reason(f"{WRAPPED}{'x ' * 1000}")) == MAX_CHARS


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        ("", ""),
        ("warning: slow\n", ""),
        (
            "/build/llama.cpp/src/ggml.c:12: GGML_ASSERT(n > 0) failed\n",
            "ggml.c:12: GGML_ASSERT(n > 0) failed",
        ),
        (
            "terminate called after throwing an instance of 'std::runtime_error'\n  what():  no such tensor\n",
            "no such tensor",
        ),
        ("/x/y.cpp:3: fatal error\nFatal Python error: Aborted\n  File /a/b.c", "y.cpp:3: fatal error"),
    ],
)
def test_a_crash_has_last_words(stderr: str, expected: str) -> None:
    assert last_words(stderr) == expected
    said = crash_reason(signal.SIGABRT, stderr)
    assert "SIGABRT" in said
    assert expected in said
    assert ("see bdchat doctor" in said) == (expected == "")
