"""The main of a process that reads an import: `python -m bdchat.store.importing.main --fd N --user-id …`.

It writes nothing but its answers. Whatever the file does to the parser or to memory, it does to this process alone, and
the interpreter's lock that it holds is not the server's. Other work on the machine goes first.
"""

import argparse
import os
import resource
import signal
import sys

from bdchat.private_files import close_umask
from bdchat.store.importing.batches import Batches, ImportBounds
from bdchat.store.importing.wire import BATCH, SLICE, encode_batch, encode_slice

NICENESS = 10
MAX_ADDRESS_BYTES = 4 * 1024**3  # the largest chat takes some 300 MiB


def main(arguments: list[str] | None = None) -> None:
    options = _parse(arguments)
    _yield_to_others()
    bounds = ImportBounds(num_bytes=options.num_bytes, max_bytes=options.max_bytes, cpu_s=options.cpu_s)
    with os.fdopen(options.fd, "rb", buffering=0) as source:
        source.seek(0)
        batches = Batches(source, options.user_id, bounds)
        signal.signal(signal.SIGTERM, lambda *_: batches.stop())
        for line in sys.stdin.buffer:
            assert line in {BATCH, SLICE}
            answer = encode_batch(batches.next_batch()) if line == BATCH else encode_slice(batches.next_slice())
            sys.stdout.buffer.write(answer)
            sys.stdout.buffer.flush()


def _yield_to_others() -> None:
    close_umask()
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = MAX_ADDRESS_BYTES if hard == resource.RLIM_INFINITY else min(MAX_ADDRESS_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--user-id", required=True)
    parser.add_argument("--num-bytes", type=int, required=True)
    parser.add_argument("--max-bytes", type=int, required=True)
    parser.add_argument("--cpu-s", type=float, required=True)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
