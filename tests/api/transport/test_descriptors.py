"""How many descriptors the server has, and how many of them it keeps for itself."""

import os
import resource
import subprocess
import sys

import pytest

from bdchat.api.transport.descriptors import MAX_BACKLOG, MIN_CONNECTIONS, RESERVED, WANTED, room_for_connections

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.mark.parametrize("num_descriptors", [512, 1024, 4096, 16_384])
def test_connections_leave_the_reserve_and_two_backlogs(num_descriptors: int) -> None:
    room = room_for_connections(num_descriptors, wanted=10**6)
    assert room.num_connections + 2 * room.backlog + RESERVED <= num_descriptors
    assert room.backlog <= MAX_BACKLOG


def test_no_more_than_is_wanted_and_never_none() -> None:
    assert room_for_connections(16_384, wanted=4096).num_connections == 4096
    assert room_for_connections(64, wanted=4096).num_connections == MIN_CONNECTIONS


@pytest.mark.parametrize(("soft", "hard", "expected"), [(1024, 4096, 4096), (1024, 1024, 1024)])
def test_the_soft_limit_is_raised_as_far_as_the_hard_one_allows(soft: int, hard: int, expected: int) -> None:
    if 0 <= resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
        pytest.skip("this machine's own hard limit is lower")
    script = (
        "import resource; from bdchat.api.transport.descriptors import raise_limit\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"
        "print(raise_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    shown = subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert shown.stdout.split() == [str(min(expected, WANTED))] * 2
