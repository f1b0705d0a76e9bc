"""Finds what a question brings into its prompt: small files whole, of larger ones passages. Event loop only; writes
nothing.

Where meaning cannot be searched, words are, and that is told; an answer never fails for it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from bdchat.api.citations import inline_texts
from bdchat.api.citations.block import CLOSING, OPENING, order_texts, passage_text
from bdchat.api.citations.choosing import (
    Offer,
    PassageKey,
    budget_of,
    chosen,
    free_tokens,
    query_of,
    shown_keys,
    whole_documents,
)
from bdchat.api.citations.passage import PromptPassage, numbered
from bdchat.api.citations.shown import shown, with_passages
from bdchat.api.schemas.asked_documents import COLLECTION_IDS, AskedDocuments
from bdchat.engine.engine import Engine
from bdchat.engine.request import ChatPrompt, GenerationRequest, TextPrompt
from bdchat.settings import DocumentSettings
from bdchat.store.db import Db
from bdchat.store.document_tables import Document
from bdchat.store.documents import attachments, documents, pages, scope
from bdchat.store.documents.scope import Scope
from bdchat.store.documents.search import FoundPassage, FoundPassages
from bdchat.store.errors import NotFound
from bdchat.store.sql.database import Database

MAX_QUERY_CHARS = 2000  # of a question: what was pasted with it says less
CHARS_PER_TOKEN = 2  # at least, of text that goes in whole: nothing longer is counted


class PassageFinder(Protocol):
    """store.documents.search.PassageSearch is one."""

    async def find(self, scope: Scope, query: str, /, *, limit: int) -> FoundPassages: ...


@dataclass(slots=True)
class Material:
    """What a question may bring along, the best first. `notes`: why meaning was not searched, where it was not."""

    wholes: list[tuple[PromptPassage, ...]] = field(default_factory=list)
    hits: list[PromptPassage] = field(default_factory=list)
    searched: str = "nothing"  # "nothing" | "words" | "words_and_vectors"
    notes: tuple[str, ...] = ()
    counts: dict[PassageKey, int] = field(default_factory=dict)  # tokens, as far as they were counted

    @property
    def about(self) -> dict[str, object]:
        return {"searched": self.searched, "notes": list(self.notes)}


@dataclass(frozen=True, slots=True)
class _Within:
    scope: Scope
    attached: list[Document]  # to the chat, or by id to the request


class DocumentQuestions:
    def __init__(self, settings: DocumentSettings, database: Database, finder: PassageFinder) -> None:
        self._settings = settings
        self._database = database
        self._finder = finder

    @property
    def share(self) -> float:
        return self._settings.prompt_share

    async def material(
        self, user_id: str, asked: AskedDocuments, question: str, *, before: str = "", session_id: str | None = None
    ) -> Material | None:
        """`before`: the question before it in the chat. None: nothing is asked. Raises NotFound for what is not the
        user's; whether the chat is, the caller knows."""
        query = query_of(question[:MAX_QUERY_CHARS], before[:MAX_QUERY_CHARS])
        within = None
        if session_id is not None or asked.document_ids or asked.collection_ids:
            within = await self._database.read(lambda db: _within(db, user_id, asked, session_id))
        if within is None and not asked.texts:
            return None
        found = Material()
        if within is not None:
            await self._search(found, within, query)
        if asked.texts:
            await asyncio.to_thread(self._look_into_texts, found, asked, query)
        return found

    async def outside_chats(
        self, engine: Engine, request: GenerationRequest, material: Material
    ) -> tuple[GenerationRequest, tuple[PromptPassage, ...]]:
        """The request with what its last message brings along. Raises what the engine refuses its prompt with."""
        prompt = request.prompt
        assert isinstance(prompt, ChatPrompt)
        num_plain = len(await engine.tokenize(prompt))
        info = engine.info
        if info is None:
            return request, ()  # it went away just now: the request is refused so
        free = free_tokens(n_ctx=info.n_ctx, num_used=num_plain)
        budget = budget_of(n_ctx=info.n_ctx, num_free=free, share=self.share, may_drop=False)
        passages = numbered(await self.chosen(engine, material, known=(), budget=budget), after=0)
        *before, last = prompt.messages
        messages = shown([*before, with_passages(last, passages)])
        return msgspec.structs.replace(request, prompt=msgspec.structs.replace(prompt, messages=messages)), passages

    async def chosen(
        self, engine: Engine, material: Material, *, known: Sequence[PromptPassage], budget: int
    ) -> tuple[PromptPassage, ...]:
        """What of it goes into the prompt, within `budget` tokens of the engine's model; of `known`, which the prompt
        shows already, nothing. In the order in which it stands there."""
        keys, there = shown_keys(known), whole_documents(known)
        new_wholes = [some for some in material.wholes if not shown_keys(some) <= keys]
        new_hits = [
            hit
            for hit in material.hits
            if PassageKey.of(hit) not in keys and (not hit.document_id or hit.document_id not in there)
        ]
        if not new_wholes and not new_hits:
            return ()
        order = "" if known else max(order_texts(), key=len)
        num_around = await _num_tokens(engine, "\n".join([OPENING, CLOSING, order, ""]))
        wholes = [await self._offer(engine, material, some) for some in new_wholes]
        hits = [await self._offer(engine, material, (hit,)) for hit in new_hits]
        return chosen(wholes, hits, budget - num_around)

    async def _search(self, found: Material, within: _Within, query: str) -> None:
        small = [
            row
            for row in within.attached
            if row.status == "ready" and 0 < row.num_tokens <= self._settings.whole_file_tokens
        ]
        found.wholes = await self._database.read(
            lambda db: [whole for row in small if (whole := _whole(db, row, within.scope))]
        )
        if not within.scope.document_ids:
            return
        hits = await self._finder.find(within.scope, query, limit=self._settings.passages_per_question)
        found.searched, found.notes = hits.searched, tuple(hits.notes)
        found.hits = list(map(_passage, hits.hits))

    def _look_into_texts(self, found: Material, asked: AskedDocuments, query: str) -> None:
        cut: list[PromptPassage] = []
        for text in asked.texts:
            if len(text.text) <= self._settings.whole_file_tokens * CHARS_PER_TOKEN:
                found.wholes.append(tuple(inline_texts.passages_of(text.title, text.text, is_whole=True)))
            else:
                cut += inline_texts.passages_of(text.title, text.text)
        if cut:
            found.searched = "words" if found.searched == "nothing" else found.searched
            ranked = inline_texts.ranked(cut, query, limit=self._settings.passages_per_question)
            found.hits = _in_turns(ranked, found.hits)

    async def _offer(self, engine: Engine, material: Material, passages: tuple[PromptPassage, ...]) -> Offer:
        num_tokens = 0
        for passage in passages:
            key = PassageKey.of(passage)
            if key not in material.counts:
                material.counts[key] = await _num_tokens(engine, passage_text(passage) + "\n")
            num_tokens += material.counts[key]
        return Offer(passages, num_tokens)


