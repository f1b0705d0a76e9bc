"""What `bdchat models` prints is what there is: names are text, not markup."""

from pathlib import Path

import pytest

from bdchat.engine.models.catalog import Catalog
from bdchat.model_console import print_models
from tests.gguf_files import GGUFFile, u32


def test_names_and_reasons_are_printed_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bracket in a file's name was taken for markup, and the name could not be copied."""
    catalog = Catalog.load(tmp_path)
    GGUFFile().write(catalog.models_dir / "tiny [v2].GGUF")
    GGUFFile().with_pairs(llama__pooling_type=u32(1)).write(catalog.models_dir / "sub" / "vectors.gguf")
    (catalog.models_dir / "bad.gguf").touch()
    print_models(catalog)
    printed = capsys.readouterr().out
    assert "tiny [v2]" in printed
    assert "bad: is an empty file" in printed
    assert "vectors: makes vectors for search" in printed
