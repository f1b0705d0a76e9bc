"""Whatever becomes of Chroma's files, the index of vectors is the store's rows again."""

import asyncio
import os
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy
import pytest
from sqlmodel import col, select

from bdchat.settings import StoreSettings
from bdchat.settings.documents import ChromaSettings
from bdchat.store.document_tables import Passage
from bdchat.store.documents import vector_rows
from bdchat.store.documents.vectors import VectorIndex, VectorsUnavailable
from bdchat.store.sql.database import Database
from tests.store.chat_rows import make_user
from tests.store.document_rows import read_file

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
VECTORS = {"a.txt": ([1.0, 0.0], [0.8, 0.6]), "b.txt": ([0.0, 1.0],)}


class Filled:
    """A store with vectors of two files, and an index in step with it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.index = VectorIndex(folder, ChromaSettings(), database)
        self.files: dict[str, str] = {}  # name → document_id
        self.ids: list[int] = []

    async def make(self) -> None:
        ada = await self.database.write(make_user)
        for name, vectors in VECTORS.items():
            document = await read_file(self.database, ada, *("text" for _ in vectors), name=name)
            self.files[name] = document.document_id
        query = select(Passage.passage_id).order_by(col(Passage.passage_id))
        self.ids = [each or 0 for each in await self.database.read(lambda db: list(db.exec(query)))]
        await self.put("e")
        await self.index.reconcile("e")

    async def put(self, fingerprint: str) -> None:
        vectors = [numpy.array(each, "<f2").tobytes() for some in VECTORS.values() for each in some]
        rows = list(zip(self.ids, vectors, strict=True))
        await self.database.write(lambda db: vector_rows.put(db, fingerprint, rows))

    async def near(self, *names: str) -> list[int]:
        """To [1, 0]."""
        found = await self.index.query(numpy.array([1.0, 0.0]), [self.files[name] for name in names], 9)
        return [passage_id for passage_id, _ in found]


@pytest.fixture
async def filled(tmp_path: Path) -> AsyncIterator[Filled]:
    async with Database(StoreSettings(), tmp_path / "data") as database:
        filled = Filled(database, tmp_path / "vectors")
        await filled.make()
        yield filled
        await filled.index.close()


async def test_the_nearest_are_found_in_the_files_that_are_named(filled: Filled) -> None:
    first, second, third = filled.ids
    assert await filled.near("a.txt", "b.txt") == [first, second, third]
    assert await filled.near("b.txt") == [third]
    ((_, same), (_, other)) = await filled.index.query(numpy.array([1.0, 0.0]), [filled.files["a.txt"]], 2)
    assert same == pytest.approx(1.0, abs=1e-3)
    assert other == pytest.approx(0.8, abs=1e-3)
    await filled.index.add([(third + 1, filled.files["b.txt"], numpy.array([0.9, 0.1]))])
    assert await filled.near("b.txt") == [third + 1, third]
    await filled.index.delete_documents([filled.files["b.txt"]])
    assert await filled.near("a.txt", "b.txt") == [first, second]


async def test_an_index_whose_folder_is_gone_is_made_again(filled: Filled) -> None:
    await filled.index.close()
    with pytest.raises(VectorsUnavailable):
        await filled.near("a.txt")
    shutil.rmtree(filled.folder)
    await filled.index.reconcile("e")
    assert await filled.near("a.txt", "b.txt") == filled.ids


async def test_an_index_of_noise_is_made_again(filled: Filled) -> None:
    await filled.index.close()
    noise = random.Random(7).randbytes(200_000)
    (filled.folder / "chroma" / "chroma.sqlite3").write_bytes(noise)
    await filled.index.reconcile("e")
    assert await filled.near("a.txt", "b.txt") == filled.ids


async def test_an_index_that_breaks_while_it_is_open_is_out_of_step_until_it_is_made_again(filled: Filled) -> None:
    (filled.folder / "chroma" / "chroma.sqlite3").write_bytes(b"noise" * 40_000)
    with pytest.raises(VectorsUnavailable):
        await filled.index.add([(9, "x", numpy.array([0.5, 0.5]))])
    assert filled.index.fingerprint is None
    await filled.index.reconcile("e")
    assert await filled.near("a.txt", "b.txt") == filled.ids


async def test_who_ended_the_process_while_it_was_opened_is_not_opened_again(filled: Filled) -> None:
    """Native code reads those files; what kills it must not do so at every start."""
    await filled.index.close()
    (filled.folder / "opening").write_bytes(b"")
    stays = filled.folder / "chroma" / "of-the-former"
    stays.write_bytes(b"")
    await filled.index.reconcile("e")
    assert not stays.exists()
    assert not (filled.folder / "opening").exists()
    assert await filled.near("a.txt", "b.txt") == filled.ids


async def test_another_embedder_has_vectors_of_its_own(filled: Filled) -> None:
    await filled.index.reconcile("f")
    assert await filled.near("a.txt", "b.txt") == []
    await filled.put("f")
    await filled.index.reconcile("f")
    assert await filled.near("a.txt", "b.txt") == filled.ids


async def test_a_server_that_does_not_answer_makes_meaning_unavailable_and_nothing_is_thrown_away(
    filled: Filled,
) -> None:
    index = VectorIndex(filled.folder, ChromaSettings(url="http://127.0.0.1:9"), filled.database)  # type: ignore[arg-type]
    with pytest.raises(VectorsUnavailable):
        await index.reconcile("e")
    await index.close()
    assert await filled.near("a.txt", "b.txt") == filled.ids


async def test_a_kill_while_adding_leaves_an_index_that_comes_in_step_and_never_saw_the_network(
    filled: Filled, tmp_path: Path
) -> None:
    await filled.index.close()
    command = [sys.executable, "-m", "tests.store.documents.chroma_run", str(tmp_path / "other"), str(filled.folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--net", "--map-root-user", *command), stdout=subprocess.PIPE, cwd=ROOT, env=environment
    )
    assert process.stdout is not None
    nearest, unwanted = (await process.stdout.readline()).decode().rstrip("\n").split(" ")
    process.kill()  # unshare has become the process itself
    await process.wait()
    assert (nearest, unwanted) == ("1150", "")
    await filled.index.reconcile("e")
    assert await filled.near("a.txt", "b.txt") == filled.ids
    assert await filled.index.query(numpy.array([1.0, 0.0]), ["x"], 9) == []
