"""Models for vectors that compute none: a vector tells of its text's length and of its first letter."""

from pathlib import Path

from bdchat.engine.errors import ModelNotFound
from bdchat.engine.gguf.header import read_header
from bdchat.engine.models.catalog import InstalledModel
from tests.fake_engine import FakeEngine
from tests.gguf_files import GGUFFile, string, u32


def model_called(folder: Path, name: str, *, purpose: str = "embedding") -> InstalledModel:
    file = GGUFFile()
    if purpose == "embedding":
        file = file.with_pairs(llama__pooling_type=u32(1), general__name=string(name))
    path = file.write(folder / f"{name}.gguf")
    return InstalledModel(
        name, path, header=read_header(path), problem=None, entry=None, checksum="unknown", num_bytes=1
    )


class FakeModels:
    """Fulfils EmbeddingModels. `opened`: (name, whether in the background) of each, with its engine."""

    def __init__(self, folder: Path, *names: str) -> None:
        self._folder = folder
        self.here: list[InstalledModel] = []
        self.weights: dict[str, str] = {}
        self.opened: list[tuple[str, bool, FakeEngine]] = []
        self.template = FakeEngine(purpose="embedding")
        for name in names:
            self.add(name)

    def add(self, name: str, *, purpose: str = "embedding") -> None:
        self.here.append(model_called(self._folder, name, purpose=purpose))
        self.weights[name] = f"weights of {name}"

    def installed(self) -> tuple[InstalledModel, ...]:
        return tuple(self.here)

    def find_for_operator(self, name_or_path: str) -> InstalledModel:
        found = next((model for model in self.here if model.name == name_or_path), None)
        if found is None:
            raise ModelNotFound(name_or_path, ())
        return found

    def vectors_of(self, model: InstalledModel) -> str:
        return self.weights[model.name]

    def open_for_passages(self, model: InstalledModel, *, in_background: bool) -> FakeEngine:
        engine = FakeEngine(model_id=model.name, purpose="embedding", refusal=self.template.refusal)
        self.opened.append((model.name, in_background, engine))
        return engine

    def texts_of(self, *, in_background: bool) -> list[str]:
        """That any of them has read, in order."""
        engines = [engine for _, where, engine in self.opened if where is in_background]
        texts = [text for engine in engines for request in engine.embedding_requests for text in request.texts]
        return [text for text in texts if isinstance(text, str)]
