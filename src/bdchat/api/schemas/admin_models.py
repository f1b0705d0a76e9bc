"""/api/admin/models and /api/admin/pulls: what they take and give. Never where a file lies."""

import dataclasses
from typing import Annotated, Literal

from pydantic import Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text
from bdchat.engine.engine import Engine
from bdchat.engine.models.catalog import GoodFor
from bdchat.engine.models.downloads import PullFault
from bdchat.engine.models.rows import ModelRow

MAX_SPEC_CHARS = 300
PullStatus = Literal["running", "paused", "done", "failed", "cancelled"]
ModelName = Annotated[Text, Field(min_length=1, max_length=MAX_SPEC_CHARS)]
HIDDEN = frozenset({"path"})


class ModelWish(Strict):
    model: ModelName


class UnloadWish(Strict):
    model: ModelName
    drain_s: Annotated[float, Field(ge=0, le=600)] = 30.0  # running answers get this long


class ModelView(View):
    name: str
    state: Literal["installed", "broken", "available"]
    kind: str
    quantization: str
    parameters: str
    n_ctx_train: int | None
    num_bytes: int  # on the disk, or to be downloaded
    n_ctx: int | None  # the context that memory_bytes is for; null: it is an estimate
    memory_bytes: int | None
    fits: bool | None
    licence: str | None
    good_for: GoodFor | None  # null: nobody told
    languages: list[str]  # codes; "multilingual": more than are listed; []: nobody told
    tokens_per_s: float | None  # about what it writes here; null: no model was measured here yet
    is_deletable: bool  # it lies in the models folder
    checksum: Literal["verified", "unknown", "changed"] | None
    note: str
    served: str | None  # the engine's state; null: it is not loaded
    context_cut: str | None  # what of context and places memory did not allow, of a loaded one
    problem: str | None  # why its engine is "failed", in llama.cpp's own words where it has any
    is_default: bool


class ModelList(View):
    data: list[ModelView]
    free_memory_bytes: int
    total_memory_bytes: int
    free_disk_bytes: int
    hub_search: bool  # whether /api/admin/hub may be asked


class HubQuery(Strict):
    search: Annotated[Text, Field(min_length=2, max_length=100)]


class RepositoryQuery(Strict):
    repo: Annotated[Text, Field(max_length=200, pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")]


class HubRepositoryView(View):
    repo: str
    num_downloads: int  # in the last 30 days, as the hub counts
    licence: str | None  # as the repository tags itself
    is_gated: bool  # it asks for an agreement on its page first


class HubRepositoryList(View):
    data: list[HubRepositoryView]


class HubFileView(View):
    spec: str  # what POST /api/admin/pulls takes
    file: str
    num_bytes: int | None  # null: a model in several files


class HubFileList(View):
    data: list[HubFileView]


class ServedView(View):
    model: str
    state: str


class PullView(View):
    pull_id: str
    model: str
    state: PullStatus
    phase: str | None
    num_bytes_done: int
    num_bytes_total: int | None
    bytes_per_s: float | None
    error: str | None  # in English
    error_code: PullFault | None  # for programs with words of their own
    installed_as: str | None
    created_at_ms: int


class PullList(View):
    data: list[PullView]


def to_model_view(row: ModelRow, engine: Engine | None, *, is_default: bool, problem: str | None) -> ModelView:
    """`engine`: None where it is not loaded."""
    shown = {field.name: getattr(row, field.name) for field in dataclasses.fields(row) if field.name not in HIDDEN}
    shown["languages"] = list(row.languages)
    return ModelView(
        **shown,
        served=engine.state if engine else None,
        context_cut=engine.info.context_cut if engine and engine.info else None,
        problem=problem,
        is_default=is_default,
    )
