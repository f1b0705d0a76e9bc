"""kill -9 to the whole server while documents come in, are read and get their vectors, again and again over one
database, and what is left then.

The client's ledger is the judge: every file whose upload was answered is there, once, byte for byte; each of its marks
stands once and in order in its pages; every passage is in the index and, where somebody makes vectors, has one; nothing
is left of what is gone.
"""

import asyncio
import hashlib
import os
import random
import re
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bootstrap import named_data_dir

from .bars import Bar
from .compare import Log, Run
from .hardening import Outcome
from .servers import Contender, bdchat, started

UPLOADS_PER_LIFE = 3
MAX_LIFE_S = 4.0  # of a server, once it answers: uploads, readings and vectors begin, go on and end in it
LONG, SHORT = (40, 400), (4, 24)  # paragraphs of a file
MAX_HITS = 50
READY_TIMEOUT_S = 1800.0
PIECE_BYTES, PIECE_PAUSE_S = 16_384, 0.05
PASSWORD = "correct horse battery"  # noqa: S105
MARK = re.compile(r"표식\d+쪽\d+끝")
GONE = (httpx.TransportError, asyncio.TimeoutError)
ORPHANS = {
    "document_part": "document",
    "document_page": "document",
    "passage": "document",
    "passage_vector": "passage",
    "collection_document": "document",
}


@dataclass
class Upload:
    """`document_id` None: no answer came, it is sent again."""

    name: str
    data: bytes
    marks: list[str]
    document_id: str | None = None
    num_sent: int = 0


@dataclass
class Found:
    num_kills: int = 0
    num_cut_uploads: int = 0
    num_cut_readings: int = 0
    num_passages: int = 0
    num_vectors: int = 0
    problems: list[str] = field(default_factory=list)


async def document_kills(overrides: Sequence[str], logs: Path, *, seed: int, log: Log, num_kills: int) -> list[Outcome]:
    """With the embedder that a start has fetched files are shorter: vectors take their time."""
    embedder = next((named_data_dir([], os.environ) / "models").glob("multilingual-e5-small*.gguf"), None)
    if "documents.embedder=none" in overrides:
        embedder = None
    rng = random.Random(f"document kills {seed}")  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="bdchat-document-kills-") as folder:
        if embedder is not None:
            models = Path(folder) / "models"
            models.mkdir()
            shutil.copy(embedder, models)
        contender = bdchat("none", Path(folder), tuple(overrides))
        lengths = LONG if embedder is None else SHORT
        found = await _kill(
            contender, Path(folder) / "bdchat.db", logs=logs, rng=rng, lengths=lengths, num_kills=num_kills, log=log
        )
    vectors = f"{found.num_vectors} vectors" if found.num_vectors else "no embedder"
    text = (
        f"{found.num_kills} kills of the server, {found.num_cut_uploads} uploads and {found.num_cut_readings} readings"
        f" cut, {found.num_passages} passages, {vectors}: {len(found.problems)} lost, doubled, incomplete or orphaned"
    )
    figures = {name: float(value) for name, value in vars(found).items() if isinstance(value, int)}
    figures["problems"] = float(len(found.problems))
    run = Run(contender.name, "document-kills", num_kills, 0, figures)
    return [Outcome(Bar(4, text, not found.problems and found.num_cut_readings > 0), run)]


async def _kill(
    contender: Contender,
    database: Path,
    *,
    logs: Path,
    rng: random.Random,
    lengths: tuple[int, int],
    num_kills: int,
    log: Log,
) -> Found:
    found, uploads = Found(), list[Upload]()
    headers: dict[str, str] = {}
    for count in range(num_kills):
        async with started(contender, logs) as running:
            base_url = running.client.base_url.removesuffix("/v1")
            async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=120) as http:
                if not headers:
                    body = {"username": "bench", "password": PASSWORD, "cookie": False}
                    token = (await http.post("/api/auth/register", json=body)).raise_for_status().json()["token"]
                    headers = {"authorization": f"Bearer {token}"}
                    http.headers.update(headers)
                uploads += [_made(len(uploads) + number, rng, lengths) for number in range(UPLOADS_PER_LIFE)]
                work = asyncio.create_task(_send(http, uploads, found))
                await asyncio.wait({work}, timeout=rng.uniform(0.0, MAX_LIFE_S))
                if running.tree is not None:
                    running.tree.kill()
                found.num_kills += 1
                await work
        found.num_cut_readings += _num_reading(database)
        unsent = sum(each.document_id is None for each in uploads)
        log(f"kill {count + 1}: {len(uploads)} files, {unsent} not answered, {_num_reading(database)} were being read")
    async with started(contender, logs) as running:
        base_url = running.client.base_url.removesuffix("/v1")
        async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=120) as http:
            await _send(http, uploads, found)
            await _until_ready(http, len(uploads), log)
            for each in uploads:
                found.problems += [f"{each.name}: {flaw}" for flaw in await _flaws(http, each)]
    found.problems += _flaws_of_database(database, uploads, found)
    for problem in found.problems:
        log(f"  {problem}")
    return found


