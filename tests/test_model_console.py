"""What `bdchat models` prints is what there is: names are text, not markup."""

import sys
from pathlib import Path

import pytest

from bdchat import model_console
from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.models.catalog import Catalog
from bdchat.engine.models.downloads import PullFailed
from bdchat.engine.weights.job import OptimizerDone, OptimizerProgress, encode_line
from bdchat.engine.weights.verdict import Fidelity, Speed, Verdict
from bdchat.model_console import fetch_missing, optimize, print_models, verdict_lines
from bdchat.settings import EngineSettings
from tests.engine.pulling import catalog_at, entry_for, installed_files
from tests.gguf_files import GGUFFile, boolean


def test_names_and_reasons_are_printed_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bracket in a file's name was taken for markup, and the name could not be copied."""
    catalog = Catalog.load(tmp_path)
    GGUFFile().write(catalog.models_dir / "tiny [v2].GGUF")
    GGUFFile().with_pairs(diffusion__shift_logits=boolean(True)).write(catalog.models_dir / "sub" / "words.gguf")
    (catalog.models_dir / "bad.gguf").touch()
    print_models(catalog)
    printed = capsys.readouterr().out
    assert "tiny [v2]" in printed
    assert "bad: is an empty file" in printed
    assert "words: writes all words of a text at once" in printed


def test_a_first_start_says_what_it_fetches_and_fetches_it_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After `pip install` the first `bdchat serve` said that there is no model, and stopped."""
    source = GGUFFile().write(tmp_path / "tiny.gguf")
    catalog = catalog_at(tmp_path, None, entry_for(str(source), "tiny.gguf", None))
    fetch_missing(catalog, "tiny", is_offline=False)
    said = capsys.readouterr().err
    assert said.startswith("bdchat: tiny is not here yet. Fetching it, ")
    assert f"MIT, from {source}" in said.splitlines()[0]
    assert "--offline" in said.splitlines()[0]
    assert f"bdchat: tiny is at {tmp_path / 'models' / 'tiny.gguf'}" in said
    source.unlink()
    for is_offline in (False, True):
        fetch_missing(catalog, "tiny", is_offline=is_offline)
    assert capsys.readouterr().err == ""


def test_offline_nothing_is_fetched_and_a_way_on_is_named(tmp_path: Path) -> None:
    source = GGUFFile().write(tmp_path / "tiny.gguf")
    catalog = catalog_at(tmp_path, None, entry_for(str(source), "tiny.gguf", None))
    with pytest.raises(ModelLoadFailed, match=r"models\.offline fetches nothing.*--model"):
        fetch_missing(catalog, "tiny", is_offline=True)
    assert installed_files(tmp_path) == []
    source.unlink()
    with pytest.raises(PullFailed):
        fetch_missing(catalog, "tiny", is_offline=False)


VERDICT = Verdict(
    key="k",
    model_path="tiny.gguf",
    is_encoded=True,
    uses_extra_bufts=True,
    reason="Encoded anew for this CPU.",
    encodings={"Q4_1 → Q8_0": 150},
    fidelity=Fidelity(mean_kl=0.0045, file_kl=0.0046, perplexity=0.998, same_choice=0.95, num_positions=9),
    before=Speed(prompt=300, alone=100, streams=200),
    after=Speed(prompt=600, alone=120, streams=300),
)


def test_what_an_encoding_gained_and_changed_is_said() -> None:
    assert verdict_lines(VERDICT) == [
        "Encoded anew for this CPU.",
        "150 matrices Q4_1 → Q8_0",
        "prompt: 300 → 600 tokens/s (× 2.00)",
        "one answer: 100 → 120 tokens/s (× 1.20)",
        "eight answers: 200 → 300 tokens/s (× 1.50)",
        "answers: mean KL 0.0045 (the file as llama.cpp runs it: 0.0046), perplexity × 0.9980",
    ]


@pytest.mark.parametrize(
    ("told", "failure"),
    [
        (OptimizerDone(verdict=VERDICT), None),
        (OptimizerDone(failure="there is no memory"), "there is no memory"),
        (OptimizerProgress(stage="measuring kernels"), "process ended with 0"),
    ],
)
def test_optimize_waits_for_what_its_process_finds_out(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    told: OptimizerDone | OptimizerProgress,
    failure: str | None,
) -> None:
    lines = encode_line(OptimizerProgress(stage="measuring kernels")) + encode_line(told)
    script = f"import sys; sys.stdin.read(); sys.stdout.buffer.write({lines!r})"
    monkeypatch.setattr(model_console, "optimizer_command", lambda: [sys.executable, "-I", "-c", script])
    GGUFFile().write(tmp_path / "models" / "tiny.gguf")
    model = Catalog.load(tmp_path).resolve("tiny")
    if failure is None:
        assert optimize(model, tmp_path, EngineSettings()) == VERDICT
        return
    with pytest.raises(ModelLoadFailed, match=failure):
        optimize(model, tmp_path, EngineSettings())
