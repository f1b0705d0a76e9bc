"""Reads a JSON request body. The size and time bounds are security.BodyLimits' matter."""

from starlette.requests import Request

from bdchat.api.http.errors import BodyTooLarge, ClientGone, UnsupportedMediaType


async def read_json_body(request: Request, *, limit_bytes: int | None = None) -> bytes:
    """The body of a request that says, or leaves open, that it is JSON. A browser's cross-site form cannot say so.
    `limit_bytes`: where less than the server's own bound is plenty."""
    declared = request.headers.get("content-type", "")
    media_type = declared.partition(";")[0].strip().lower()
    if media_type and media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType(media_type[:100])
    chunks: list[bytes] = []
    num_bytes = 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        num_bytes += len(chunks[-1])
        if limit_bytes is not None and num_bytes > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        if not message.get("more_body", False):
            return b"".join(chunks)