def _made(number: int, rng: random.Random, lengths: tuple[int, int]) -> Upload:
    """Korean text of some pages, with a mark in each paragraph."""
    marks, paragraphs = [], []
    for paragraph in range(rng.randint(*lengths)):
        mark = f"표식{number}쪽{paragraph}끝"
        words = " ".join(rng.choice(("규정", "신청", "승인", "연차", "배송", "환불", "기한")) for _ in range(60))
        marks.append(mark)
        paragraphs.append(f"{mark} {words}.")
    data = f"# 문서 {number}\n\n".encode() + "\n\n".join(paragraphs).encode()
    return Upload(f"{number}.md", data, marks)


async def _send(http: httpx.AsyncClient, uploads: list[Upload], found: Found) -> None:
    """What has no answer yet, one after another; until the server dies."""
    try:
        for each in uploads:
            if each.document_id is not None:
                continue
            each.num_sent += 1
            answer = await http.post(
                "/api/documents",
                params={"name": each.name},
                content=_slowly(each.data),
                headers={"content-type": "application/octet-stream"},
            )
            each.document_id = answer.raise_for_status().json()["document_id"]
    except GONE:
        found.num_cut_uploads += 1


async def _slowly(data: bytes) -> AsyncGenerator[bytes]:
    """As over a slow line, so that a kill meets it."""
    for at in range(0, len(data), PIECE_BYTES):
        yield data[at : at + PIECE_BYTES]
        await asyncio.sleep(PIECE_PAUSE_S)


def _num_reading(database: Path) -> int:
    """As a copy beside the dead server's file says: nothing is recovered in place."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM document WHERE status = 'reading'").fetchone()[0])


async def _listed(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = (await http.get("/api/documents", params=params)).raise_for_status().json()
        rows += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return rows


async def _until_ready(http: httpx.AsyncClient, number: int, log: Log) -> None:
    """All are read, and have their vectors where somebody makes them."""
    async with asyncio.timeout(READY_TIMEOUT_S):
        told = -1
        while True:
            rows = await _listed(http)
            left = [row for row in rows if row["status"] not in {"ready", "failed"} or _lacks_vectors(row)]
            if not left and len(rows) >= number:
                return
            if len(left) != told:
                told = len(left)
                log(f"{told} of {len(rows)} files are not complete yet")
            await asyncio.sleep(1)


def _lacks_vectors(row: dict[str, Any]) -> bool:
    return row["vectors"] not in {"none", "ready"}


async def _flaws(http: httpx.AsyncClient, upload: Upload) -> list[str]:
    base = f"/api/documents/{upload.document_id}"
    view = (await http.get(base)).raise_for_status().json()
    flaws: list[str] = []
    if view["status"] != "ready" or view["num_pages_read"] != view["num_pages"]:
        flaws.append(f"is {view['status']} at page {view['num_pages_read']} of {view['num_pages']}: {view['error']}")
    content = (await http.get(f"{base}/content")).raise_for_status().content
    if hashlib.sha256(content).digest() != hashlib.sha256(upload.data).digest():
        flaws.append(f"its {len(content)} bytes are not the {len(upload.data)} that were sent")
    text = ""
    for number in range(1, (view["num_pages"] or 0) + 1):
        page = await http.get(f"{base}/pages/{number}")
        text += page.json()["text"] if page.is_success else ""
        flaws += [] if page.is_success else [f"page {number} is not there"]
    if MARK.findall(text) != upload.marks:
        flaws.append(f"{len(MARK.findall(text))} marks are in its pages, {len(upload.marks)} were sent, or in disorder")
    question = {"query": upload.marks[len(upload.marks) // 2], "document_ids": [upload.document_id], "limit": MAX_HITS}
    hits = (await http.post("/api/documents/search", json=question)).raise_for_status().json()["hits"]
    if not any(question["query"] in hit["text"] for hit in hits):  # which is the best is another bench's matter
        flaws.append(f"{question['query']} is not found")
    return flaws


def _flaws_of_database(path: Path, uploads: list[Upload], found: Found) -> list[str]:
    """After an orderly end."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        problems = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        problems += [f"{row[0]}: a reference to nothing" for row in db.execute("PRAGMA foreign_key_check")]
        for table, parent in ORPHANS.items():
            key = f"{parent}_id"
            query = f"SELECT count(*) FROM {table} WHERE {key} NOT IN (SELECT {key} FROM {parent})"  # noqa: S608
            if number := db.execute(query).fetchone()[0]:
                problems.append(f"{number} orphans in {table}")
        kept = [row[0] for row in db.execute("SELECT document_id FROM document")]
        if sorted(kept) != sorted(each.document_id or "" for each in uploads):
            problems.append(f"{len(kept)} documents are stored, {len(uploads)} were sent")
        for document_id, told in db.execute("SELECT document_id, num_passages FROM document").fetchall():
            count = db.execute("SELECT count(*) FROM passage WHERE document_id = ?", (document_id,)).fetchone()[0]
            if count != told:
                problems.append(f"{document_id}: {count} passages, {told} told")
        doubled = "SELECT count(*) FROM (SELECT 1 FROM passage GROUP BY document_id, page, start HAVING count(*) > 1)"
        if number := db.execute(doubled).fetchone()[0]:
            problems.append(f"{number} passages are there twice")
        found.num_passages = db.execute("SELECT count(*) FROM passage").fetchone()[0]
        found.num_vectors = db.execute("SELECT count(*) FROM passage_vector").fetchone()[0]
    return problems
