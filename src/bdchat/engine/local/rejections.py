"""What an engine process refuses, as the error that it raised there. Pure."""

from bdchat.engine.errors import (
    AccountLimitReached,
    ContextLengthExceeded,
    EngineError,
    EngineUnavailable,
    GenerationFailed,
    InvalidRequest,
    QueueFull,
    QueueTimeout,
)
from bdchat.engine.wire import Rejected

_KINDS: dict[str, type[EngineError]] = {
    kind.__name__: kind
    for kind in (
        *(InvalidRequest, ContextLengthExceeded, QueueFull, AccountLimitReached),
        *(QueueTimeout, GenerationFailed, EngineUnavailable),
    )
}


def error_of(report: Rejected) -> EngineError:
    try:
        return _KINDS[report.error](**report.data)
    except (KeyError, TypeError):
        return GenerationFailed(f"refused by the engine: {report.error}")
