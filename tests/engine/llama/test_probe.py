"""The library is tried in a child; here the child is a fake that dies as real ones have."""

import sys
from pathlib import Path

import pytest

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.llama.probe import probe
from bdchat.engine.llama.rebuild import rebuild_command
from tests.tiny_models import write_tiny_llama


def child(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import os, signal, sys\n{code}")


DIES_ALWAYS = child("os.kill(os.getpid(), signal.SIGSEGV)")
DIES_WITH_EXTRA_BUFTS = child("'--no-extra-bufts' in sys.argv or os.kill(os.getpid(), signal.SIGILL)")
REFUSES = child("sys.exit('tensor shapes do not match')")
WORKS = child("pass")


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    return path


def test_a_library_that_works_is_used_whole(model_path: Path, tmp_path: Path) -> None:
    result = probe(model_path, tmp_path / "cache", library="one", command=WORKS)
    assert result.use_extra_bufts
    assert result.warning is None


def test_death_by_signal_means_no_extra_buffers_and_a_warning_that_says_how_to_rebuild(
    model_path: Path, tmp_path: Path
) -> None:
    result = probe(model_path, tmp_path / "cache", library="one", command=DIES_WITH_EXTRA_BUFTS)
    assert not result.use_extra_bufts
    assert result.warning is not None
    assert rebuild_command() in result.warning


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "llama.cpp crashes with this model (SIGABRT); see bdchat doctor"),
        (
            "/b/ggml.c:7: GGML_ASSERT(n > 0) failed",
            "llama.cpp ended itself with this model (SIGABRT): ggml.c:7: GGML_ASSERT(n > 0) failed",
        ),
    ],
)
def test_death_both_ways_fails_the_load_in_its_last_words(
    model_path: Path, tmp_path: Path, words: str, expected: str
) -> None:
    dies = child(f"sys.stderr.write({words!r}); sys.stderr.flush(); os.kill(os.getpid(), signal.SIGABRT)")
    with pytest.raises(ModelLoadFailed) as caught:
        probe(model_path, tmp_path / "cache", library="one", command=dies)
    assert caught.value.reason == expected


def test_a_child_that_was_killed_most_likely_lacked_memory(model_path: Path, tmp_path: Path) -> None:
    killed = child("os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(ModelLoadFailed, match="memory"):
        probe(model_path, tmp_path / "cache", library="one", command=killed)


def test_a_refused_model_gives_the_childs_own_reason(model_path: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelLoadFailed) as caught:
        probe(model_path, tmp_path / "cache", library="one", command=REFUSES)
    assert caught.value.reason == "tensor shapes do not match"


def test_a_child_that_hangs_is_ended(model_path: Path, tmp_path: Path) -> None:
    hangs = child("signal.pause()")
    with pytest.raises(ModelLoadFailed):
        probe(model_path, tmp_path / "cache", library="one", command=hangs, timeout_s=0.3)


def test_the_result_is_remembered_until_the_library_or_the_file_changes(model_path: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    probe(model_path, cache, library="one", command=DIES_WITH_EXTRA_BUFTS)
    remembered = probe(model_path, cache, library="one", command=WORKS)
    assert not remembered.use_extra_bufts
    assert remembered.warning is not None
    assert probe(model_path, cache, library="two", command=WORKS).use_extra_bufts
    model_path.write_bytes(b"GGUF, another")
    assert probe(model_path, cache, library="one", command=WORKS).use_extra_bufts


def test_a_failure_is_not_remembered(model_path: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelLoadFailed):
        probe(model_path, tmp_path / "cache", library="one", command=DIES_ALWAYS)
    assert probe(model_path, tmp_path / "cache", library="one", command=WORKS).use_extra_bufts


def test_the_real_child_decodes_two_tokens_of_a_real_model(tmp_path: Path) -> None:
    path = write_tiny_llama(tmp_path / "tiny.gguf")
    assert probe(path, tmp_path / "cache", library="real").warning is None
