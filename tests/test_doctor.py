"""Each check on a machine that lacks what it looks for, and on one that does not."""

import json
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from bdchat.cli import app
from bdchat.doctor import (
    Check,
    Trial,
    check_compiler,
    check_cpu,
    check_data_dir,
    check_database,
    check_gpu,
    check_library,
    check_memory,
    check_model,
    check_network,
    check_port,
    check_python,
    check_system,
    check_weights,
    examine,
    find_gpus,
    report,
    takes_gpu,
)
from bdchat.engine.gguf.header import read_header
from bdchat.engine.models.catalog import Catalog
from bdchat.engine.weights.cache import WeightsFolder
from bdchat.engine.weights.verdict import Speed, Verdict
from bdchat.settings import load
from bdchat.store.sql.founding import found
from tests.gguf_files import GGUFFile, boolean

MODEL = Path("model.gguf")
GCC_12 = "c++ (Debian 12.2.0-14+deb12u1) 12.2.0"


class FakeProbe:
    """Answers with the given exit codes, one per call, and keeps what it was asked."""

    def __init__(self, *codes: int, stderr: str = "") -> None:
        self._codes = list(codes)
        self._stderr = stderr
        self.calls: list[Sequence[str]] = []

    def __call__(self, arguments: Sequence[str]) -> Trial:
        self.calls.append(arguments)
        return Trial(self._codes.pop(0), self._stderr)


def test_a_library_that_decodes_is_ok() -> None:
    probe = FakeProbe(0)
    assert check_library(MODEL, probe).ok
    assert len(probe.calls) == 1


def test_a_library_that_dies_is_tried_without_its_extra_buffers() -> None:
    """GCC 12 with AMX: SIGSEGV in the first batch of two tokens, in 4 of 4 starts."""
    probe = FakeProbe(-11, 0)
    check = check_library(MODEL, probe)
    assert not check.ok
    assert "SIGSEGV" in check.detail
    assert "without its extra buffer types" in check.detail
    assert "--rebuild" in check.remedy
    assert "--no-extra-bufts" in probe.calls[1]


def test_a_library_that_dies_either_way_says_so() -> None:
    assert "without its extra" not in check_library(MODEL, FakeProbe(-4, -4)).detail
    assert "SIGABRT: ggml.c:1: GGML_ASSERT(x)" in (
        check_library(MODEL, FakeProbe(-6, -6, stderr="/b/ggml.c:1: GGML_ASSERT(x)")).detail
    )


def test_a_model_that_is_not_loaded_is_no_fault_of_the_library() -> None:
    """The remedy was to compile llama.cpp again, whatever its reason had been."""
    check = check_library(MODEL, FakeProbe(1, stderr="W: slow\nunknown model architecture: 'brandnew'\n"))
    assert (check.ok, check.detail) == (False, "does not load model.gguf: unknown model architecture: 'brandnew'")
    assert "--rebuild" not in check.remedy
    assert "exit code 3" in check_library(MODEL, FakeProbe(3)).detail


def test_the_compiler_trap_is_named_where_it_is() -> None:
    cpu = "model name: Some CPU; flags: fpu avx2 avx512f amx_tile"
    assert "-fno-tree-dse" in check_cpu(cpu, GCC_12).detail
    assert "-fno-tree-dse" not in check_cpu(cpu, GCC_12.replace("12", "13")).detail
    assert "-fno-tree-dse" not in check_cpu("flags: fpu avx2", GCC_12).detail
    assert "AVX2, AVX-512, AMX" in check_cpu(cpu, "").detail


def test_a_cpu_without_wide_vectors_fails() -> None:
    assert not check_cpu("flags: fpu sse2", GCC_12).ok


def test_no_compiler_is_no_fault_of_a_machine_that_runs() -> None:
    assert check_compiler("").ok
    assert not check_python((3, 10, 2)).ok


def test_what_is_known_of_a_models_weights_is_told(tmp_path: Path) -> None:
    path = GGUFFile().write(tmp_path / "models" / "tiny.gguf")
    settings, model = load(data_dir=tmp_path), Catalog.load(tmp_path).resolve("tiny")
    assert "bdchat optimize tiny" in check_weights(model, settings).detail
    verdict = Verdict(
        key="k",
        model_path=str(path),
        is_encoded=False,
        uses_extra_bufts=False,
        reason="In the file's own order.",
        before=Speed(prompt=100, alone=10, streams=20),
        after=Speed(prompt=300, alone=20, streams=40),
    )
    WeightsFolder(tmp_path / "cache", path, "k").keep(verdict)
    assert check_weights(model, settings).detail == "In the file's own order. Prompts × 3.0, one answer × 2.0."
    as_in_the_file = load(data_dir=tmp_path, overrides={"engine.weights": "file"})
    assert "engine.weights" in check_weights(model, as_in_the_file).detail


