"""Which model turns passages into vectors, and what it wants before a question and before a passage. Reads the disk."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Protocol

from bdchat.engine.errors import EngineError, InvalidRequest
from bdchat.engine.models.catalog import InstalledModel

SHIPPED: Final = "multilingual-e5-small"  # the first start fetches it: any other one was somebody's choice
_QUERY_TASK = "Given a question, retrieve passages that answer it"
_INSTRUCTION = f"Instruct: {_QUERY_TASK}\nQuery: "
_SEARCH = "Represent this sentence for searching relevant passages: "
# What models were trained with, as their cards say; the first that fits a model's names counts.
_PREFIXES: Final = (
    (r"e5.*instruct|e5-mistral|qwen3-embedding|gte-qwen2", _INSTRUCTION, ""),
    (r"(^|[-_/. ])(multilingual-)?(ko)?e5\b", "query: ", "passage: "),
    (r"nomic-embed", "search_query: ", "search_document: "),
    (r"embeddinggemma|gemma-embedding", "task: search result | query: ", "title: none | text: "),
    (r"arctic-embed-[ml]-v2|arctic-embed.*ko", "query: ", ""),
    (r"bge-(small|base|large)-en|mxbai-embed|arctic-embed", _SEARCH, ""),
)


@dataclass(frozen=True, slots=True)
class ChosenEmbedder:
    """`fingerprint`: changes with whatever changes a passage's vector."""

    model: InstalledModel
    fingerprint: str
    before_query: str
    before_passage: str

    @property
    def name(self) -> str:
        return self.model.name


class EmbedderSource(Protocol):
    """engine.local.local_models.LocalModels."""

    def installed(self) -> tuple[InstalledModel, ...]: ...

    def find_for_operator(self, name_or_path: str) -> InstalledModel:
        """Raises ModelNotFound, ModelLoadFailed."""

    def vectors_of(self, model: InstalledModel) -> str:
        """Raises OSError."""


def choose(source: EmbedderSource, wanted: str) -> ChosenEmbedder | None:
    """`wanted`: documents.embedder. None: nobody is to make vectors, or nobody is there. Raises EngineError (the model
    that was named is not there, or makes no vectors), OSError."""
    if wanted == "none":
        return None
    model = _first(source.installed()) if wanted == "auto" else source.find_for_operator(wanted)
    if model is None:
        return None
    if model.header is None or model.header.purpose != "embedding":
        raise InvalidRequest("documents.embedder", f"{model.name} is not made for vectors: name an embedding model")
    before_query, before_passage = prefixes(model)
    made_with = hashlib.sha256(before_passage.encode()).hexdigest()[:8]
    return ChosenEmbedder(model, f"{source.vectors_of(model)}-{made_with}", before_query, before_passage)


def problem_of(error: EngineError | OSError) -> str:
    return str(error) or type(error).__name__


def _first(installed: tuple[InstalledModel, ...]) -> InstalledModel | None:
    """Somebody's choice before what came along; by name where there are several."""
    able = [model for model in installed if model.header and model.header.purpose == "embedding" and not model.refusal]
    return min(able, key=lambda model: (model.name == SHIPPED, model.name), default=None)


def prefixes(model: InstalledModel) -> tuple[str, str]:
    """Before a question, and before a passage."""
    own = model.header.name if model.header else ""
    names = " ".join((model.name, model.path.stem, own.replace(" ", "-"))).lower()
    return next(((query, passage) for pattern, query, passage in _PREFIXES if re.search(pattern, names)), ("", ""))
