"""scripts/bench: chooses the contenders, runs, reports. The only place that prints; arguments.py has the flags."""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console

from bdchat.settings import load
from bootstrap import cache_dir, named_data_dir
from bootstrap_console import BootstrapError

from . import (
    constraints,
    document_chat,
    document_kills,
    document_vectors,
    drafts,
    encodings,
    evaluation,
    full_disk,
    hardening,
    imports,
    laws,
    memory,
    out_of_memory,
    page,
    peers,
    report,
    response_kills,
    retrieval,
    schemas,
    socket_drops,
    stalled_readers,
    store_load,
    stored_loads,
    tool_calls,
    usage_sums,
    writer_stalls,
)
from .arguments import STORED_WORKLOADS, model_path, parse
from .bars import Bar, bars
from .client import ClientError
from .compare import Comparison, Job, Log, Run
from .model_shapes import SHAPES, shaped_model
from .scheduling import runs as scheduling
from .servers import ROOT, Contender, ServerFailed, bdchat, find_weights, llama_cpp_python, llama_server
from .workloads import COMPARED, PREFIX, STREAMS

# llama-server's ways to be fast: at its defaults (4 slots over one pool of cells), then with a stream of cells per slot
# and without the flash attention that is slow on a CPU, for four slots and for as many as there are clients.
LLAMA_SERVER_FLAGS = (
    "",
    "-np 4 -fa off",
    "-np 16 -fa off -c 16384",
    "-np 16 -fa on -c 16384 --spec-type ngram-mod",  # guesses from repeated text too
)

# Loads before which nobody waits for the encoding of the weights: they have no model, find it themselves, or count
# nothing that it changes.
WITHOUT_WEIGHTS = {"weights", "startup", "drafts", "document-kills", "document-vectors", "laws", "scheduler-step"}


def data_path(options: argparse.Namespace) -> Path:
    data: Path | None = options.data
    if data is None or not data.is_file():
        raise BootstrapError(f"there are no schemas at {data}", "give --data FILE")
    return data


def contenders(options: argparse.Namespace) -> tuple[Contender, list[Contender]]:
    """(ours, the peer once per set of flags, its defaults first)."""
    if options.base_url:
        running = [Contender(url, (), base_url=url) for url in options.base_url]
        return running[0], running[1:]
    model = model_path(options)
    ours = bdchat(model, cache_dir(os.environ) / "bench-data", tuple(options.set))
    if "engine.weights=file" not in options.set and not {*(options.workload or [])} <= WITHOUT_WEIGHTS:
        find_weights(model, cache_dir(os.environ) / "bench-data", tuple(options.set))
    if options.peer == "llama-server":
        flags = list(dict.fromkeys(["", *(options.peer_flags or LLAMA_SERVER_FLAGS)]))
        binary = peers.llama_server()
        return ours, [llama_server(binary, model, each) for each in flags]
    if options.peer == "llama-cpp-python":
        python = peers.llama_cpp_python()
        return ours, [llama_cpp_python(python, model, each) for each in options.peer_flags or [""]]
    return ours, []


def jobs(options: argparse.Namespace, ours: Contender, others: list[Contender]) -> list[Job]:
    is_short = options.quick or bool(options.model_shape)
    loads = (STREAMS, PREFIX) if options.model_shape else COMPARED
    wanted = options.workload or [workload.name for workload in loads]
    found = []
    for workload in COMPARED:
        if workload.name not in wanted:
            continue
        levels = workload.levels
        if workload is STREAMS:
            levels = (1, 4) if is_short else levels
            levels = tuple(int(level) for level in options.levels.split(",")) if options.levels else levels
        # Sets of flags are tried for throughput; the other loads meet the peer as it comes.
        found.append(Job(workload, levels, (ours, *(others if workload is STREAMS else others[:1]))))
    return [*found, *scheduling.compared_jobs(options, ours, others)]


