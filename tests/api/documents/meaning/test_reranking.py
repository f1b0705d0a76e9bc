"""A reranker's judgement, and that its failure is told as one."""

from pathlib import Path

import pytest

from bdchat.api.documents.meaning.reranking import Reranker
from bdchat.engine.engine import Engine
from bdchat.engine.errors import EngineUnavailable
from bdchat.engine.models.catalog import InstalledModel
from bdchat.engine.router import Router
from bdchat.store.documents.search import RerankFailed
from tests.api.documents.meaning.models import model_called
from tests.fake_engine import FakeEngine

pytestmark = pytest.mark.anyio


class OneModel:
    """Fulfils ModelSource."""

    def __init__(self, model: InstalledModel, engine: FakeEngine) -> None:
        self._model, self._engine = model, engine

    def find(self, name: str) -> InstalledModel:
        return self._model

    def open(self, model: InstalledModel, *, starts: bool = True) -> Engine:
        return self._engine


def router_of(tmp_path: Path, engine: FakeEngine) -> Router:
    source = OneModel(model_called(tmp_path, "bge-reranker"), engine)
    return Router({"chat": FakeEngine(model_id="chat")}, default="chat", created=0, source=source)


async def test_passages_are_judged_by_a_model_that_its_first_question_loads(tmp_path: Path) -> None:
    engine = FakeEngine(model_id="bge-reranker", purpose="reranker")
    reranker = Reranker(router_of(tmp_path, engine), "bge-reranker")
    assert await reranker.scores("blue sky", ["the sky is blue", "no", "sky"]) == [2.0, 0.0, 1.0]
    assert engine.embedding_requests[0].query == "blue sky"


@pytest.mark.parametrize(("purpose", "is_down"), [("reranker", True), ("chat", False)])
async def test_who_cannot_judge_says_so(tmp_path: Path, purpose: str, is_down: bool) -> None:
    refusal = EngineUnavailable("it restarts", retry_after_s=1.0) if is_down else None
    engine = FakeEngine(model_id="bge-reranker", purpose=purpose, refusal=refusal)
    with pytest.raises(RerankFailed):
        await Reranker(router_of(tmp_path, engine), "bge-reranker").scores("blue", ["sky", "sea"])
