"""Errors as Ollama's clients read them. Pure."""

import re

import msgspec

from bdchat.api.http.envelope import ErrorShape
from bdchat.api.http.errors import ErrorReply

# Those that are served, and those of Ollama's that are not: their programs are told so in words that they read.
PATHS = re.compile(
    r"/api/(?:chat|generate|tags|show|ps|version|embed|embeddings|pull|push|copy|delete|create|blobs)(?:/.*)?",
    re.DOTALL,
)


def error_document(reply: ErrorReply, request_id: str) -> bytes:
    return msgspec.json.encode({"error": reply.message})


OLLAMA_ERRORS = ErrorShape(PATHS, error_document)
