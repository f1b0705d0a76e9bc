"""Seccomp filter: takes system calls that an engine does not need from this process, for good and for all threads.

No network, no other program, no other process, no looking into one, no change of what the kernel
allows. Each refused call says EPERM. Any thread; Linux on x86-64 and AArch64. Since Linux 5.11 the kernel remembers
which calls a filter always allows and does not run it for them: computing costs nothing more.

The numbers are the kernel's (asm/unistd_64.h, asm-generic/unistd.h), the program's form is linux/filter.h's.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from typing import NamedTuple


class FilterRefused(Exception):
    """One line: why this process keeps all its system calls."""


class Architecture(NamedTuple):
    audit_arch: int  # linux/audit.h
    column: int  # in _DENIED
    clone: int
    kill: int
    tgkill: int
    prlimit64: int
    seccomp: int
    other_abi: int  # a bit of a call's number that means another ABI: x32


ARCHITECTURES = {
    "x86_64": Architecture(
        0xC000_003E, 0, clone=56, kill=62, tgkill=234, prlimit64=302, seccomp=317, other_abi=1 << 30
    ),
    "aarch64": Architecture(0xC000_00B7, 1, clone=220, kill=129, tgkill=131, prlimit64=261, seccomp=277, other_abi=0),
}
_ABSENT = None
# name → its number on x86-64 and on AArch64
_DENIED: dict[str, tuple[int | None, int | None]] = {
    # another program or process; threads come by clone, see below
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, _ABSENT),
    "vfork": (58, _ABSENT),
    # the network, and every server here that listens on a Unix socket; the pair to our parent is open already
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    # io_uring does all of these without a system call that a filter sees
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "kcmp": (312, 272),
    # our own limits: root may raise what was lowered
    "setrlimit": (160, 164),
    # files by other ways than their names
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    # the kernel's large surfaces, and the machine itself: most need root, which a server may have been given
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "acct": (163, 89),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "syslog": (103, 116),
    "personality": (135, 92),
    "iopl": (172, _ABSENT),
    "ioperm": (173, _ABSENT),
    "modify_ldt": (154, _ABSENT),
}
_CLONE3 = 435  # the same everywhere; its flags lie in memory, which no filter can read
_CLONE_THREAD = 0x1_0000

_LOAD, _IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF_LD|W|ABS, JMP|JEQ|K, JMP|JSET|K, RET|K
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000
_SET_MODE_FILTER, _TSYNC = 1, 1
_PR_SET_NO_NEW_PRIVS = 38


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(machine: str = platform.machine()) -> None:
    """Raises FilterRefused; then nothing has changed."""
    architecture = ARCHITECTURES.get(machine)
    if sys.platform != "linux" or architecture is None or sys.maxsize <= 1 << 32:
        raise FilterRefused(f"no system-call filter is known for {sys.platform} on {machine}")
    instructions = program(architecture, os.getpid())
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0)  # else only root may filter
    wanted = _Program(len(instructions) // 8, instructions)
    # all threads: a call that one of them may make is a call that the process may make
    result = libc.syscall(architecture.seccomp, _SET_MODE_FILTER, _TSYNC, ctypes.byref(wanted))
    if result != 0:
        reason = f"thread {result} has another filter" if result > 0 else os.strerror(ctypes.get_errno())
        raise FilterRefused(f"the kernel refuses a system-call filter: {reason}")


def program(architecture: Architecture, pid: int) -> bytes:
    """The filter as struct sock_filter[]. `pid` may send signals to itself: abort() does."""
    refuse = _instruction(_RETURN, _ERRNO | errno.EPERM)
    allow = _instruction(_RETURN, _ALLOW)
    parts = [_instruction(_LOAD, _ARCH), _instruction(_IF_EQUAL, architecture.audit_arch, 1, 0), refuse]
    parts.append(_instruction(_LOAD, _NUMBER))
    if architecture.other_abi:
        parts += [_instruction(_IF_ANY_BIT, architecture.other_abi, 0, 1), refuse]
    for numbers in _DENIED.values():
        number = numbers[architecture.column]
        if number is not None:
            parts += [_instruction(_IF_EQUAL, number, 0, 1), refuse]
    # "no such call": the C library then falls back to clone, whose flags can be seen
    parts += [_instruction(_IF_EQUAL, _CLONE3, 0, 1), _instruction(_RETURN, _ERRNO | errno.ENOSYS)]
    parts += [_instruction(_IF_EQUAL, architecture.clone, 0, 4), _load_argument(0)]
    parts += [_instruction(_IF_ANY_BIT, _CLONE_THREAD, 0, 1), allow, refuse]
    for number in (architecture.kill, architecture.tgkill):
        parts += [_instruction(_IF_EQUAL, number, 0, 4), _load_argument(0)]
        parts += [_instruction(_IF_EQUAL, pid, 0, 1), allow, refuse]
    # asking for a limit is allowed, setting one is not: the third argument is then no null pointer
    parts += [_instruction(_IF_EQUAL, architecture.prlimit64, 0, 6), _load_argument(2)]
    parts += [_instruction(_IF_EQUAL, 0, 0, 3), _load_argument(2, high=True)]
    parts += [_instruction(_IF_EQUAL, 0, 0, 1), allow, refuse]
    return b"".join([*parts, allow])


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Jumps are counted from the next instruction."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _load_argument(index: int, *, high: bool = False) -> bytes:
    """One half of it: both architectures are little-endian."""
    return _instruction(_LOAD, _ARGUMENTS + 8 * index + 4 * high)
