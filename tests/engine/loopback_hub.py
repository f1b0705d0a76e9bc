"""A Hugging Face hub on the loopback: the HEAD and GET of /OWNER/REPO/resolve/REVISION/FILE that huggingface_hub 2.4
sends, with ETag, X-Linked-Etag, X-Linked-Size, X-Repo-Commit, Range and 206, and a redirect to "storage" as the real
one has. It can cut a connection half way and keeps a log of every request.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Seen(NamedTuple):
    method: str
    path: str
    range: str | None
    user_agent: str
    authorization: str | None


@dataclass
class Hub:
    """What the server answers and what it saw. Set by the test's thread between requests."""

    files: dict[str, bytes]  # "OWNER/REPO/FILE" → content
    url: str = ""
    etag: str | None = None  # None: the true sha256
    cut_after: int | None = None  # the next GET's connection breaks after so many bytes; then statuses apply
    status_after_cut: int = 200
    status_of_get: int = 200
    status_of_head: int = 200
    error_code: str = ""  # the hub's X-Error-Code
    seen: list[Seen] = field(default_factory=list)
    num_bytes_sent: int = 0

    def ranges(self) -> list[str | None]:
        """Of every GET that reached the storage, in order."""
        return [
            request.range for request in self.seen if request.method == "GET" and request.path.startswith("/storage")
        ]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> None:
        headers = self.headers
        agent = headers.get("User-Agent", "")
        self.hub.seen.append(Seen(self.command, self.path, headers.get("Range"), agent, headers.get("Authorization")))
        if self.path.startswith("/api/models"):
            self._send_json(*self._found())
            return
        if self.path.startswith("/storage/"):
            self._send_file(self.hub.files[self.path.removeprefix("/storage/")])
            return
        repo, _, rest = self.path.lstrip("/").partition("/resolve/")
        name = f"{repo}/{rest.partition('/')[2]}"
        if self.hub.status_of_head != 200:
            self._send_headers(self.hub.status_of_head, {"X-Error-Code": self.hub.error_code})
        elif name not in self.hub.files:
            self._send_headers(404, {"X-Error-Code": "EntryNotFound"})
        else:
            self._redirect(name)

    def _found(self) -> tuple[int, object]:
        """GET /api/models?search=…, and /api/models/OWNER/REPO?blobs=true."""
        where, _, query = self.path.partition("?")
        repositories = sorted({"/".join(name.split("/")[:2]) for name in self.hub.files})
        asked = where.removeprefix("/api/models").strip("/")
        if not asked:
            words = parse_qs(query).get("search", [""])[0]
            return 200, [
                {"id": repo, "downloads": 7, "tags": ["gguf", "license:mit"], "gated": False}
                for repo in repositories
                if words in repo
            ]
        if asked not in repositories:
            return 404, {"error": "Repository not found"}
        files = [
            (name.removeprefix(f"{asked}/"), content)
            for name, content in self.hub.files.items()
            if name.startswith(f"{asked}/")
        ]
        siblings = [{"rfilename": name, "size": len(content)} for name, content in files]
        return 200, {"id": asked, "sha": COMMIT, "siblings": siblings, "tags": []}

    def _send_json(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()
        self.wfile.write(body)

    def _redirect(self, name: str) -> None:
        """To "localhost", which is another host than 127.0.0.1, as the real storage is another host than the hub."""
        content = self.hub.files[name]
        headers = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-Etag": f'"{self.hub.etag or hashlib.sha256(content).hexdigest()}"',
            "X-Linked-Size": str(len(content)),
            "ETag": '"not-the-linked-one"',
            "Accept-Ranges": "bytes",
            "Location": f"{self.hub.url.replace('127.0.0.1', 'localhost')}/storage/{name}",
        }
        self._send_headers(302, headers)

    def _send_headers(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in ({"Content-Length": "0"} | headers).items():
            self.send_header(key, value)
        self.end_headers()

    def _send_file(self, content: bytes) -> None:
        if self.hub.status_of_get != 200:
            self._send_headers(self.hub.status_of_get, {})
            return
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        body = content[start:]
        headers = {"Content-Length": str(len(body)), "Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send_headers(206 if start else 200, headers)
        cut, self.hub.cut_after = self.hub.cut_after, None
        if cut is not None:
            body = body[:cut]
            self.close_connection = True
            self.hub.status_of_get = self.hub.status_after_cut
        self.hub.num_bytes_sent += len(body)
        self.wfile.write(body)


@contextmanager
def running_hub(files: dict[str, bytes]) -> Iterator[Hub]:
    hub = Hub(files)
    handler = type("BoundHandler", (Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
