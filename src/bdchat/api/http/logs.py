"""Log format on stderr: one line per record, with its data. Never a prompt, never a key.

Other packages write about what they were given (a header, a row, a frame): of theirs only warnings are kept, at every
level. Of an exception that is not known to speak of the server alone, its type and its place are kept, not its words.
"""

import logging
import traceback

CARRIED = ("request_id", "code", "path", "model_id", "last_words")
# Their texts name files, types and our own classes' data, never what somebody sent.
PLAIN_SPOKEN = (OSError, MemoryError, ImportError, AttributeError, NameError, RecursionError, AssertionError)


class LineFormatter(logging.Formatter):
    """Line ends inside a message are escaped: outside input cannot forge a record."""

    def format(self, record: logging.LogRecord) -> str:
        carried = "".join(f" {name}={getattr(record, name)!r}" for name in CARRIED if hasattr(record, name))
        message = record.getMessage()
        if record.name == "asyncio":  # its further lines repeat an exception's words
            message = message.partition("\n")[0]
        line = f"{self.formatTime(record)} {record.levelname.lower()} {record.name}: {message}{carried}"
        line = line.replace("\r", "\\r").replace("\n", "\\n")
        if record.exc_info and record.exc_info[1] is not None:
            line += "\n" + describe(record.exc_info[1])
        return line


def describe(error: BaseException) -> str:
    """Its traceback and those of what caused it, the cause first."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    told = [describe(before), "which led to:"] if before is not None else []
    told.append("".join(traceback.format_tb(error.__traceback__)).rstrip())
    kind = type(error)
    speaks = isinstance(error, PLAIN_SPOKEN) or kind.__module__.startswith("bdchat.")
    told.append(f"{kind.__module__}.{kind.__qualname__}" + (f": {error}" if speaks else ""))
    if isinstance(error, BaseExceptionGroup):
        told += [describe(each) for each in error.exceptions]
    return "\n".join(part for part in told if part)


def configure_logging(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.WARNING if level != "error" else logging.ERROR, handlers=[handler], force=True)
    logging.getLogger("bdchat").setLevel(level.upper())
