"""A file says how it wants to be sampled; what makes no sense in it is left out, never refused."""

import struct
from pathlib import Path

from bdchat.engine.gguf.header import read_header
from bdchat.engine.request import SamplingDefaults, SamplingHints
from tests.gguf_files import F32, I32, GGUFFile, string


def f32(value: float) -> bytes:
    return struct.pack("<If", F32, value)


def i32(value: int) -> bytes:
    return struct.pack("<Ii", I32, value)


def hints(tmp_path: Path, **keys: bytes) -> SamplingHints:
    pairs = {f"general__sampling__{name}": value for name, value in keys.items()}
    return read_header(GGUFFile().with_pairs(**pairs).write(tmp_path / "m.gguf")).sampling


def test_its_numbers_are_read_as_they_were_meant(tmp_path: Path) -> None:
    found = hints(
        tmp_path,
        temp=f32(0.6),
        top_p=f32(0.95),
        top_k=i32(20),
        min_p=f32(0.0),
        penalty_repeat=f32(1.05),
        penalty_last_n=i32(-1),
    )
    assert found == SamplingHints(
        temperature=0.6, top_p=0.95, top_k=20, min_p=0.0, repeat_penalty=1.05, repeat_last_n=-1
    )
    assert SamplingDefaults.of(found).repeat_last_n is None  # all


def test_a_number_that_makes_no_sense_is_left_out(tmp_path: Path) -> None:
    wrong = hints(
        tmp_path, temp=f32(float("nan")), top_p=string("0.9"), min_p=f32(-1), penalty_repeat=f32(0), top_k=i32(-1)
    )
    assert wrong == SamplingHints(top_k=0)  # off


def test_each_number_is_the_first_that_is_known() -> None:
    file, catalog = SamplingHints(temperature=0.6), SamplingHints(temperature=1.0, top_k=20)
    assert SamplingDefaults.of(file, catalog) == SamplingDefaults(temperature=0.6, top_k=20)
    assert SamplingDefaults.of(None, None) == SamplingDefaults()
    plain = SamplingDefaults()
    assert (plain.temperature, plain.top_p, plain.top_k, plain.min_p) == (0.7, 0.95, 40, 0.05)
