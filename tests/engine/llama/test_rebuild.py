"""What compiles llama.cpp again, where bdchat is a checkout and where it is a wheel."""

import shlex
import sys
from pathlib import Path

from bdchat.engine.llama.rebuild import KEEP_TILE_STORES, rebuild_command
from bootstrap_native import KEEP_TILE_STORES as BOOTSTRAP_FLAGS


def test_a_wheels_owner_is_told_pips_command_with_the_flags() -> None:
    """It named a script that a wheel does not have."""
    assert rebuild_command() == "python3 scripts/bootstrap.py --rebuild"
    words = shlex.split(rebuild_command(Path("/nowhere")))
    flags = f"-DCMAKE_C_FLAGS='{KEEP_TILE_STORES}' -DCMAKE_CXX_FLAGS='{KEEP_TILE_STORES}'"
    assert words[0] == f"CMAKE_ARGS=-DLLAVA_BUILD=off {flags}"
    assert words[1:5] == [sys.executable, "-m", "pip", "install"]
    assert words[-1].startswith("llama-cpp-python==")
    assert tuple(KEEP_TILE_STORES.split()) == BOOTSTRAP_FLAGS
