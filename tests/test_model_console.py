"""What `bdchat models` prints is what there is: names are text, not markup."""

from pathlib import Path

import pytest

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.models.catalog import Catalog
from bdchat.engine.models.downloads import PullFailed
from bdchat.model_console import fetch_missing, print_models
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
