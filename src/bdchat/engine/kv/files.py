"""The files of the disk tier by name: of which model, of which chat. Any thread; it never looks into one.

Also for who runs no engine: a chat's states go with the chat, whether or not its model is loaded.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

SUFFIX = ".kv"
FOLDER = "kv"
PIN = "pin"


def model_folder(cache_dir: Path, model_id: str) -> Path:
    """Ids may hold slashes and dots."""
    return cache_dir / FOLDER / hashlib.sha256(model_id.encode()).hexdigest()[:16]


def pin_tag(pin_id: str) -> str:
    """The tag of what is kept of a pinned system prompt. A chat's tag is its id, which has no colon."""
    return f"{PIN}:{pin_id}"


def tag_part(tag: str) -> str:
    """What the names of a tag's files begin with: hex digits, and of a pin a word that has others before them."""
    prefix = PIN if tag.startswith(f"{PIN}:") else ""
    return prefix + hashlib.sha256(tag.encode()).hexdigest()[:16]


def is_of_pin(path: Path) -> bool:
    return path.name.startswith(PIN)


def remove_tagged(folder: Path, tag: str) -> None:
    """Deletes what bears the tag."""
    for path in folder.glob(f"{tag_part(tag)}-*{SUFFIX}"):
        path.unlink(missing_ok=True)


def keep_only(cache_dir: Path, tags: Iterable[str], pin_ids: Iterable[str] | None = None) -> int:
    """Deletes every model's files that bear none of these tags; how many. `pin_ids`: of all pins, whose files are kept
    too; None: of whichever. An engine that knew one of them finds it gone, which is to it as if it had never been."""
    kept = {tag_part(tag) for tag in (*tags, *map(pin_tag, pin_ids or ()))}
    num_removed = 0
    for path in (cache_dir / FOLDER).glob(f"*/*{SUFFIX}"):
        if path.name.partition("-")[0] not in kept and not (pin_ids is None and is_of_pin(path)):
            path.unlink(missing_ok=True)
            num_removed += 1
    return num_removed
