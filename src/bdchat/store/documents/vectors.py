"""Chroma's only door: which vectors are near another one. Threads of its own; imported when first used.

What is in Chroma can be made again from PassageVector rows at any time, and is, when it is lost, damaged or of another
embedder: one Chroma collection for each embedder's fingerprint, one entry for each row. Embedded, Chroma lives in the
data directory and reaches for nothing outside; with chroma.url it is a server's client. Chroma's own server in Python
(CVE-2026-45829) and its embedding functions are never used.

The embedded index is read by native code. A file of it that makes that code end the process must not do so at every
start: a mark lies beside it while it is opened and tried, and who finds the mark begins with an empty index.
"""

import asyncio
import hashlib
import logging
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from bdchat.private_files import make_folder, write_private
from bdchat.settings.documents import ChromaSettings
from bdchat.store.documents import vector_rows
from bdchat.store.documents.vector_rows import StoredVector
from bdchat.store.sql.database import Database

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

NAME_PREFIX = "bdchat-"  # of our collections: on a Chroma server there may be others
_ROWS_AT_ONCE = 500  # read of the store, and told to Chroma: half a second of work on one core
_IDS_AT_ONCE = 5000  # of one condition; SQLite takes 32,766 values in a statement
_SPACE = {"hnsw": {"space": "cosine", "ef_search": 256}}  # so many are looked at: more than are ever asked for
Result = TypeVar("Result")


class VectorsUnavailable(Exception):
    """Meaning cannot be searched now; words can."""


class VectorIndex:
    """`fingerprint`: of the embedder whose vectors are all in it; None before `reconcile`, and after a failure until
    the next one. One per server process; its methods are called on the event loop."""

    def __init__(self, folder: Path, chroma: ChromaSettings, database: Database) -> None:
        self.fingerprint: str | None = None
        self._folder = folder
        self._chroma = chroma
        self._database = database
        self._threads: ThreadPoolExecutor | None = None
        self._client: Any = None
        self._entries: Any = None  # Chroma's collection of the fingerprint
        self._changing = asyncio.Lock()  # one change after the other: of two, the later would undo the former

    async def reconcile(self, fingerprint: str) -> None:
        """Puts in what is missing and takes out what is too much. An embedded index that cannot be used is thrown away
        and made again. Raises VectorsUnavailable, StoreUnavailable's kinds."""
        async with self._changing:
            self.fingerprint = None
            try:
                await self._bring_in_step(fingerprint)
            except VectorsUnavailable:
                if self._chroma.url is not None:
                    raise
                log.warning("the index of vectors cannot be used: it is made again", exc_info=True)
                await self._in_thread(self._throw_away, timeout_s=None)
                await self._bring_in_step(fingerprint)
            self.fingerprint = fingerprint

    async def add(self, rows: Sequence[tuple[int, str, "NDArray[Any]"]]) -> None:
        """(passage_id, document_id, vector) each, of the fingerprint, that the store has. Raises VectorsUnavailable:
        the next `reconcile` puts them in."""
        async with self._changing:
            if self.fingerprint is None:
                raise VectorsUnavailable("the index of vectors is not in step with the store")
            await self._or_out_of_step(partial(self._put, rows))

    async def delete_documents(self, document_ids: Sequence[str]) -> None:
        """When they are purged. Where that cannot be done now, the next `reconcile` does it; nobody finds them until
        then, as whoever asks names documents that are there."""
        async with self._changing:
            if self.fingerprint is None:
                return
            for some in _parts(document_ids, _IDS_AT_ONCE):
                await self._or_out_of_step(partial(self._remove, _of_documents(some)))

    async def query(self, vector: "NDArray[Any]", document_ids: Sequence[str], k: int) -> list[tuple[int, float]]:
        """(passage_id, cosine) of the nearest in these documents, the nearest first. Raises VectorsUnavailable."""
        if self.fingerprint is None:
            raise VectorsUnavailable("the index of vectors is not in step with the store")
        found: list[tuple[int, float]] = []
        for some in _parts(document_ids, _IDS_AT_ONCE):
            found += await self._or_out_of_step(partial(self._nearest, vector, some, k))
        return sorted(found, key=lambda each: -each[1])[:k]

    async def close(self) -> None:
        self.fingerprint = None
        if self._threads is not None:
            async with self._changing:
                await self._in_thread(self._release, timeout_s=None)
                self._threads.shutdown(wait=False)
                self._threads = None

    async def _bring_in_step(self, fingerprint: str) -> None:
        surplus = await self._in_thread(partial(self._open, fingerprint), timeout_s=None)
        after = 0
        while rows := await self._rows(fingerprint, after):
            after = rows[-1].passage_id
            missing = [row for row in rows if row.passage_id not in surplus]
            surplus.difference_update(row.passage_id for row in rows)
            if missing:
                await self._in_thread(partial(self._put_stored, missing), timeout_s=None)
        for some in _parts(sorted(surplus), _IDS_AT_ONCE):
            await self._in_thread(partial(self._remove, None, [str(each) for each in some]), timeout_s=None)

    async def _rows(self, fingerprint: str, after: int) -> list[StoredVector]:
        return await self._database.read(lambda db: vector_rows.all_of(db, fingerprint, after, _ROWS_AT_ONCE))

    async def _or_out_of_step(self, work: Callable[[], Result]) -> Result:
        try:
            return await self._in_thread(work, timeout_s=self._chroma.timeout_s)
        except VectorsUnavailable:
            self.fingerprint = None
            raise

    async def _in_thread(self, work: Callable[[], Result], *, timeout_s: float | None) -> Result:
        if self._threads is None:
            # Two: a question need not wait for what is being added.
            self._threads = ThreadPoolExecutor(2, thread_name_prefix="vectors")
        running = asyncio.get_running_loop().run_in_executor(self._threads, _named, work)
        try:
            return await asyncio.wait_for(running, timeout_s)
        except TimeoutError as error:
            raise VectorsUnavailable(f"no answer of Chroma in {timeout_s} s") from error

    # --- in a thread --------------------------------------------------------------------------------------------------

    def _open(self, fingerprint: str) -> set[int]:
        """The passages that it has of this embedder."""
        self._release()
        mark = self._folder / "opening"
        if self._chroma.url is None:
            if mark.exists():
                self._throw_away()
            make_folder(self._folder)
            write_private(mark, b"")
            self._client = _embedded(self._folder / "chroma")
        else:
            self._client = _remote(self._chroma.url.get_secret_value(), self._chroma.timeout_s)
        name = NAME_PREFIX + hashlib.sha256(fingerprint.encode()).hexdigest()[:32]
        for other in self._client.list_collections():
            if other.name.startswith(NAME_PREFIX) and other.name != name:
                self._client.delete_collection(other.name)
        self._entries = self._client.get_or_create_collection(name, embedding_function=None, configuration=_SPACE)
        found: set[int] = set()
        while ids := self._entries.get(include=[], limit=_IDS_AT_ONCE, offset=len(found))["ids"]:
            found.update(map(int, ids))
        if found:  # what is broken in the graph shows now, beside the mark
            probe = self._entries.get(ids=[str(min(found))], include=["embeddings"])["embeddings"]
            self._entries.query(query_embeddings=probe, n_results=1, include=[])
        if self._chroma.url is None:
            mark.unlink()
        return found

    def _put(self, rows: Sequence[tuple[int, str, Any]]) -> None:
        import numpy

        self._entries.upsert(
            ids=[str(passage_id) for passage_id, _, _ in rows],
            embeddings=numpy.array([vector for _, _, vector in rows], numpy.float32),
            metadatas=[{"document_id": document_id} for _, document_id, _ in rows],
        )

    def _put_stored(self, rows: Sequence[StoredVector]) -> None:
        import numpy

        self._put([(row.passage_id, row.document_id, numpy.frombuffer(row.vector, "<f2")) for row in rows])

    def _remove(self, where: Any, ids: list[str] | None = None) -> None:
        self._entries.delete(ids=ids, where=where)

    def _nearest(self, vector: Any, document_ids: Sequence[str], k: int) -> list[tuple[int, float]]:
        import numpy

        found = self._entries.query(
            query_embeddings=numpy.asarray(vector, numpy.float32)[None, :],
            n_results=k,
            where=_of_documents(document_ids),
            include=["distances"],
        )
        near = zip(found["ids"][0], found["distances"][0], strict=True)
        return [(int(passage_id), 1.0 - distance) for passage_id, distance in near]

    def _release(self) -> None:
        client, self._client, self._entries = self._client, None, None
        if client is not None:
            client.close()

    def _throw_away(self) -> None:
        self._release()
        shutil.rmtree(self._folder / "chroma", ignore_errors=True)
        (self._folder / "opening").unlink(missing_ok=True)


