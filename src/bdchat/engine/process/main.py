"""The engine process's main: `python -m bdchat.engine.process.main --fd N --parent PID`.

Knows how to live and die, not what to compute. It speaks wire.py's frames over the inherited socket, writes only to
stderr, and never outlives its parent.
"""

import argparse
import ctypes
import faulthandler
import gc
import importlib
import logging
import os
import signal
import socket
import sys

from bdchat.engine.isolation.confinement import renounce, stand_back
from bdchat.engine.process.inbox import Inbox
from bdchat.engine.process.outbox import Outbox
from bdchat.engine.process.worker import ModelLoader, Worker
from bdchat.lifeline import end_with

_PR_SET_NAME = 15
DEFAULT_LOADER = "bdchat.engine.process.loader:LlamaLoader"


def main(arguments: list[str] | None = None) -> None:
    options = _parse(arguments)
    end_with(options.parent)  # elsewhere than on Linux the end of the socket ends us, a step later
    _become_an_engine()
    if options.background:
        stand_back()
    # llama.cpp's destructors may take seconds or crash, and nothing here needs them
    os._exit(serve(options.fd, make_loader(options.loader)))


def serve(fd: int, loader: ModelLoader) -> int:
    """Returns the exit status."""
    sock = socket.socket(fileno=fd)
    sock.set_inheritable(False)
    outbox = Outbox(sock)
    inbox = Inbox(sock, outbox, on_hangup=lambda: os._exit(0))
    inbox.start()
    Worker(inbox, outbox, loader).run()
    outbox.close()
    return 0


def make_loader(dotted_name: str) -> ModelLoader:
    module_name, _, class_name = dotted_name.partition(":")
    gc.disable()  # what is imported stays: looking through it again and again is a tenth of the time
    module = importlib.import_module(module_name)
    gc.enable()
    loader: ModelLoader = getattr(module, class_name)()
    return loader


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--loader", default=DEFAULT_LOADER)
    parser.add_argument("--background", action="store_true", help="whatever else runs comes first")
    return parser.parse_args(arguments)


def _become_an_engine() -> None:
    renounce()
    # A terminal's Ctrl-C and a service manager's SIGTERM reach the whole group; the parent drains, then ends us
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.environ["GGML_NO_BACKTRACE"] = "1"  # else an abort() forks a debugger first
    os.dup2(2, 1)  # a library that prints must not corrupt anything
    faulthandler.enable(all_threads=False)  # the parent keeps stderr's end: it says where we died
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, ctypes.create_string_buffer(b"bdchat-engine"), 0, 0, 0)


if __name__ == "__main__":
    main()
