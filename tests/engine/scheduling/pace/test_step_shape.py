"""The laws of what a step consists of."""

import random

import pytest

from bdchat.engine.scheduling.pace.step_shape import StepPiece, StepShape, num_stream_passes


def passes_as_llama_cpp_makes_them(lengths: dict[int, int]) -> int:
    """split_equal of llama-batch.cpp, token by token."""
    left = dict(sorted(lengths.items()))
    num_passes = 0
    while any(left.values()):
        ids = [seq_id for seq_id, length in left.items() if length]
        together = ids[:1]
        for seq_id in ids[1:]:
            if seq_id == together[-1] + 1:
                together.append(seq_id)
            else:
                break
        while all(left[seq_id] for seq_id in together):
            for seq_id in together:
                left[seq_id] -= 1
        num_passes += 1
    return num_passes


@pytest.mark.parametrize("seed", range(40))
def test_passes_are_counted_as_llama_cpp_makes_them(seed: int) -> None:
    rng = random.Random(seed)
    ids = sorted(rng.sample(range(12), rng.randrange(1, 12)))
    lengths = {seq_id: rng.choice([1, 1, 1, 5, rng.randrange(1, 20)]) for seq_id in ids}
    pieces = [StepPiece(seq_id, 0, length, 1) for seq_id, length in lengths.items()]
    assert num_stream_passes(pieces) == passes_as_llama_cpp_makes_them(lengths)


def test_answers_side_by_side_are_one_pass_and_a_chunk_another() -> None:
    answers = [StepPiece(i, 10, 1, 1) for i in range(4)]
    assert num_stream_passes(answers) == 1
    assert num_stream_passes([*answers, StepPiece(4, 0, 64, 0)]) == 2
    assert num_stream_passes([answers[0], answers[3]]) == 2


def test_in_one_pool_a_token_may_look_at_everybodys_cells() -> None:
    pieces = [StepPiece(0, 100, 1, 1), StepPiece(1, 0, 10, 0)]
    assert StepShape.of(pieces, is_streams=False) == (1, 1, 10, 100.5 + 50)
    assert StepShape.of(pieces, is_streams=False, num_pool_cells=4000) == (1, 1, 10, 11 * 4000)
    assert StepShape.of(pieces, is_streams=True).num_passes == 2


def test_a_few_tokens_look_at_their_cells_row_by_row() -> None:
    def attended(length: int, row_weight: float = 1.75) -> float:
        return StepShape.of([StepPiece(0, 1000, length, 0)], is_streams=True, row_weight=row_weight).num_attended

    assert attended(65) == 65 * 1032.5
    assert attended(64) == 1.75 * 64 * 1032
    assert attended(64, row_weight=1.0) == 64 * 1032