async def measure(options: argparse.Namespace, console: Console) -> tuple[list[Run], list[Bar]]:
    def log(text: str) -> None:
        console.print(f"[{time.strftime('%H:%M:%S')}] {text}", markup=False, highlight=False, soft_wrap=True)

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _current_task().cancel)
    logs = options.output / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    ours, others = contenders(options)
    repeats = 1 if options.quick else options.repeat
    comparison = Comparison(repeats, options.seed, logs, log, api_key=options.api_key)
    outcomes = []
    wanted = options.workload or []
    try:
        await comparison.run(jobs(options, ours, others))
        if "kills" in wanted:
            outcomes += await hardening.kills(ours, logs, options.seed, log, options.num_kills)
        if "startup" in wanted:
            outcomes += await hardening.startup(
                bdchat("none", cache_dir(os.environ) / "bench-data", tuple(options.set)), logs, log
            )
        if "stalled-readers" in wanted:
            empty = bdchat("none", cache_dir(os.environ) / "bench-stalled-data", tuple(options.set))
            outcomes += await stalled_readers.stalled_readers(empty, logs, log)
        if "hostile" in wanted:
            outcomes += await hardening.hostile(ours, logs, log)
        if "socket-drops" in wanted:
            drops = bdchat(model_path(options), cache_dir(os.environ) / "bench-drops-data", tuple(options.set))
            outcomes += await socket_drops.socket_drops(drops, logs, options.seed, log, options.num_drops)
        if "import" in wanted:
            folder, overrides = cache_dir(os.environ) / "bench-import-data", tuple(options.set)
            outcomes += await imports.imports(
                folder, logs, log, seed=options.seed, num_mb=options.import_mb, overrides=overrides
            )
        if "store" in wanted:
            folder = cache_dir(os.environ) / "bench-store-data"
            outcomes += await store_load.store(folder, options.set, logs, options.seed, log)
        if "writer-stalls" in wanted:
            folder = cache_dir(os.environ) / "bench-stalls-data"
            outcomes += await writer_stalls.writer_stalls(
                folder, options.set, logs, options.seed, log, num_mb=options.stalls_mb, num_rounds=repeats
            )
        if "page" in wanted:
            outcomes += await page.page(logs, log)
        outcomes += [*await _held(options, [ours, *others[:1]], logs, log), *await _judged(options, ours, logs, log)]
        if "usage" in wanted:
            booked = bdchat(model_path(options), cache_dir(os.environ) / "bench-usage-data", tuple(options.set))
            outcomes += await usage_sums.usage_sums(booked, logs, options.seed, log, options.num_requests)
        outcomes += [*await _constrained(options, ours, logs, log), *await _stored(options, logs, log)]
        outcomes += [*await _starved(options, logs, log), *await _engine_alone(options, log)]
        outcomes += await scheduling.own_loads(options, logs, log)
    finally:
        runs = [*comparison.runs, *{id(outcome.run): outcome.run for outcome in outcomes}.values()]
        names = [other.name for other in others]
        found = [*bars(runs, ours.name, names), *(outcome.bar for outcome in outcomes)]
        report.show(console, runs)
        report.show_ratios(console, runs, ours.name, names)
        _report(options, console, runs, found)
    return runs, found


async def _held(options: argparse.Namespace, each: list[Contender], logs: Path, log: Log) -> list[hardening.Outcome]:
    """How much memory."""
    outcomes: list[hardening.Outcome] = []
    for server in each if "memory" in (options.workload or []) else ():
        outcomes += await memory.memory(
            server, logs, log, seed=options.seed, idle_s=options.idle_s, is_short=options.quick
        )
    return outcomes


async def _constrained(options: argparse.Namespace, ours: Contender, logs: Path, log: Log) -> list[hardening.Outcome]:
    outcomes: list[hardening.Outcome] = []
    wanted = options.workload or []
    if "schemas" in wanted:
        data = data_path(options)
        outcomes += await schemas.schemas(ours, data, logs, log, seed=options.seed, num_generated=options.generate)
    if "constraints" in wanted:
        num_pairs = 1 if options.quick else options.repeat
        outcomes += await constraints.constraints(
            ours, model_path(options), logs, log, seed=options.seed, num_pairs=num_pairs
        )
    return outcomes


async def _engine_alone(options: argparse.Namespace, log: Log) -> list[hardening.Outcome]:
    """In which encoding weights are held, and what guesses are worth."""
    outcomes: list[hardening.Outcome] = []
    wanted, rounds = options.workload or [], 1 if options.quick else options.repeat
    if "weights" in wanted:
        folder = cache_dir(os.environ) / "bench-weights-data"
        outcomes += encodings.encodings(model_path(options), folder, tuple(options.set), log, num_rounds=rounds)
    if "drafts" in wanted:
        overrides = dict(text.split("=", 1) for text in options.set)
        settings = load(data_dir=cache_dir(os.environ) / "bench-data", overrides=overrides).engine
        outcomes += drafts.drafts(model_path(options), options.output, settings, log, num_rounds=rounds)
    if "document-vectors" in wanted:
        data_dir = named_data_dir([], os.environ)
        outcomes += await document_vectors.document_vectors(model_path(options), data_dir, log, num_rounds=rounds)
    if "laws" in wanted:
        outcomes += laws.laws(log, first_seed=options.seed, num_histories=options.num_histories)
    return outcomes


