"""One line per log record on stderr, with what a record carries as data. Never a prompt, never a key."""

import logging

CARRIED = ("request_id", "code", "path", "model_id", "last_words")


class LineFormatter(logging.Formatter):
    """Line ends inside a message are escaped: outside input cannot forge a record."""

    def format(self, record: logging.LogRecord) -> str:
        carried = "".join(f" {name}={getattr(record, name)!r}" for name in CARRIED if hasattr(record, name))
        line = f"{self.formatTime(record)} {record.levelname.lower()} {record.name}: {record.getMessage()}{carried}"
        line = line.replace("\r", "\\r").replace("\n", "\\n")
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure_logging(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.getLogger("sse_starlette").setLevel(logging.WARNING)  # it builds a debug line per event otherwise
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # lines at every start, about nothing that happened
