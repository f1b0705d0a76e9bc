"""What scripts/bench is told: its flags and the names of its loads."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from bootstrap import DEFAULT_MODEL_FILE, cache_dir, named_data_dir
from bootstrap_console import BootstrapError

from . import (
    document_chat,
    evaluation,
    full_disk,
    hardening,
    imports,
    laws,
    scheduling,
    socket_drops,
    stored_loads,
    tool_calls,
    usage_sums,
    writer_stalls,
)
from .model_shapes import SHAPES, shaped_model
from .response_kills import NUM_RESPONSE_KILLS
from .servers import ROOT
from .workloads import COMPARED

USAGE = """scripts/bench                                   our server alone, all loads
scripts/bench --peer llama-server               against llama-server, with the bars
scripts/bench --workload streams --levels 1,16 --repeat 1
scripts/bench --base-url http://host:8000/v1    a server that already runs"""

STORED_WORKLOADS = ("server-kills", "response-kills", "document-kills", "stop", "log-overhead", "full-disk")
OWN_WORKLOADS = (
    "kills",
    "startup",
    "out-of-memory",
    "memory",
    "weights",
    "drafts",
    "document-vectors",
    "laws",
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
    *scheduling.OWN,
)
PEERS = ("llama-server", "llama-cpp-python")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    names = (*(workload.name for workload in COMPARED), *scheduling.COMPARED, *OWN_WORKLOADS)
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
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
    parser.add_argument(
        "--num-response-kills", type=int, default=NUM_RESPONSE_KILLS, help="for --workload response-kills (30)"
    )
    parser.add_argument("--num-rounds", type=int, default=full_disk.NUM_ROUNDS, help="for --workload full-disk (200)")
    parser.add_argument("--num-histories", type=int, default=laws.NUM_HISTORIES, help="for --workload laws (20,000)")
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
