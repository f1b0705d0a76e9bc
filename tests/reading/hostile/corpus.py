"""All hostile files. `python -m tests.reading.hostile.corpus` reads each by the process that a server starts, and tells
what came of it; it ends with 1 where anything differs from what is expected."""

import asyncio
import resource
import sys
import tempfile
import time

from bdchat.reading.pieces import FileFinished, FileRefused, Frame, PageRead
from tests.reading.files import frames_of
from tests.reading.hostile import archives, others, pdfs, texts
from tests.reading.hostile.attack import READ, SETTINGS, Attack

ATTACKS = [*archives.ATTACKS, *others.COMPOUNDS, *others.PDFS, *others.TEXTS, *pdfs.PDFS, *texts.TEXTS]


async def outcome(attack: Attack) -> str:
    """What is wrong with how its reading ended; empty: nothing."""
    with tempfile.TemporaryFile() as file:
        file.write(attack.make())
        file.flush()
        if attack.is_sparse:
            file.truncate(1 << 30)
        frames = await frames_of(file, attack.file_name, **SETTINGS)
    return _differs(attack, frames)


def _differs(attack: Attack, frames: list[Frame]) -> str:
    text = "".join(frame.page.text for frame in frames if isinstance(frame, PageRead))
    if attack.secret and attack.secret in text:
        return "it told what it must not"
    last = frames[-1]
    if isinstance(last, FileRefused):
        return "" if last.code in attack.codes else f"refused: {last.code} {last.detail}"
    assert isinstance(last, FileFinished)
    return "" if READ in attack.codes else f"read: {last.num_pages} pages, {text[:40]!r}"


async def main() -> int:
    num_different = 0
    for attack in ATTACKS:
        start, used = time.monotonic(), _cpu_s()
        differs = await outcome(attack)
        num_different += bool(differs)
        took = f"{time.monotonic() - start:6.1f} s, {_cpu_s() - used:6.1f} s of CPU"
        expected = " or ".join(code or "read" for code in attack.codes)
        sys.stdout.write(f"{took}  {expected:20} {attack.name}{'   <-- ' + differs if differs else ''}\n")
    sys.stdout.write(f"{len(ATTACKS)} files, {num_different} with another end than expected\n")
    return bool(num_different)


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