async def _num_tokens(engine: Engine, text: str) -> int:
    return len(await engine.tokenize(TextPrompt(text=text, adds_special=False, parses_special=False)))


def _within(db: Db, user_id: str, asked: AskedDocuments, session_id: str | None) -> _Within | None:
    """What the chat asks and what the request names. None: neither is anything."""
    scopes: list[Scope] = []
    attached: list[Document] = []
    if session_id is not None:
        there = attachments.of_chat(db, session_id)
        attached = list(there.documents)
        if there.documents or there.collections:
            scopes.append(scope.of_chat(db, session_id))
    if asked.document_ids or asked.collection_ids:
        scopes.append(_named(db, user_id, asked))
        attached += [documents.get(db, document_id, user_id) for document_id in asked.document_ids]
    if not scopes:
        return None
    return _Within(scope.united(scopes), list({row.document_id: row for row in attached}.values()))


def _named(db: Db, user_id: str, asked: AskedDocuments) -> Scope:
    try:
        return scope.of(db, user_id, document_ids=list(asked.document_ids), collection_ids=list(asked.collection_ids))
    except NotFound as error:
        field_name = asked.document_ids.get(error.name, f"metadata.{COLLECTION_IDS}")
        raise NotFound(error.kind, error.name, param=field_name) from error


def _whole(db: Db, row: Document, within: Scope) -> tuple[PromptPassage, ...]:
    return tuple(
        PromptPassage(
            number=0,
            document_id=row.document_id,
            document_name=row.name,
            text=page.text,
            page=page.number,
            end=len(page.text),
            is_whole=True,
        )
        for page in pages.all_of(db, row.document_id, within)
        if page.text.strip()
    )


def _passage(hit: FoundPassage) -> PromptPassage:
    return PromptPassage(
        number=0,
        document_id=hit.document_id,
        document_name=hit.document_name,
        text=hit.text,
        page=hit.page,
        start=hit.start,
        end=hit.end,
        passage_id=hit.passage_id,
        heading=hit.heading,
        header=hit.header,
    )


def _in_turns(first: Sequence[PromptPassage], second: Sequence[PromptPassage]) -> list[PromptPassage]:
    """One of each, as long as there are."""
    longest = max(len(first), len(second))
    return [some[at] for at in range(longest) for some in (first, second) if at < len(some)]
