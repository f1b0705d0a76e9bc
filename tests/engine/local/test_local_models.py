"""Models of this disk as engines: only what lies in the models folder has a name; nothing starts before it must."""

from pathlib import Path

import pytest

from bdchat.engine.errors import ModelLoadFailed, ModelNotFound
from bdchat.engine.local.local_models import LocalModels
from bdchat.engine.models.catalog import Catalog
from bdchat.settings import EngineSettings
from tests.engine.fake_process import ThreadSpawn
from tests.gguf_files import GGUFFile


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


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
