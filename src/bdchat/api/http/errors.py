"""Maps exceptions to status, OpenAI type and code, in one table. Event loop; no state.

Every error that leaves the server, as a response or inside a stream, is built here from the exception's data, with all
four keys of OpenAI's error object. Engine errors come from engine/errors.py; the edge's own are below.

EdgeError
├── UnsupportedParameter    param, reason      a field that this server does not honour (yet)
├── MalformedBody           reason, code       not JSON, not UTF-8, not an object
├── UnsupportedMediaType    media_type
├── BodyTooLarge            limit_bytes
├── BodyTimeout             limit_s
├── HeadersTooLarge         limit_bytes
├── Unauthorized            was_given
├── LoginFailed                                wrong name, wrong password or a disabled account: never told apart
├── Forbidden               reason, code, param   known, but may not
├── TooManyAttempts         retry_after_s
├── EndedByAdmin                               also an EngineError: a running generation's
├── TooManyConnections
├── HostNotAllowed          host
└── OriginNotAllowed        origin

ClientGone is not an error of anybody: nobody is left to answer.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from starlette.exceptions import HTTPException

from bdchat.engine.errors import (
    AccountLimitReached,
    ChatTooLong,
    ContextLengthExceeded,
    EngineError,
    EngineUnavailable,
    GenerationFailed,
    InvalidRequest,
    ModelLoadFailed,
    ModelNotFound,
    QueueFull,
    QueueTimeout,
    RequestQuarantined,
)
from bdchat.store.errors import (
    Conflict,
    NotAllowed,
    NotFound,
    QuotaExceeded,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
    no_room,
)
from bdchat.store.ids import now_ms


class EdgeError(Exception):
    """Base of what the HTTP edge itself refuses."""


class UnsupportedParameter(EdgeError):
    def __init__(self, param: str, reason: str) -> None:
        super().__init__(reason)
        self.param = param
        self.reason = reason


class MalformedBody(EdgeError):
    """`code` names the reason for programs that have words of their own."""

    def __init__(self, reason: str, *, code: str = "malformed_body") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class UnsupportedMediaType(EdgeError):
    def __init__(self, media_type: str) -> None:
        super().__init__(f"Unsupported content type {media_type!r}: send application/json.")
        self.media_type = media_type


class BodyTooLarge(EdgeError):
    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request body is larger than {limit_bytes} bytes.")
        self.limit_bytes = limit_bytes


class BodyTimeout(EdgeError):
    def __init__(self, limit_s: float) -> None:
        super().__init__(f"The request was not received within {limit_s:g} seconds.")
        self.limit_s = limit_s


class HeadersTooLarge(EdgeError):
    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request line and headers are larger than {limit_bytes} bytes.")
        self.limit_bytes = limit_bytes


class Unauthorized(EdgeError):
    def __init__(self, *, was_given: bool, reason: str = "") -> None:
        """`reason`: where more is to be said than that."""
        super().__init__(
            reason
            or (
                "Incorrect API key provided."
                if was_given
                else "You didn't provide an API key. Send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'."
            )
        )
        self.was_given = was_given


class LoginFailed(EdgeError):
    def __init__(self) -> None:
        super().__init__("Wrong name or password.")


class Forbidden(EdgeError):
    """`code` names the reason for programs that have words of their own."""

    def __init__(self, reason: str, *, code: str = "forbidden", param: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.param = param


class TooManyAttempts(EdgeError):
    def __init__(self, retry_after_s: float) -> None:
        super().__init__("Too many attempts. Wait and try again.")
        self.retry_after_s = retry_after_s


class EndedByAdmin(EdgeError, EngineError):
    def __init__(self) -> None:
        super().__init__("An admin has ended this request.")


class TooManyConnections(EdgeError):
    def __init__(self) -> None:
        super().__init__("Too many connections are open and being answered; try again in a moment.")


class HostNotAllowed(EdgeError):
    def __init__(self, host: str) -> None:
        super().__init__("This server does not answer to that Host; add it to server.allowed_hosts.")
        self.host = host


class OriginNotAllowed(EdgeError):
    def __init__(self, origin: str) -> None:
        super().__init__(
            "Requests from that Origin are not allowed without a good key; for pages add it to server.cors_origins."
        )
        self.origin = origin


class ClientGone(Exception):
    """The client closed its connection before it was answered."""


class ErrorObject(msgspec.Struct, frozen=True):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(msgspec.Struct, frozen=True):
    error: ErrorObject


class ErrorEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """The same inside a stream, whose headers are gone: `retry_after_s` says what Retry-After would."""

    error: Any
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """What the wire gets."""

    status: int
    error: ErrorObject
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.error.code or self.error.type

    @property
    def body(self) -> bytes:
        """OpenAI's JSON document, also used as an event's data inside a stream."""
        return msgspec.json.encode(ErrorEnvelope(self.error))

    @property
    def message(self) -> str:
        """For wires that have no place for the field's name."""
        param, message = self.error.param, self.error.message
        return message if param is None or param in message else f"{param}: {message}"

    @property
    def retry_after_s(self) -> int | None:
        """For the wires that have no headers left: a stream's events, a socket's frames."""
        seconds = self.headers.get("retry-after")
        return int(seconds) if seconds is not None else None


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """How one exception type looks from outside. `message` None = str(error)."""

    status: int
    type: str
    code: str | None  # when the exception has none of its own
    message: Callable[[Any], str] | None = None
    param: str | None = None  # when the exception has none of its own
    is_final: bool = False  # a 5xx that would fail again: tell SDKs not to retry


