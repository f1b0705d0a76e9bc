"""A reranker that is served here judges passages against a question. Event loop only."""

import asyncio
import logging
import struct
import uuid
from collections.abc import Sequence

from bdchat.engine.errors import EngineError
from bdchat.engine.request import EmbeddingRequest
from bdchat.engine.router import Router
from bdchat.store.documents.search import RerankFailed

log = logging.getLogger(__name__)

PATIENCE_S = 30.0  # somebody waits for the answer


class Reranker:
    """`model`: documents.reranker, the name of a model that `router` serves, loads or not yet."""

    def __init__(self, router: Router, model: str) -> None:
        self._router = router
        self._model = model

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Fulfils Rerank. Raises RerankFailed."""
        request_id = f"rank-{uuid.uuid4().hex}"
        request = EmbeddingRequest(request_id=request_id, texts=tuple(texts), field="documents", query=question)
        try:
            async with asyncio.timeout(PATIENCE_S):
                engine = self._router.ranker_for(await self._router.load(self._model))
                made = await engine.embed(request)
        except (EngineError, TimeoutError) as error:
            log.warning("passages stay in the order in which they were found: %s", error or "ranking took too long")
            raise RerankFailed(str(error)) from error
        return [struct.unpack_from("<f", vector)[0] for vector in made.vectors]
