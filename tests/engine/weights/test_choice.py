"""Which encoding is chosen, from made-up times of products."""

import pytest

from bdchat.engine.gguf.tensors import TensorInfo
from bdchat.engine.weights.choice import Chooser, MatrixKind, Times, encodings_for, kinds_of

LAYER = MatrixKind(64, 64, "Q4_1", is_output=False)
OUTPUT = MatrixKind(64, 1024, "Q4_1", is_output=True)
KINDS = {LAYER: [b"blk.0.attn_q.weight", b"blk.1.attn_q.weight"], OUTPUT: [b"output.weight"]}
SLOW, FAST_PROMPTS, FAST_ALL = Times(10, 80, 1000), Times(14, 60, 100), Times(9, 70, 300)


def chooser(**times: Times) -> Chooser:
    return Chooser(KINDS, lambda kind, name, extra: None if extra else times.get(name, SLOW))


def test_what_is_fast_in_prompts_and_no_slower_alone_is_chosen() -> None:
    best = chooser(Q8_0=FAST_ALL).best(may_use_extra_bufts=False, spare_bytes=1 << 20)
    assert best.types[LAYER] == "Q8_0"
    assert best.cost < chooser().as_it_is(uses_extra_bufts=False).cost


def test_an_answer_alone_is_not_made_slower_for_faster_prompts() -> None:
    with_slower = chooser(BF16=FAST_PROMPTS)
    best = with_slower.best(may_use_extra_bufts=False, spare_bytes=1 << 20)
    assert best.changes() == {}
    assert best.alone_us == with_slower.as_it_is(uses_extra_bufts=False).alone_us


def test_what_one_kind_gains_alone_another_may_spend() -> None:
    def measure(kind: MatrixKind, name: str, extra: bool) -> Times | None:
        if extra:
            return None
        if kind.is_output:
            return Times(2, 20, 0) if name == "Q8_0" else Times(20, 80, 0)
        return FAST_PROMPTS if name == "BF16" else SLOW

    best = Chooser(KINDS, measure).best(may_use_extra_bufts=False, spare_bytes=1 << 20)
    assert best.types == {LAYER: "BF16", OUTPUT: "Q8_0"}


def test_where_nothing_is_fast_enough_alone_the_fastest_is_taken() -> None:
    best = chooser(Q8_0=FAST_ALL, BF16=FAST_PROMPTS).best(may_use_extra_bufts=False, spare_bytes=1 << 20, slack=0.5)
    assert set(best.types.values()) == {"Q8_0"}


def test_what_is_too_lossy_is_mended_where_that_costs_least() -> None:
    def measure(kind: MatrixKind, name: str, extra: bool) -> Times | None:
        if extra:
            return None
        dear = Times(300, 900, 900) if kind.is_output else Times(9.5, 71, 310)
        return {"Q8_0": FAST_ALL, "BF16": dear, "F16": Times(400, 999, 999)}.get(name, SLOW)

    measured = Chooser(KINDS, measure)
    best = measured.best(may_use_extra_bufts=False, spare_bytes=1 << 20)
    assert set(best.types.values()) == {"Q8_0"}
    assert measured.nearer(best, 0.01).types == {LAYER: "BF16", OUTPUT: "Q8_0"}
    assert measured.nearer(best, 1.0).types[OUTPUT] == "BF16"
    assert measured.nearer(best, 0.0) == best


def test_larger_encodings_stop_at_the_memory_that_is_spare() -> None:
    fast = chooser(Q8_0=FAST_ALL)
    file_bytes = fast.as_it_is(uses_extra_bufts=False).num_bytes
    wanted = fast.best(may_use_extra_bufts=False, spare_bytes=1 << 20).num_bytes
    less = fast.best(may_use_extra_bufts=False, spare_bytes=wanted - file_bytes - 1)
    assert file_bytes < less.num_bytes < wanted
    assert fast.best(may_use_extra_bufts=False, spare_bytes=0).changes() == {}


@pytest.mark.parametrize(("plain", "repacked", "expected"), [(1000.0, 400.0, True), (300.0, 1000.0, False)])
def test_the_order_in_memory_is_chosen_too(plain: float, repacked: float, expected: bool) -> None:
    measured = Chooser(KINDS, lambda kind, name, extra: Times(10, 80, repacked if extra else plain))
    assert measured.best(may_use_extra_bufts=True, spare_bytes=0).uses_extra_bufts is expected
    assert measured.best(may_use_extra_bufts=False, spare_bytes=0).uses_extra_bufts is False


def test_a_kind_is_measured_once() -> None:
    asked: list[tuple[MatrixKind, str, bool]] = []

    def measure(kind: MatrixKind, name: str, extra: bool) -> Times:
        asked.append((kind, name, extra))
        return SLOW

    measured = Chooser(KINDS, measure)
    for _ in range(2):
        measured.best(may_use_extra_bufts=True, spare_bytes=1 << 20)
    assert len(asked) == len(set(asked)) == 2 * 4 * 2  # kinds, encodings, orders


def test_encodings_that_cannot_hold_the_numbers_are_left_out() -> None:
    assert encodings_for(LAYER) == ["Q4_1", "Q8_0", "BF16", "F16"]
    assert encodings_for(LAYER._replace(row_length=48)) == ["Q4_1", "BF16", "F16"]  # Q8_0 takes rows of whole blocks
    assert encodings_for(LAYER._replace(type_name="BF16")) == ["BF16", "Q8_0"]  # above 65,504 F16 has no numbers
    assert encodings_for(LAYER, ()) == ["Q4_1"]


def test_only_matrices_that_are_multiplied_with_are_kinds() -> None:
    def tensor(name: bytes, *shape: int) -> TensorInfo:
        return TensorInfo(name, shape, "Q4_1", 0, 0)

    table = [
        tensor(b"token_embd.weight", 64, 1024),
        tensor(b"blk.0.attn_q.weight", 64, 64),
        tensor(b"blk.1.attn_q.weight", 64, 64),
        tensor(b"blk.0.attn_norm.weight", 64),
        tensor(b"blk.0.ffn_gate_exps.weight", 64, 64, 8),
        tensor(b"blk.0.ffn_gate_inp.weight", 64, 8),
        tensor(b"blk.(((.attn_q.weight", 64, 64),
    ]
    assert kinds_of(table) == KINDS | {OUTPUT: [b"token_embd.weight"]}  # tied: the table is the output's matrix too
    own_output = [*table, tensor(b"output.weight", 64, 1024)]
    assert kinds_of(own_output)[OUTPUT] == [b"output.weight"]
