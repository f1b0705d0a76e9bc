"""An engine process has its plan's addresses and no way out; what it has to do, it does."""

import asyncio
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bdchat.engine.errors import GenerationFailed
from bdchat.engine.gguf.header import read_header
from bdchat.engine.isolation.confinement import HEADROOM_BYTES, plan_bytes
from bdchat.engine.local.local_engine import LocalEngine
from bdchat.engine.request import GenerationRequest, SamplingParams, TextPrompt
from bdchat.settings import EngineSettings
from tests.engine.fake_process import DEVOUR, ask, events_of, expected_text, process_engine, text_of
from tests.tiny_models import write_tiny_llama, write_tiny_mamba, write_tiny_swa

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(sys.platform != "linux", reason="limits and filters of Linux")]
GIB = 1024**3
MACHINE = {"free_bytes": 16 * GIB, "total_bytes": 32 * GIB}
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def status_of(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(line.split()[1] for line in lines if line.startswith(f"{name}:"))


@pytest.mark.parametrize("write", [write_tiny_llama, write_tiny_mamba, write_tiny_swa])
@pytest.mark.parametrize("calibrate", [False, True], ids=["safe", "calibrated"])
async def test_a_confined_engine_loads_measures_and_writes(tmp_path: Path, write: object, calibrate: bool) -> None:
    path = write(tmp_path / "tiny.gguf", n_ctx_train=512)  # type: ignore[operator]
    n_threads = 1 if calibrate else 2  # two spin while they are measured; the library's own threads are confined too
    settings = EngineSettings(n_ctx=256, max_sequences=4, calibrate=calibrate, weights="file", n_threads=n_threads)
    sampling = SamplingParams(temperature=0.0, max_tokens=60, ignore_eos=True)
    async with LocalEngine(path, "tiny", settings, cache_dir=tmp_path / "cache") as engine:
        await engine.wait_ready()
        requests = [
            GenerationRequest(request_id=f"r{i}", prompt=TextPrompt(text=f"hello {i}"), sampling=sampling)
            for i in range(4)
        ]
        answers = await asyncio.gather(*(events_of(engine, request) for request in requests))
        assert all(text_of(events) for events in answers)
        assert engine.pid is not None
        assert (status_of(engine.pid, "Seccomp"), status_of(engine.pid, "NoNewPrivs")) == ("2", "1")
        soft, hard = psutil.Process(engine.pid).rlimit(psutil.RLIMIT_AS)
        assert 0 < soft == hard  # unlimited is -1
        assert set(filters_of_threads(engine.pid)) == {"2"}
        assert engine.num_restarts == 0


def filters_of_threads(pid: int) -> list[str]:
    return [status_of(int(task.name), "Seccomp") for task in Path(f"/proc/{pid}/task").iterdir()]


async def test_an_engine_that_takes_too_much_gets_an_error_and_lives(tmp_path: Path) -> None:
    """A request that made it allocate without end took the machine with it."""
    async with process_engine(tmp_path, f"address_space={GIB}") as engine:
        with pytest.raises(GenerationFailed):
            await events_of(engine, ask(DEVOUR))
        assert text_of(await events_of(engine, ask("hello"))) == expected_text("hello")
        assert engine.num_restarts == 0


async def test_an_operator_may_switch_it_off(tmp_path: Path) -> None:
    path = write_tiny_llama(tmp_path / "tiny.gguf")
    settings = EngineSettings(n_ctx=256, max_sequences=2, calibrate=False, confine=False)
    async with LocalEngine(path, "tiny", settings, cache_dir=tmp_path / "cache") as engine:
        await engine.wait_ready()
        assert engine.pid is not None
        assert status_of(engine.pid, "Seccomp") == status_of(os.getpid(), "Seccomp")
        assert psutil.Process(engine.pid).rlimit(psutil.RLIMIT_AS) == resource.getrlimit(resource.RLIMIT_AS)


def test_the_library_probe_reads_the_file_confined(tmp_path: Path) -> None:
    path = write_tiny_llama(tmp_path / "tiny.gguf")
    script = (
        "import sys; from bdchat.engine.llama.probe import main; code = main(sys.argv[1:])\n"
        "print(code, [line.split()[1] for line in open('/proc/self/status') if line.startswith('Seccomp:')])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script, str(path)], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "0 ['2']\n"


def test_the_plan_holds_the_weights_twice_the_cells_and_a_headroom(tmp_path: Path) -> None:
    header = read_header(write_tiny_llama(tmp_path / "tiny.gguf"))
    settings = EngineSettings(kv_memory_bytes=1 * GIB, ram_cache_bytes=1 * GIB, n_threads=1)
    assert plan_bytes(header, settings, **MACHINE) > 2 * GIB + GIB + HEADROOM_BYTES
    heavier = replace(header, model_bytes=header.model_bytes + GIB)
    assert plan_bytes(heavier, settings, **MACHINE) == plan_bytes(header, settings, **MACHINE) + 2 * GIB


def test_a_header_that_claims_the_moon_gets_what_is_free(tmp_path: Path) -> None:
    header = read_header(write_tiny_llama(tmp_path / "tiny.gguf"))
    boastful = replace(header, n_vocab=1 << 30, n_ff=1 << 24, n_ctx_train=1 << 31, head_counts=(1 << 16,) * 500)
    planned = plan_bytes(boastful, EngineSettings(), **MACHINE)
    assert planned == 2 * header.model_bytes + MACHINE["free_bytes"]


def test_a_machine_without_free_memory_still_loads_something(tmp_path: Path) -> None:
    header = read_header(write_tiny_llama(tmp_path / "tiny.gguf"))
    planned = plan_bytes(header, EngineSettings(), free_bytes=0, total_bytes=GIB)
    assert planned == 2 * header.model_bytes + HEADROOM_BYTES
