"""Which texts are embedded next: everybody's turn, order within a request, one text at most read in pieces."""

import random

import pytest

from bdchat.engine.errors import InvalidRequest, QueueFull
from bdchat.engine.model_runner import EmbeddingText
from bdchat.engine.scheduling.embedding_queue import EmbeddingQueue, EmbeddingStep
from tests.fakes import FakeEmbedder, fake_vector


def texts(*lengths: int, first: int = 0) -> list[EmbeddingText]:
    """Each with tokens of its own."""
    return [EmbeddingText([first + 1000 * i + j for j in range(length)], length) for i, length in enumerate(lengths)]


def step_of(queue: EmbeddingQueue, embedder: FakeEmbedder, num_tokens: int = 32) -> tuple[EmbeddingStep, list[bytes]]:
    step = queue.next_step(num_tokens=num_tokens, num_sequences=embedder.num_sequences, can_pause=embedder.can_pause)
    return step, embedder.embed(step.runs)


@pytest.mark.parametrize("can_pause", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_every_text_gets_its_own_vector_in_order(seed: int, *, can_pause: bool) -> None:
    """Requests come and go while others are read."""
    dice = random.Random(seed)
    queue, embedder = EmbeddingQueue(queue_limit=100), FakeEmbedder(can_pause=can_pause)
    wanted = {
        f"r{n}": texts(*(dice.randint(1, 90) for _ in range(dice.randint(1, 12))), first=100_000 * n) for n in range(6)
    }
    made: dict[str, list[bytes]] = {name: [] for name in wanted}
    coming, gone = list(wanted), set()
    while coming or queue.has_work:
        if coming and (not queue.has_work or dice.random() < 0.3):
            queue.add(coming[0], wanted[coming.pop(0)])
        if queue.has_work and dice.random() < 0.05:
            gone.add(name := dice.choice(queue.request_ids))
            if (seq_id := queue.remove(name)) is not None:
                embedder.drop(seq_id)
            continue
        step, vectors = step_of(queue, embedder)
        assert step.num_tokens <= 32 or (len(step.runs) == 1 and not can_pause)
        assert len(embedder.open) <= 1
        for ended, vector in zip(step.ended, vectors, strict=True):
            made[ended.request_id].append(vector)
            assert ended.is_last == (len(made[ended.request_id]) == len(wanted[ended.request_id]))
    for name, of_request in wanted.items():
        expected = [fake_vector(text.tokens) for text in of_request]
        assert made[name] == (expected if name not in gone else expected[: len(made[name])])
    assert not embedder.open


def test_one_text_does_not_wait_behind_a_thousand() -> None:
    queue, embedder = EmbeddingQueue(queue_limit=10), FakeEmbedder()
    queue.add("many", texts(*[10] * 1000))
    step_of(queue, embedder)
    queue.add("one", texts(10, first=5))
    assert "one" in {text.request_id for _ in range(2) for text in step_of(queue, embedder)[0].ended}


def test_a_short_text_does_not_wait_until_a_long_one_is_read() -> None:
    queue, embedder = EmbeddingQueue(queue_limit=10), FakeEmbedder()
    queue.add("long", texts(500))
    step_of(queue, embedder)
    queue.add("short", texts(10, first=5))
    step, _ = step_of(queue, embedder)
    assert [text.request_id for text in step.ended] == ["short"]
    assert step.request_ids == {"long", "short"}
    while queue.has_work:
        step, vectors = step_of(queue, embedder)
    assert vectors == [fake_vector(range(500))]


def test_small_texts_share_steps() -> None:
    queue, embedder = EmbeddingQueue(queue_limit=10), FakeEmbedder()
    queue.add("r", texts(*[4] * 64))
    while queue.has_work:
        step_of(queue, embedder)
    assert embedder.num_steps == 8  # of 32 tokens


def test_more_requests_than_the_limit_are_told_to_come_back() -> None:
    queue = EmbeddingQueue(queue_limit=2)
    queue.add("a", texts(1))
    with pytest.raises(InvalidRequest):
        queue.add("a", texts(1))
    queue.add("b", texts(1))
    with pytest.raises(QueueFull):
        queue.add("c", texts(1))
    assert queue.remove("a") is None
    queue.add("c", texts(1))
