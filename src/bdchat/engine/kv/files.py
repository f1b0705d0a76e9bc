"""The files of the disk tier by name: of which model, of which chat. Any thread; it never looks into one.

Also for who runs no engine: a chat's states go with the chat, whether or not its model is loaded.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

SUFFIX = ".kv"
FOLDER = "kv"


def model_folder(cache_dir: Path, model_id: str) -> Path:
    """Ids may hold slashes and dots."""
    return cache_dir / FOLDER / hashlib.sha256(model_id.encode()).hexdigest()[:16]


def tag_part(tag: str) -> str:
    """What the names of a tag's files begin with."""
    return hashlib.sha256(tag.encode()).hexdigest()[:16]


def remove_tagged(folder: Path, tag: str) -> None:
    """Deletes what bears the tag."""
    for path in folder.glob(f"{tag_part(tag)}-*{SUFFIX}"):
        path.unlink(missing_ok=True)


def keep_only(cache_dir: Path, tags: Iterable[str]) -> int:
    """Deletes every model's files that bear none of these tags; how many. An engine that knew one of them finds it
    gone, which is to it as if it had never been."""
    kept = {tag_part(tag) for tag in tags}
    num_removed = 0
    for path in (cache_dir / FOLDER).glob(f"*/*{SUFFIX}"):
        if path.name.partition("-")[0] not in kept:
            path.unlink(missing_ok=True)
            num_removed += 1
    return num_removed
