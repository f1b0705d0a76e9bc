"""The command that compiles llama.cpp again for this machine: bootstrap's in a checkout, pip's where bdchat is a wheel.

GCC up to 12 compiles AMX wrongly without two flags (llama.cpp #20824). scripts/bootstrap_native.py sets them where they
are needed; pip knows nothing of it, so its command always has them: elsewhere they cost nothing that can be measured.
What reads pictures (libmtmd) is left out: a quarter of the build, which nothing here loads.
"""

import shlex
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]  # a checkout's; of a wheel some folder without our scripts
PACKAGE = "llama-cpp-python"
KEEP_TILE_STORES = "-fno-tree-dse -fno-dse"
SAFE_CMAKE_ARGS = f"-DLLAVA_BUILD=off -DCMAKE_C_FLAGS='{KEEP_TILE_STORES}' -DCMAKE_CXX_FLAGS='{KEEP_TILE_STORES}'"


def rebuild_command(root: Path = ROOT) -> str:
    """Can be pasted into a shell."""
    if (root / "scripts" / "bootstrap.py").is_file():
        return "python3 scripts/bootstrap.py --rebuild"
    try:
        package = f"{PACKAGE}=={version(PACKAGE)}"
    except PackageNotFoundError:
        package = PACKAGE
    pip = f"{shlex.quote(sys.executable)} -m pip install --force-reinstall --no-deps --no-cache-dir"
    return f'CMAKE_ARGS="{SAFE_CMAKE_ARGS}" {pip} --no-binary {PACKAGE} {package}'