def test_a_data_directory_that_is_a_file_fails(tmp_path: Path) -> None:
    assert check_data_dir(tmp_path / "new" / "one").ok
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").touch()
    check = check_data_dir(tmp_path / "file")
    assert not check.ok
    assert str(tmp_path / "file") in check.remedy


def test_a_port_is_free_or_a_strangers_or_ours() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert "is free" in check_port("127.0.0.1", port).detail
    with answering(b'{"status": "ok"}') as port:
        assert "bdchat is running" in check_port("127.0.0.1", port).detail
    for body in (b"<html>", b"[]", b'{"status": "fine"}'):
        with answering(body) as port:
            check = check_port("127.0.0.1", port)
            assert not check.ok
            assert "--port" in check.remedy
    assert check_port("127.0.0.1", 0).ok


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("203.0.113.1", "Cannot assign requested address"),
        ("a..b", "Name or service not known"),
        ("한" * 99, "no name of"),
    ],
    ids=["nobody's", "no name", "too long"],
)
def test_an_address_that_this_machine_lacks_is_a_finding(host: str, said: str) -> None:
    """::1 without IPv6 was a traceback, and the remedy to look for who holds it."""
    check = check_port(host, 8000)
    assert not check.ok
    assert said in check.detail
    assert check.remedy.endswith("choose another with --host")


def test_memory_is_compared_with_what_the_context_needs(tmp_path: Path, default_model_path: Path) -> None:
    settings = load(data_dir=tmp_path, overrides={"engine.n_ctx": "8192"})
    header = read_header(default_model_path)
    assert check_memory(header, settings, 8 * 1024**3).ok
    assert not check_memory(header, settings, 100 * 1024**2).ok
    refused = check_memory(header, load(data_dir=tmp_path, overrides={"engine.n_ctx": "1000000"}), 8 * 1024**3)
    assert not refused.ok
    assert "a context of 1,000,000 tokens needs 23.04 GB" in refused.detail
    cut = check_memory(header, load(data_dir=tmp_path), 512 * 1024**2)
    assert cut.ok
    assert "of 8,192 trained tokens of context are served" in cut.detail