def _context_message(error: ContextLengthExceeded) -> str:
    return (
        f"This model's maximum context length is {error.n_ctx} tokens. However, your input has "
        f"{error.num_prompt_tokens} tokens. Please reduce its length."
    )


def _model_message(error: ModelNotFound) -> str:
    said = f"The model {error.model[:200]!r} does not exist. Available: {', '.join(error.available) or 'none'}."
    return f"{said} {error.remedy}".rstrip()


def _reason(error: InvalidRequest) -> str:
    return f"Invalid '{error.param}': {error.reason}"


CALLER = "invalid_request_error"
SERVER = "server_error"
LIMIT = "rate_limit_error"

TABLE: tuple[tuple[type[BaseException], ErrorRow], ...] = (
    (InvalidRequest, ErrorRow(400, CALLER, None, _reason)),
    (ChatTooLong, ErrorRow(400, CALLER, "chat_too_long", _context_message)),
    (ContextLengthExceeded, ErrorRow(400, CALLER, "context_length_exceeded", _context_message)),
    (UnsupportedParameter, ErrorRow(400, CALLER, "unsupported_parameter")),
    (MalformedBody, ErrorRow(400, CALLER, None)),
    (RequestQuarantined, ErrorRow(400, CALLER, "request_quarantined")),
    (Unauthorized, ErrorRow(401, CALLER, "invalid_api_key")),
    (LoginFailed, ErrorRow(401, CALLER, "login_failed")),
    (Forbidden, ErrorRow(403, CALLER, None)),
    (NotAllowed, ErrorRow(403, CALLER, None)),
    (QuotaExceeded, ErrorRow(403, CALLER, "storage_quota_exceeded")),
    (OriginNotAllowed, ErrorRow(403, CALLER, "origin_not_allowed")),
    (ModelNotFound, ErrorRow(404, CALLER, "model_not_found", _model_message, "model")),
    (NotFound, ErrorRow(404, CALLER, "not_found")),
    (BodyTimeout, ErrorRow(408, CALLER, "request_timeout")),
    (Conflict, ErrorRow(409, CALLER, None)),
    (BodyTooLarge, ErrorRow(413, CALLER, "request_too_large")),
    (UnsupportedMediaType, ErrorRow(415, CALLER, "unsupported_media_type")),
    (HostNotAllowed, ErrorRow(421, CALLER, "host_not_allowed")),
    (HeadersTooLarge, ErrorRow(431, CALLER, "headers_too_large")),
    (TooManyAttempts, ErrorRow(429, CALLER, "too_many_attempts")),
    (TooManyConnections, ErrorRow(503, SERVER, "too_many_connections")),
    (EndedByAdmin, ErrorRow(503, SERVER, "ended_by_admin", is_final=True)),
    (StoreReadOnly, ErrorRow(507, SERVER, "storage_read_only", is_final=True)),
    (StoreFull, ErrorRow(507, SERVER, "storage_full", is_final=True)),
    (StoreUnavailable, ErrorRow(503, SERVER, "store_unavailable")),
    (AccountLimitReached, ErrorRow(429, LIMIT, "rate_limit_exceeded")),
    (QueueFull, ErrorRow(503, SERVER, "queue_full")),
    (QueueTimeout, ErrorRow(503, SERVER, "queue_timeout")),
    (EngineUnavailable, ErrorRow(503, SERVER, "engine_unavailable")),
    (ModelLoadFailed, ErrorRow(503, SERVER, "model_load_failed", is_final=True)),
    (GenerationFailed, ErrorRow(500, SERVER, "generation_failed")),
    (EngineError, ErrorRow(500, SERVER, "engine_error")),
)
UNEXPECTED = ErrorRow(500, SERVER, "internal_error", lambda _: "The server had an error while processing your request.")
HTTP_CODES = {404: "unknown_url", 405: "method_not_allowed"}
DEFAULT_RETRY_AFTER_S = 2.0