def _named(work: Callable[[], Result]) -> Result:
    """Chroma raises its own errors, those of HTTP, of files, and panics of native code, which are no Exceptions."""
    try:
        return work()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise VectorsUnavailable(f"{type(error).__name__}: {str(error)[:200]}") from error


def _embedded(folder: Path) -> Any:
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings

    # One that could not be started stays in Chroma's table of clients, and would be given out again (chromadb 1.5).
    SharedSystemClient.clear_system_cache()
    return chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))


def _remote(url: str, timeout_s: float) -> Any:
    import chromadb
    from chromadb.config import Settings

    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if is_tls else 8000)
    socket.create_connection((host, port), timeout=timeout_s).close()  # the client itself would wait for ever
    settings = Settings(anonymized_telemetry=False)
    if parts.username is not None:
        settings.chroma_client_auth_provider = "chromadb.auth.basic_authn.BasicAuthClientProvider"
        settings.chroma_client_auth_credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    client = chromadb.HttpClient(host=host, port=port, ssl=is_tls, settings=settings)
    session = getattr(client._server, "_session", None)  # type: ignore[attr-defined]
    if session is not None:  # chromadb 1.5 has no setting for it
        session.timeout = timeout_s
    return client


def _of_documents(document_ids: Sequence[str]) -> Any:
    return {"document_id": {"$in": list(document_ids)}}


def _parts(values: Sequence[Result], size: int) -> Iterator[Sequence[Result]]:
    return (values[at : at + size] for at in range(0, len(values), size))
