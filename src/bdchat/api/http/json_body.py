"""Reads a JSON request body. The size and time bounds are security.BodyLimits' matter."""

from starlette.requests import Request

from bdchat.api.http.errors import BodyTooLarge, ClientGone, UnsupportedMediaType

FORM = "application/x-www-form-urlencoded"  # curl says so of whatever it is to send
OF_BROWSERS = ("origin", "referer", "cookie", "sec-fetch-site")


async def read_json_body(request: Request, *, limit_bytes: int | None = None, takes_curls: bool = False) -> bytes:
    """The body of a request that says, or leaves open, that it is JSON. A browser's cross-site form cannot say so.
    `limit_bytes`: where less than the server's own bound is plenty. `takes_curls`: also what curl sends where nobody
    told it the type, as long as no browser can have sent it."""
    declared = request.headers.get("content-type", "")
    media_type = declared.partition(";")[0].strip().lower()
    is_json = not media_type or media_type == "application/json" or media_type.endswith("+json")
    is_curls = takes_curls and media_type == FORM and not any(name in request.headers for name in OF_BROWSERS)
    if not is_json and not is_curls:
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
