"""Reading a JSON request body. The size and time bounds are security.BodyLimits' matter."""

from starlette.requests import Request

from bdchat.api.errors import ClientGone, UnsupportedMediaType


async def read_json_body(request: Request) -> bytes:
    """The body of a request that says, or leaves open, that it is JSON. A browser's cross-site form cannot say so."""
    declared = request.headers.get("content-type", "")
    media_type = declared.partition(";")[0].strip().lower()
    if media_type and media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType(media_type[:100])
    chunks: list[bytes] = []
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
