"""Five questions of one long document in one chat: how many tokens each follow-up evaluates. Counts, no times.

Bar: a follow-up evaluates at most 1.15 times what is new: its passages, its words, and what the template writes around
them and the last answer. And a second person who asks the same small file finds the first one's cells.
"""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from .accounts import sign_in
from .bars import Bar
from .compare import Log, Run
from .hardening import Outcome
from .injections import changed_answers
from .prompts import words
from .servers import Contender, started
from .stored_client import COMPLETIONS, checked

WORKLOADS = ("document-chat", "injections")
NUM_PAGES = 40
PARAGRAPHS = 9  # of a page
NEW_TOKENS = 48
MAX_RATIO = 1.15
TURN_TOKENS = 12  # that a template writes around an answer and a question: ChatML's, and a token at each seam
TIMEOUT = httpx.Timeout(600.0)
_NAMES = """
harbour lighthouse orchard mint mill observatory aqueduct tannery foundry library viaduct brewery windmill ferry quarry
cathedral glassworks granary shipyard barracks theatre almshouse cannery sawmill vineyard hospital canal tramway museum
bakery reservoir chapel telegraph customhouse arsenal ropewalk fishmarket saltworks nursery lockhouse
"""
SUBJECTS = tuple(_NAMES.split())
QUESTIONS = (
    "In which year was the lighthouse built, and who built it?",
    "How many people work in the shipyard, and on which day are they paid?",
    "Who built the observatory, and what did it cost?",
    "When was the canal built, and how many people work there?",
    "What did the ropewalk cost, and who keeps its keys?",
)


async def document_chat(
    contender: Contender, logs: Path, log: Log, *, seed: int, wanted: Sequence[str]
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    if not set(WORKLOADS) & set(wanted):
        return outcomes
    async with started(contender, logs) as running, _connected(running.client.base_url) as http:
        await sign_in(http)
        if "document-chat" in wanted:
            outcomes += [await _follow_ups(http, contender, log, seed), await _shared(http, contender, log, seed)]
        if "injections" in wanted:
            outcomes.append(await changed_answers(http, contender, log))
    return outcomes


def _connected(base_url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base_url.removesuffix("/v1"), timeout=TIMEOUT)


async def _follow_ups(http: httpx.AsyncClient, contender: Contender, log: Log, seed: int) -> Outcome:
    document_id = await put(http, f"town-{seed}.md", long_document(random.Random(f"document-chat {seed}")))  # noqa: S311
    session_id = await begin_chat(http, document_id)
    ratios: list[float] = []
    figures: dict[str, float] = {}
    params = {"max_tokens": NEW_TOKENS}
    for number, question in enumerate(QUESTIONS, start=1):
        preview = checked(
            await http.post(f"/api/sessions/{session_id}/preview", json={"content": question, "params": params})
        )
        num_question = len(checked(await http.post("/tokenize", json={"content": question}))["tokens"])
        usage = (await ask(http, session_id, question))["usage"]
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        evaluated = usage["prompt_tokens"] - cached
        new = preview["num_document_tokens"] + num_question + TURN_TOKENS
        log(
            f"question {number}: {usage['prompt_tokens']} tokens, {cached} cached, {evaluated} evaluated; new are"
            f" {preview['num_document_tokens']} of passages and {num_question} of the question"
        )
        figures |= {f"evaluated_{number}": evaluated, f"new_{number}": new, f"cached_{number}": cached}
        if number > 1:
            ratios.append(evaluated / new)
    worst = max(ratios)
    text = (
        f"{len(ratios)} follow-ups on a document of {NUM_PAGES} pages evaluate at most {worst:.2f} times what is new"
        f" (≤ {MAX_RATIO}); cached " + ", ".join(f"{figures[f'cached_{n}']:.0f}" for n in range(1, len(QUESTIONS) + 1))
    )
    run = Run(contender.name, "document-chat", len(QUESTIONS), 0, {**figures, "worst_ratio": worst})
    return Outcome(Bar(2, text, worst <= MAX_RATIO), run)


async def _shared(http: httpx.AsyncClient, contender: Contender, log: Log, seed: int) -> Outcome:
    """Two chats whose first question is another, on the same small file."""
    text = small_document(random.Random(f"shared {seed}"))  # noqa: S311
    document_id = await put(http, f"note-{seed}.txt", text)
    evaluated: list[int] = []
    for question in ("What is this note about?", "Which words stand in it?"):
        usage = (await ask(http, await begin_chat(http, document_id), question))["usage"]
        evaluated.append(usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"])
    log(f"the same file in two chats: {evaluated[0]} tokens evaluated in the first, {evaluated[1]} in the second")
    share = evaluated[1] / evaluated[0]
    run = Run(contender.name, "shared-file", 2, 0, {"first": evaluated[0], "second": evaluated[1]})
    bar_text = f"the second chat with the same file evaluates {evaluated[1]} tokens, the first {evaluated[0]}"
    return Outcome(Bar(2, bar_text, share <= 0.5), run)


# --- what is asked ----------------------------------------------------------------------------------------------------


def long_document(rng: random.Random) -> str:
    """A page on each subject, with facts of its own among common words."""
    pages = []
    for subject in SUBJECTS[:NUM_PAGES]:
        name = rng.choice(("Ada", "Bela", "Carl", "Dora", "Emil", "Fria", "Gero", "Hilde")) + " " + rng.choice(SUBJECTS)
        facts = (
            f"The {subject} was built in {rng.randrange(1500, 1900)} by {name.title()}.",
            f"In the {subject} work {rng.randrange(10, 400)} people, paid on {rng.choice(('Friday', 'Monday'))}.",
            f"The {subject} did cost {rng.randrange(1000, 90000)} crowns, and its keys are kept by {name.split()[0]}.",
        )
        paragraphs = [words(rng, 70).capitalize() + "." for _ in range(PARAGRAPHS)]
        for fact, place in zip(facts, rng.sample(range(PARAGRAPHS), len(facts)), strict=True):
            paragraphs[place] = f"{fact} {paragraphs[place]}"
        pages.append(f"# The {subject}\n\n" + "\n\n".join(paragraphs))
    return "\n\n".join(pages)


def small_document(rng: random.Random) -> str:
    return "\n\n".join(words(rng, 70).capitalize() + "." for _ in range(8))


# --- how --------------------------------------------------------------------------------------------------------------


async def put(http: httpx.AsyncClient, name: str, text: str) -> str:
    """Its document_id, once it is read."""
    found = checked(await http.post("/api/documents", params={"name": name}, content=text.encode()))
    while found["status"] not in {"ready", "failed"}:
        await asyncio.sleep(0.2)
        found = checked(await http.get(f"/api/documents/{found['document_id']}"))
    assert found["status"] == "ready", found
    return str(found["document_id"])


async def begin_chat(http: httpx.AsyncClient, document_id: str) -> str:
    session_id = str(checked(await http.post("/api/sessions", json={"title": "bench"}))["session_id"])
    body = {"document_ids": [document_id], "collection_ids": []}
    checked(await http.put(f"/api/sessions/{session_id}/documents", json=body))
    return session_id


async def ask(http: httpx.AsyncClient, session_id: str, question: str) -> dict[str, Any]:
    body = {
        "messages": [{"role": "user", "content": question}],
        "store": True,
        "metadata": {"session_id": session_id},
        "max_tokens": NEW_TOKENS,
        "temperature": 0,
    }
    return checked(await http.post(COMPLETIONS, json=body))
