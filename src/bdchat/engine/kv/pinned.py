"""States of pinned system prompts: in RAM and on disk until they are unpinned, however seldom they are used. Loop
thread only; knows tokens and states, never prompts.
"""

from collections.abc import Callable
from typing import NamedTuple

from bdchat.engine.kv.disk import DiskSnapshots
from bdchat.engine.kv.snapshots import PIN_SHARE, RamSnapshots, Snapshot


class PinnedState(NamedTuple):
    num_bytes: int = 0
    is_in_ram: bool = False
    is_on_disk: bool = False


class PinnedStates:
    """Owned by KVCache. `save`: the state of the sequence that holds exactly these tokens, if one does."""

    def __init__(
        self, snapshots: RamSnapshots, disk: DiskSnapshots | None, save: Callable[[list[int]], bytes | None]
    ) -> None:
        self._snapshots = snapshots
        self._disk = disk
        self._save = save

    def keep(self, tag: str, tokens: list[int]) -> str | None:
        """From wherever these tokens' state is: "" when it is kept, else why it cannot be. None: no tier has it, it is
        to be computed first."""
        state = self._find(tag, tokens)
        if state is None:
            return None
        is_in_ram = self._snapshots.pin(tokens, state, tag=tag)
        if self._disk is not None and (kept := self._disk.pinned(tag)) is not None and kept.tokens != tokens:
            self._disk.forget(tag)  # the same pin, of other words or another template
        if is_in_ram or self._is_on_disk(tag) or self._to_disk(tag, tokens, state):
            return ""
        return (
            f"its state takes {len(state) / 1e6:,.0f} MB: more than pins may take "
            f"({PIN_SHARE:.0%} of engine.ram_cache_bytes, or of engine.disk_cache_bytes)"
        )

    def of(self, tag: str) -> PinnedState:
        in_ram = next((snapshot for snapshot in self._pins() if snapshot.tag == tag), None)
        on_disk = self._disk.pinned(tag) if self._disk is not None else None
        num_bytes = in_ram.num_bytes if in_ram is not None else on_disk.num_bytes if on_disk is not None else 0
        return PinnedState(num_bytes, in_ram is not None, on_disk is not None)

    def save_one(self) -> bool:
        """Writes one that is only in RAM. False: there is none that the disk takes."""
        return any(
            self._to_disk(pin.tag, pin.tokens, pin.state) for pin in self._pins() if not self._is_on_disk(pin.tag)
        )

    def _pins(self) -> list[Snapshot]:
        return [snapshot for snapshot in self._snapshots if snapshot.is_pinned]

    def _is_on_disk(self, tag: str) -> bool:
        return self._disk is not None and self._disk.pinned(tag) is not None

    def _to_disk(self, tag: str, tokens: list[int], state: bytes) -> bool:
        return self._disk is not None and self._disk.pin(tokens, state, tag=tag)

    def _find(self, tag: str, tokens: list[int]) -> bytes | None:
        if (state := self._save(tokens)) is not None:
            return state
        kept = next((snapshot for snapshot in self._snapshots if snapshot.tokens == tokens), None)
        if kept is not None:
            return kept.state
        on_disk = self._disk.pinned(tag) if self._disk is not None else None
        if self._disk is None or on_disk is None or on_disk.tokens != tokens:
            return None
        return self._disk.read(on_disk)
