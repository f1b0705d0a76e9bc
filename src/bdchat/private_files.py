"""Creates files and folders that only the server's user can read, and tightens modes found too open. Any thread, no
state.

Every process of ours runs under the umask of `close_umask`; whoever makes a file or a folder names the mode as well, so
that it holds too where the process is not ours (a program that imports us). A file's mode is right from its first byte:
what is opened up and closed later was readable in between.
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FILE_MODE, FOLDER_MODE = 0o600, 0o700
OTHERS = 0o077  # the bits of group and others
# What bdchat itself makes in a data directory. Whatever else lies there is somebody's own affair.
OWN_FOLDERS = frozenset({"models", "cache", "backups", "tls", "vectors"})
OWN_FILES = frozenset({"bdchat.toml", "server.lock"})
OWN_PREFIXES = (
    "bdchat.db",
    ".bdchat.db",
)  # the database, its log, its mark, former ones, copies that were not finished
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Mended(NamedTuple):
    """What was open to other users of the machine."""

    was_root_open: bool = False
    num_inside: int = 0  # files and folders of ours below it
    is_root_open_still: bool = False  # it is somebody else's, or a place that everybody uses


def close_umask() -> None:
    """First thing in every process of ours; what we start inherits it."""
    os.umask(OTHERS)


def opener(path: str, flags: int) -> int:
    """For open(…, opener=opener): a new file is private whatever the umask."""
    return os.open(path, flags, FILE_MODE)


def make_folder(path: Path) -> None:
    """As mkdir -p; every folder on the way that was not there is private too. Raises OSError that names what is in the
    way."""
    try:
        path.mkdir(mode=FOLDER_MODE)
    except FileNotFoundError:
        make_folder(path.parent)
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)
    except FileExistsError:
        if not path.is_dir():
            reason = errno.ENOTDIR if path.exists() else errno.ENOENT  # a file, or a link to nothing
            raise OSError(reason, os.strerror(reason), str(path)) from None


def write_private(path: Path, content: bytes) -> None:
    """A new file, or a new content for one; whole or not there is the caller's affair."""
    with open(path, "wb", opener=opener) as file:
        file.write(content)


def mend(data_dir: Path) -> Mended:
    """Closes what an earlier umask left open: of what is bdchat's, by name, and this user's, by number. No link is
    followed, and no file is touched that has another name elsewhere: a model may be a hard link to somebody's own."""
    try:
        root = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return Mended()
    try:
        was_open = bool(os.fstat(root).st_mode & OTHERS)
        is_closed = not was_open or (not _is_shared(root) and _close(root))
        num_inside = sum(_mend_entry(root, name) for name in os.listdir(root) if _is_ours(name))
        return Mended(was_open, num_inside, is_root_open_still=not is_closed)
    finally:
        os.close(root)


def _is_ours(name: str) -> bool:
    return name in OWN_FOLDERS or name in OWN_FILES or name.startswith(OWN_PREFIXES)


def _is_shared(root: int) -> bool:
    """A home directory, or a place like /tmp: closing it would take it from others."""
    if os.fstat(root).st_mode & stat.S_ISVTX:
        return True
    try:
        return os.path.samefile(root, Path.home())
    except (OSError, RuntimeError):  # in a container nobody may have a home
        return False


def _mend_entry(folder: int, name: str) -> int:
    """How many were open, with all that is below it."""
    try:
        fd = os.open(name, _LOOK, dir_fd=folder)
    except OSError:  # a link, or gone meanwhile, or not ours to read
        return 0
    try:
        num = int(_close(fd))
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            num += sum(_mend_entry(fd, inner) for inner in _names(fd))
        return num
    finally:
        os.close(fd)


def _names(folder: int) -> Iterator[str]:
    try:
        yield from os.listdir(folder)
    except OSError:
        return


def _close(fd: int) -> bool:
    """Whether it was open to others and is no more."""
    found = os.fstat(fd)
    is_elsewhere = stat.S_ISREG(found.st_mode) and found.st_nlink > 1
    if not found.st_mode & OTHERS or found.st_uid != os.geteuid() or is_elsewhere:
        return False
    try:
        os.fchmod(fd, stat.S_IMODE(found.st_mode) & ~OTHERS)
    except OSError:  # a file system without modes, or one that is read-only
        return False
    return True