def error_reply(error: BaseException) -> ErrorReply:
    if isinstance(error, HTTPException):
        return _http_reply(error)
    error = no_room(error) or error
    row = next((row for kind, row in TABLE if isinstance(error, kind)), UNEXPECTED)
    if row.code is None:
        row = replace(row, code=getattr(error, "code", None))
    message = row.message(error) if row.message else str(error)
    return _reply(row, message, getattr(error, "param", None) or row.param, _headers(row, error))


def error_event(error: BaseException) -> bytes:
    """The JSON of an event inside a stream."""
    reply = error_reply(error)
    event = ErrorEvent(msgspec.json.decode(reply.body, type=dict[str, msgspec.Raw])["error"], reply.retry_after_s)
    return msgspec.json.encode(event)


def seconds_left(retry_at_ms: int | None) -> int | None:
    """Until another try makes sense. None: it is not known, or that time has come."""
    left_ms = (retry_at_ms or 0) - now_ms()
    return math.ceil(left_ms / 1000) if left_ms > 0 else None


def is_expected(error: BaseException) -> bool:
    """False for what the table does not know: a fault of ours, to be logged with its traceback."""
    return no_room(error) is not None or isinstance(error, (HTTPException, ClientGone, *(kind for kind, _ in TABLE)))


def _http_reply(error: HTTPException) -> ErrorReply:
    """Starlette's own refusals: no such route, or a method that the route does not have."""
    message = {404: "Unknown request URL.", 405: "This URL does not accept that method."}.get(
        error.status_code, error.detail
    )
    row = ErrorRow(error.status_code, CALLER, HTTP_CODES.get(error.status_code, "http_error"))
    return _reply(row, message, None, dict(error.headers or {}))


def _headers(row: ErrorRow, error: BaseException) -> dict[str, str]:
    headers: dict[str, str] = {}
    retry_after_s = getattr(error, "retry_after_s", None if row.is_final else DEFAULT_RETRY_AFTER_S)
    if row.status in {429, 503} and retry_after_s is not None:
        headers["retry-after"] = str(max(1, math.ceil(retry_after_s)))
    if row.is_final:
        headers["x-should-retry"] = "false"
    if row.status == 401:
        headers["www-authenticate"] = "Bearer"
    if row.status in {408, 413, 431}:
        headers["connection"] = "close"  # the rest of the body is not worth reading
    return headers


def _reply(row: ErrorRow, message: str, param: str | None, headers: Mapping[str, str]) -> ErrorReply:
    return ErrorReply(row.status, ErrorObject(message=message, type=row.type, param=param, code=row.code), headers)