def test_a_model_with_other_bytes_than_the_catalogs_fails(tmp_path: Path, default_model_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    damaged = models / default_model_path.name
    damaged.write_bytes(default_model_path.read_bytes()[:-1] + b"\x01")
    model = Catalog.load(tmp_path).resolve("smollm2-135m-instruct")
    check = check_model(model)
    assert not check.ok
    assert "bdchat pull smollm2-135m-instruct" in check.remedy


def test_a_missing_model_is_pulled(tmp_path: Path) -> None:
    checks = examine(load(data_dir=tmp_path, overrides={"server.port": "0"}))
    assert not checks[-1].ok
    assert "bdchat pull smollm2-135m-instruct" in checks[-1].remedy


def test_a_model_that_cannot_chat_is_not_pulled_again(tmp_path: Path) -> None:
    GGUFFile().with_pairs(diffusion__shift_logits=boolean(True)).write(tmp_path / "models" / "words.gguf")
    last = examine(load(data_dir=tmp_path, overrides={"server.port": "0", "models.default": "words"}))[-1]
    assert (last.name, last.ok) == ("model", False)
    assert "writes all words" in last.detail
    assert "bdchat pull" not in last.remedy


def test_without_a_model_nothing_is_asked_of_it(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path, overrides={"server.port": "0", "models.default": "none"})
    assert {check.name for check in examine(settings)}.isdisjoint({"model", "memory", "library"})


@pytest.mark.gguf
def test_this_machine_decodes(tmp_path: Path, default_model_path: Path) -> None:
    overrides = {"server.port": "0", "models.default": str(default_model_path)}
    found = {check.name: check for check in examine(load(data_dir=tmp_path, overrides=overrides))}
    assert {name: check.detail for name, check in found.items() if not check.ok} == {}
    assert "library" in found


def test_a_report_shows_remedies_of_failures_only() -> None:
    checks = (Check("one", True, "fine", "never shown"), Check("three", False, "broken", "mend it"))
    assert report(checks, as_json=False) == "ok    one    fine\nFAIL  three  broken\n             → mend it"
    document = json.loads(report(checks, as_json=True))
    assert document["ok"] is False
    assert [check["name"] for check in document["checks"]] == ["one", "three"]


@contextmanager
def answering(body: bytes) -> Iterator[int]:
    """A server of its own kind on a loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_where_it_runs_and_how_it_was_installed(tmp_path: Path) -> None:
    assert "checkout" in check_system("Linux", tmp_path, "").detail
    (tmp_path / ".dockerenv").touch()
    assert check_system("Linux", tmp_path, "active").detail.endswith(", in a container, bdchat.service is active")
    failed = check_system("Linux", tmp_path, "failed")
    assert (failed.ok, "journalctl" in failed.remedy) == (False, True)
    mac = check_system("Darwin", tmp_path, "")
    assert (mac.ok, mac.remedy) == (False, "run it in a container: docs/install.md")


def test_a_gpu_that_lies_idle_is_named_and_a_fault_only_where_it_is_asked_for(tmp_path: Path) -> None:
    assert find_gpus(tmp_path) == []
    card = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t NVIDIA H200\nIRQ: 1\n")
    (tmp_path / "sys/class/drm/card0/device").mkdir(parents=True)
    (tmp_path / "sys/class/drm/card0/device/vendor").write_text("0x1002\n")
    gpus = find_gpus(tmp_path)
    assert gpus[0] == "NVIDIA H200"
    assert "AMD" in gpus[1]
    idle = check_gpu(gpus, takes_gpu(FakeProbe(3)), -1)
    assert (idle.ok, "unused" in idle.detail, "GGML_CUDA" in idle.detail) == (True, True, True)
    assert not check_gpu(gpus, False, 20).ok
    assert check_gpu(gpus, takes_gpu(FakeProbe(0)), 20).ok
    assert check_gpu([], False, -1).ok
    assert not check_gpu([], False, 20).ok


def test_who_can_reach_it_is_said(tmp_path: Path) -> None:
    alone = load(data_dir=tmp_path)
    open_ = load(data_dir=tmp_path, overrides={"server.host": "0.0.0.0", "server.port": "8707"})
    assert "--lan" in check_network(alone, ["192.168.0.9"], lambda host: False).detail
    assert check_network(alone, ["192.168.0.9"], lambda host: True).detail.endswith("192.168.0.9:8000")
    assert check_network(open_, ["192.168.0.9"], lambda host: False).detail == "others come by 192.168.0.9:8707"
    assert not check_network(open_, [], lambda host: False).ok


def test_the_database_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path)
    path = tmp_path / "bdchat.db"
    assert "none yet" in check_database(settings).detail
    (tmp_path / "bdchat.db-founded").touch()
    assert "is missing" in check_database(settings).detail
    found(path)
    assert check_database(settings).detail.endswith("MB, can be read")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert check_database(settings).remedy == "update bdchat"
    path.write_bytes(b"garbage" * 1000)
    damaged = check_database(settings)
    assert (damaged.ok, "is damaged" in damaged.detail) == (False, True)
    assert damaged.remedy.startswith("before anything else copy the data directory away")
    assert path.read_bytes() == b"garbage" * 1000


def test_a_model_that_the_running_server_was_given_is_no_fault(tmp_path: Path) -> None:
    """`doctor` failed on "model" beside a server that ran with --model."""
    with answering(b'{"status": "ok", "models": [{"id": "my-own"}]}') as port:
        settings = load(data_dir=tmp_path, overrides={"server.port": str(port)})
        checks = {check.name: check for check in examine(settings)}
    assert (checks["model"].ok, checks["model"].detail) == (True, "my-own, of the running server")
    with answering(b'{"status": "ok"}') as port:
        settings = load(data_dir=tmp_path, overrides={"server.port": str(port)})
        assert not {check.name: check for check in examine(settings)}["model"].ok


def test_the_model_to_look_at_can_be_named(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["doctor", "--json", "--model", "none", "--data-dir", str(tmp_path)])
    assert "model" not in {check["name"] for check in json.loads(shown.stdout)["checks"]}
