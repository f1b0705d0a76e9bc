"""llama.cpp's reason in one line: from what it logged as errors, or from what it printed before its process ended.

Pure. llama.cpp has no error codes: a NULL and these lines are all that it gives. A cause goes through several
functions, each of which logs "failed to …" in its turn; the line that names the cause is an earlier one.
"""

import re
import signal
from collections.abc import Sequence

MAX_CHARS = 400

_FUNCTION = re.compile(r"^[A-Za-z0-9:~]*_[\w:~]*: ")  # "llama_model_load: "
_WRAPPING = re.compile(r"^error loading model(?: [a-z]+)?: ")
_EMPTY = re.compile(  # names no cause
    r"^failed to (?:load (?:the )?model|read (?:the )?header|read tensor info|read key-value pairs|read tensor data"
    r"|initialize the context|create (?:the )?context)(?:$| from .*)"
)
# What a later llama.cpp knows and an earlier one cannot.
_TOO_NEW = re.compile(
    r"unknown model architecture|unknown (?:pre-)?tokenizer|only supports up to version|invalid ggml type|unknown type"
)
_NO_MEMORY = re.compile(r"^std::bad_alloc$")
_BUILD_FOLDER = re.compile(r"(?<!\w)/\S*/(?=[\w.-]+\.(?:c|cpp|h|hpp|cu)\b)")
_TERMINATED = re.compile(r"^terminate called after throwing an instance of .*$")


def load_failure(lines: Sequence[str], *, otherwise: str, version: str, folder: str = "") -> str:
    """Of a call that gave NULL, from its error lines in their order. `otherwise`: when none says anything. `version`
    names the library; paths in `folder` lose it, since a caller reads this."""
    said = [_unwrapped(line) for line in lines]
    causes = dict.fromkeys(line for line in said if line and not _EMPTY.search(line))
    reason = "; ".join(causes) or otherwise
    if folder:
        reason = reason.replace(f"{folder.rstrip('/')}/", "")
    if _NO_MEMORY.search(reason):
        reason = "there is too little memory for it"
    if _TOO_NEW.search(reason):
        reason += f"; a newer version of llama.cpp may know it (this is {version})"
    return _line(reason)


def crash_reason(signal_number: int, stderr: str) -> str:
    """Of a process that `signal_number` ended while it loaded or tried a model."""
    try:
        name = signal.Signals(signal_number).name
    except ValueError:
        name = f"signal {signal_number}"
    words = last_words(stderr)
    if words:
        return _line(f"llama.cpp ended itself with this model ({name}): {words}")
    return f"llama.cpp crashes with this model ({name}); see bdchat doctor"


def last_words(stderr: str) -> str:
    """The assertion or the exception by which native code ended its process; "" when there is none."""
    for line in reversed(stderr.partition("Fatal Python error")[0].splitlines()):
        text = line.strip()
        if text.startswith("what():"):
            return _line(text.removeprefix("what():").strip())
        if "GGML_ASSERT(" in text or "GGML_ABORT" in text or _BUILD_FOLDER.search(text):
            return _line(_BUILD_FOLDER.sub("", text))
        if _TERMINATED.match(text):
            return _line(text)
    return ""


def _unwrapped(line: str) -> str:
    while True:
        bare = _WRAPPING.sub("", _FUNCTION.sub("", line.strip()))
        if bare == line:
            return bare
        line = bare


def _line(text: str) -> str:
    """One printable line: much of it is a stranger's file speaking."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1] + "…"
