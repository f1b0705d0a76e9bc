"""The scheduler's loads by their names: those that are compared with a peer, and our own. Knows no figures."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bootstrap import cache_dir

from .. import peers
from ..arguments import model_path
from ..compare import Job, Log
from ..hardening import Outcome
from ..servers import Contender, llama_server
from . import eta, fairness, flood, oversubscribed, preview, restart, step_time, window

# A slow or busy machine makes the longest waits longer than a server gives them; they are to be measured, not refused.
PATIENT = "engine.queue_timeout_s=600"
FLOOD_FLAGS = ("", "-np 16 -fa off -c 16384")  # its defaults, and a place for each batch request


def compared_jobs(options: argparse.Namespace, ours: Contender, others: list[Contender]) -> list[Job]:
    wanted = options.workload or []
    found = []
    if "flood" in wanted:
        load = flood.workload(is_short=options.quick)
        patient = _told(ours, (PATIENT,), options)
        found.append(Job(load, load.levels, (patient, *_peers(options, others, FLOOD_FLAGS))))
    if "oversubscribed" in wanted:
        load = oversubscribed.workload(is_short=options.quick)
        small = _told(ours, (PATIENT, *oversubscribed.SETTINGS), options)
        found.append(Job(load, load.levels, (small, *_peers(options, others, oversubscribed.PEER_FLAGS))))
    return found


def _told(ours: Contender, overrides: Sequence[str], options: argparse.Namespace) -> Contender:
    """With settings that the load needs; those of the command line win. Under its own name: it is one server."""
    named = {override.partition("=")[0] for override in options.set}
    added = [part for each in overrides if each.partition("=")[0] not in named for part in ("--set", each)]
    return replace(ours, command=(*ours.command, *added))


def _peers(options: argparse.Namespace, others: list[Contender], flags: tuple[str, ...]) -> list[Contender]:
    """llama-server with the flags that suit the load; any other peer, and given flags, as they are."""
    if options.base_url or options.peer != "llama-server" or options.peer_flags:
        return others
    binary = peers.llama_server()
    return [llama_server(binary, model_path(options), each) for each in flags]


async def own_loads(options: argparse.Namespace, logs: Path, log: Log) -> list[Outcome]:
    outcomes: list[Outcome] = []
    wanted, overrides = options.workload or [], (PATIENT, *options.set)
    rounds = 1 if options.quick else options.repeat
    if "fairness" in wanted:
        outcomes += await fairness.fairness(
            model_path(options), overrides, logs, log, seed=options.seed, num_rounds=rounds, is_short=options.quick
        )
    if "restart" in wanted:
        outcomes += await restart.restart(
            model_path(options),
            overrides,
            logs,
            log,
            seed=options.seed,
            num_rounds=rounds,
            is_short=options.quick,
            model_shape=options.model_shape,
        )
    if "window" in wanted:
        outcomes += await window.window(
            cache_dir(os.environ) / "bench-data",
            cache_dir(os.environ) / "bench-models",
            overrides,
            logs,
            log,
            seed=options.seed,
            num_rounds=rounds,
            is_short=options.quick,
        )
    if "preview" in wanted:
        outcomes += await preview.preview(
            model_path(options), overrides, logs, log, seed=options.seed, is_short=options.quick
        )
    if "eta" in wanted:
        outcomes += await eta.eta(model_path(options), overrides, logs, log, seed=options.seed, is_short=options.quick)
    if "scheduler-step" in wanted:
        outcomes += step_time.scheduler_step(log, seed=options.seed, is_short=options.quick)
    return outcomes
