"""Who names a model that is not there is told what is true, and what is near."""

from pathlib import Path

import pytest

from bdchat.engine.errors import UnknownModel
from bdchat.engine.models.catalog import Catalog
from bdchat.engine.models.unknown import nearest
from tests.gguf_files import GGUFFile


def refusal(tmp_path: Path, name: str) -> str:
    catalog = Catalog.load(tmp_path)
    with pytest.raises(UnknownModel) as caught:
        catalog.resolve(name)
    assert str(caught.value) == f"{caught.value.problem}. {caught.value.advice}"
    return str(caught.value)


def test_a_name_of_another_programs_catalog_gets_the_nearest_of_ours(tmp_path: Path) -> None:
    """`--model llama3` said that `bdchat pull llama3` fetches it."""
    said = refusal(tmp_path, "gemma3")
    assert said.startswith("there is no model gemma3, neither here nor in the catalog. The nearest names: gemma-3-")
    assert "bdchat pull gemma3" not in said
    assert "There are: smollm2-135m-instruct," in refusal(tmp_path, "zzz")


def test_a_path_to_nothing_is_no_name_to_be_pulled(tmp_path: Path) -> None:
    GGUFFile().write(tmp_path / "models" / "mine.gguf")
    said = refusal(tmp_path, "/nope.gguf")
    assert said.startswith("/nope.gguf: there is no such file")
    assert "mine" in said
    assert "pull" not in said


def test_a_name_of_the_catalog_can_be_pulled(tmp_path: Path) -> None:
    said = refusal(tmp_path, "qwen2.5-1.5b-instruct")
    assert said == ("qwen2.5-1.5b-instruct is not here yet. `bdchat pull qwen2.5-1.5b-instruct` fetches it (1.1 GB)")


def test_dots_and_dashes_do_not_hide_a_name() -> None:
    names = ["qwen2.5-7b-instruct", "qwen3-8b", "mistral-7b-instruct-v0.3"]
    assert nearest("qwen25-7b", names)[0] == "qwen2.5-7b-instruct"
    assert nearest("Mistral", names) == ("mistral-7b-instruct-v0.3",)
    assert nearest("...", names) == ()
