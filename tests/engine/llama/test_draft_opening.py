"""A draft model's file: what is refused, by name, and what is opened beside the model that it guesses for."""

from pathlib import Path

import pytest

from bdchat.engine.errors import ModelLoadFailed
from bdchat.engine.kv.plan import KVPlan
from bdchat.engine.llama.draft_opening import open_draft, read_draft_header, vocabulary_difference
from bdchat.engine.llama.model import LlamaModel
from bdchat.engine.llama.runner import LlamaRunner
from bdchat.engine.model_runner import KVLayout
from bdchat.engine.scheduling.draft_model import DraftModel
from bdchat.engine.scheduling.scheduler import Scheduler
from bdchat.settings import EngineSettings
from tests.engine.scheduler_runs import add, ask, run


def test_a_name_that_is_not_here_is_said_with_the_setting() -> None:
    with pytest.raises(ModelLoadFailed, match=r"engine\.draft_model: there is no model 'nowhere'"):
        read_draft_header("nowhere", "m")


def test_a_file_that_is_no_model_is_said_with_the_setting(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 60)
    with pytest.raises(ModelLoadFailed, match=r"engine\.draft_model: "):
        read_draft_header(str(broken), "m")


class Vocabulary:
    """What of a model is compared."""

    def __init__(self, words: list[str], end: int = 0) -> None:
        self.n_vocab = len(words)
        self._words, self._end = words, end

    def token_bytes(self, token_id: int) -> bytes:
        return self._words[token_id].encode()

    def control_text(self, token_id: int) -> str:
        return ""

    def is_end_of_generation(self, token_id: int) -> bool:
        return token_id == self._end


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (Vocabulary(["a", "b", "c"]), None),
        (Vocabulary(["a", "b"]), "2 tokens, not 3"),
        (Vocabulary(["a", "x", "c"]), "token 1 is b'x', not b'b'"),
        (Vocabulary(["a", "b", "c"], end=2), "token 0 ends an answer in one of them only"),
    ],
)
def test_vocabularies_must_be_the_same(other: Vocabulary, difference: str | None) -> None:
    assert vocabulary_difference(Vocabulary(["a", "b", "c"]), other) == difference  # type: ignore[arg-type]


@pytest.mark.gguf
def test_a_real_model_guesses_for_itself_what_it_would_have_written(default_model_path: Path) -> None:
    """The best draft model there is: nearly every guess is right."""
    settings = EngineSettings(n_ctx=256, max_sequences=2, n_threads=1)
    with (
        LlamaModel.open(default_model_path, settings) as model,
        LlamaRunner(model, "m", settings, KVPlan(KVLayout.STREAMS, "f16", False)) as runner,
    ):
        drafter = DraftModel(
            open_draft(default_model_path, model, runner, settings), share=0.0
        )  # as if it cost nothing
        scheduler = Scheduler(runner, max_draft_tokens=8)
        scheduler.drafts.guess_by(drafter)
        add(scheduler, ask([504, 2365, 6354, 1690, 2040], max_tokens=12))
        run(scheduler)
        metrics = scheduler.metrics()
        assert metrics.num_model_tokens_drafted >= 6
        assert metrics.num_model_tokens_accepted >= 0.7 * metrics.num_model_tokens_drafted
        drafter.close()