async def _starved(options: argparse.Namespace, logs: Path, log: Log) -> list[hardening.Outcome]:
    """What a server does that gets no memory."""
    if "out-of-memory" not in (options.workload or []):
        return []
    large = shaped_model(SHAPES["mistral-7b"], cache_dir(os.environ) / "bench-models", num_layers=8)
    folder = cache_dir(os.environ) / "bench-memory-data"
    return await out_of_memory.out_of_memory(model_path(options), large, folder, logs, log)


async def _judged(options: argparse.Namespace, ours: Contender, logs: Path, log: Log) -> list[hardening.Outcome]:
    """Whether what a server answers is right."""
    wanted = options.workload or []
    outcomes = await document_chat.document_chat(ours, logs, log, seed=options.seed, wanted=wanted)
    outcomes += await retrieval.retrieval(cache_dir(os.environ), log, wanted, is_short=options.quick)
    if "evaluation" in wanted:
        outcomes += await evaluation.evaluation(
            ours, model_path(options), logs, log, seed=options.seed, num_items=options.num_items
        )
    if "tools" in wanted:
        outcomes += await tool_calls.tool_calls(ours, logs, log, seed=options.seed, num_calls=options.num_calls)
    return outcomes


async def _stored(options: argparse.Namespace, logs: Path, log: Log) -> list[hardening.Outcome]:
    """What stored answers must stand, each on a server with a new database."""
    wanted = [name for name in STORED_WORKLOADS if name in (options.workload or [])]
    if not wanted:
        return []
    outcomes: list[hardening.Outcome] = []
    model, overrides = model_path(options), tuple(options.set)
    same: dict[str, Any] = {"seed": options.seed, "log": log}
    if "server-kills" in wanted:
        outcomes += await stored_loads.server_kills(model, overrides, logs, num_kills=options.num_server_kills, **same)
    if "response-kills" in wanted:
        num_kills = options.num_response_kills
        outcomes += await response_kills.response_kills(model, overrides, logs, num_kills=num_kills, **same)
    if "document-kills" in wanted:
        outcomes += await document_kills.document_kills(overrides, logs, num_kills=options.num_document_kills, **same)
    if "stop" in wanted:
        outcomes += await stored_loads.stops(model, overrides, logs, num_stops=options.num_stops, **same)
    if "log-overhead" in wanted:
        outcomes += await stored_loads.log_overhead(model, overrides, logs, num_pairs=options.num_pairs, **same)
    if "full-disk" in wanted:
        outcomes += await full_disk.full_disk(model, overrides, logs, num_rounds=options.num_rounds, **same)
    return outcomes


def _report(options: argparse.Namespace, console: Console, runs: list[Run], found: list[Bar]) -> None:
    """Also of what there is when the run was stopped."""
    if not runs:
        return
    for bar in found:
        console.print(bar.line(), markup=False, highlight=False, soft_wrap=True)
    path = options.output / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    facts = {"command": sys.argv[1:], "machine": report.machine(ROOT)}
    report.write_json(path, runs, found, facts)
    from .plot import write_plot  # matplotlib takes a second

    write_plot(path.with_suffix(".png"), runs)
    console.print(f"written: {path} and .png beside it", soft_wrap=True)


def _current_task() -> "asyncio.Task[object]":
    task = asyncio.current_task()
    assert task is not None
    return task


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
    console = Console()
    try:
        # uvloop halves what the client takes from the servers' cores.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            _, found = runner.run(measure(options, console))
    except BootstrapError as error:
        console.print(f"bench: {error.problem}\n       → {error.remedy}", markup=False)
        return 1
    except (ServerFailed, ClientError) as error:
        console.print(f"bench: {error}", markup=False)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("bench: stopped; every server is ended")
        return 130
    return 0 if all(bar.passed for bar in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
