"""Which model makes vectors, and what it reads before a text."""

from pathlib import Path

import pytest

from bdchat.api.documents.meaning.embedders import choose, prefixes
from bdchat.engine.errors import InvalidRequest, ModelNotFound
from tests.api.documents.meaning.models import FakeModels, model_called

E5 = "multilingual-e5-small"


def test_somebodys_choice_comes_before_what_the_first_start_fetched(tmp_path: Path) -> None:
    models = FakeModels(tmp_path, E5)
    models.add("chat", purpose="chat")
    first = choose(models, "auto")
    assert first is not None
    assert first.name == E5
    models.add("qwen3-embedding-0.6b")
    models.add("bge-m3")
    second = choose(models, "auto")
    assert second is not None
    assert second.name == "bge-m3"
    assert second.fingerprint != first.fingerprint


def test_no_model_no_vectors_and_a_name_is_taken_at_its_word(tmp_path: Path) -> None:
    models = FakeModels(tmp_path)
    assert choose(models, "auto") is None
    models.add(E5)
    models.add("chat", purpose="chat")
    assert choose(models, "none") is None
    with pytest.raises(ModelNotFound):
        choose(models, "bge-m3")
    with pytest.raises(InvalidRequest, match="not made for vectors"):
        choose(models, "chat")


def test_a_changed_file_is_another_embedder(tmp_path: Path) -> None:
    models = FakeModels(tmp_path, E5)
    before = choose(models, "auto")
    models.weights[E5] = "other"
    after = choose(models, "auto")
    assert before is not None
    assert after is not None
    assert before.fingerprint != after.fingerprint


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("multilingual-e5-small", ("query: ", "passage: ")),
        ("multilingual-e5-large.Q8_0", ("query: ", "passage: ")),
        ("KoE5-Q4_K_M", ("query: ", "passage: ")),
        ("bge-m3-Q8_0", ("", "")),
        ("KURE-v1", ("", "")),
        ("nomic-embed-text-v1.5", ("search_query: ", "search_document: ")),
        ("e500-chat", ("", "")),
    ],
)
def test_prefixes_are_those_of_the_models_card(tmp_path: Path, name: str, expected: tuple[str, str]) -> None:
    assert prefixes(model_called(tmp_path, name)) == expected


@pytest.mark.parametrize("name", ["multilingual-e5-large-instruct", "Qwen3-Embedding-0.6B-Q8_0"])
def test_a_model_that_is_instructed_reads_a_task_before_a_question_alone(tmp_path: Path, name: str) -> None:
    query, passage = prefixes(model_called(tmp_path, name))
    assert query.startswith("Instruct: ")
    assert passage == ""
