"""Errors as Anthropic's clients read them. Pure."""

import re

import msgspec

from bdchat.api.http.envelope import ErrorShape
from bdchat.api.http.errors import ErrorReply

TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


def error_type(status: int) -> str:
    return TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def error_document(reply: ErrorReply, request_id: str) -> bytes:
    error = {"type": error_type(reply.status), "message": reply.message}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})


ANTHROPIC_ERRORS = ErrorShape(re.compile(r"/v1/messages(?:/.*)?", re.DOTALL), error_document, b"request-id")
