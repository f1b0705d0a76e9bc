"""scripts/bench: reads the flags, chooses the contenders, runs, reports. The only place that prints.

scripts/bench                                   our server alone, all loads
scripts/bench --peer llama-server               against llama-server, with the bars
scripts/bench --workload streams --levels 1,16 --repeat 1
scripts/bench --base-url http://host:8000/v1    a server that already runs
"""

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
from bootstrap import DEFAULT_MODEL_FILE, cache_dir, named_data_dir
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
    memory,
    out_of_memory,
    page,
    peers,
    report,
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
from .bars import Bar, bars
from .client import ClientError
from .compare import Comparison, Job, Log, Run
from .model_shapes import SHAPES, shaped_model
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
STORED_WORKLOADS = ("server-kills", "document-kills", "stop", "log-overhead", "full-disk")
OWN_WORKLOADS = (
    "kills",
    "startup",
    "out-of-memory",
    "memory",
    "weights",
    "drafts",
    "document-vectors",
    "hostile",
    "stalled-readers",
    "socket-drops",
    "store",
    "import",
    "usage",
    "page",
    "writer-stalls",
    "evaluation",
    "schemas",
    "tools",
    "constraints",
    *document_chat.WORKLOADS,
    "retrieval",
    *STORED_WORKLOADS,
)
PEERS = ("llama-server", "llama-cpp-python")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    names = (*(workload.name for workload in COMPARED), *OWN_WORKLOADS)
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--workload", action="append", choices=names, help="repeatable; default: the four compared ones"
    )
    parser.add_argument("--levels", help="numbers of streams for `streams`, e.g. 1,4,8,16")
    parser.add_argument("--repeat", type=int, default=3, help="how often each measurement is made (3)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the prompts (1)")
    parser.add_argument("--peer", choices=PEERS, help="a server to compare with; built on first use")
    parser.add_argument(
        "--peer-flags", action="append", metavar="FLAGS", help="its flags; repeatable: the best at each level counts"
    )
    parser.add_argument("--base-url", action="append", default=[], help="a running server; twice to compare two")
    parser.add_argument("--api-key", default=os.environ.get("BDCHAT_API_KEY"), help="for --base-url")
    parser.add_argument("--model", type=Path, help="path to a .gguf; default: the default model")
    parser.add_argument(
        "--model-shape",
        choices=SHAPES,
        help="a model of that shape with random weights, written into the cache folder (4.4 GB; delete it at will);"
        " the short loads",
    )
    parser.add_argument("--layers", type=int, metavar="N", help="for --model-shape: the first N layers alone")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="settings of ours")
    parser.add_argument("--num-kills", type=int, default=hardening.NUM_KILLS, help="for --workload kills (20)")
    parser.add_argument(
        "--num-drops", type=int, default=socket_drops.NUM_DROPS, help="for --workload socket-drops (1000)"
    )
    parser.add_argument(
        "--import-mb", type=int, default=imports.NUM_MB, help="size of the export for --workload import (200)"
    )
    parser.add_argument(
        "--stalls-mb",
        type=int,
        default=writer_stalls.NUM_MB,
        help="of the chat for --workload writer-stalls (200)",
    )
    parser.add_argument(
        "--idle-s",
        type=float,
        default=300.0,
        help="for --workload memory: how long nobody asks (300); --set engine.idle_after_s=… must be less",
    )
    parser.add_argument("--num-items", type=int, default=evaluation.NUM_ITEMS, help="for --workload evaluation (200)")
    parser.add_argument("--num-calls", type=int, default=tool_calls.NUM_CALLS, help="for --workload tools (1000)")
    parser.add_argument("--num-requests", type=int, default=usage_sums.NUM_REQUESTS, help="for --workload usage (200)")
    parser.add_argument("--num-document-kills", type=int, default=50, help="for --workload document-kills (50)")
    parser.add_argument("--num-server-kills", type=int, default=100, help="for --workload server-kills (100)")
    parser.add_argument("--num-rounds", type=int, default=full_disk.NUM_ROUNDS, help="for --workload full-disk (200)")
    parser.add_argument("--num-stops", type=int, default=stored_loads.NUM_STOPS, help="for --workload stop (100)")
    parser.add_argument(
        "--num-pairs", type=int, default=stored_loads.NUM_LOG_PAIRS, help="for --workload log-overhead (8)"
    )
    parser.add_argument("--data", type=Path, help="for --workload schemas: rows of name, schema and tests, one a line")
    parser.add_argument(
        "--generate", type=int, default=0, metavar="N", help="for --workload schemas: answers under N (0)"
    )
    parser.add_argument("--quick", action="store_true", help="one repeat, 1 and 4 streams: a smoke test")
    parser.add_argument("--output", type=Path, default=ROOT / "bench-results", help="folder of the results")
    return parser.parse_args(argv)


def model_path(options: argparse.Namespace) -> Path:
    if options.model_shape:
        folder = cache_dir(os.environ) / "bench-models"
        return shaped_model(SHAPES[options.model_shape], folder, num_layers=options.layers)
    named = os.environ.get("BDCHAT_TEST_MODEL")
    default = Path(named) if named else named_data_dir([], os.environ) / "models" / DEFAULT_MODEL_FILE
    path: Path = options.model or default
    if not path.is_file():
        raise BootstrapError(f"there is no model at {path}", "run scripts/serve once, or give --model PATH")
    return path.absolute()


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
    if not {*(options.workload or [])} <= {"weights", "startup", "drafts", "document-kills", "document-vectors"}:
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
    return found


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
            empty = bdchat("none", cache_dir(os.environ) / "bench-data", tuple(options.set))
            outcomes += await hardening.startup(empty, logs, log)
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
