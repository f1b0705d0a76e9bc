"""nginx and Caddy of the tests' own on loopback, with TLS, before a server; configured as docs/proxy.md says."""

import getpass
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.patience import PATIENCE_S

DOCUMENT = Path(__file__).parent.parent / "docs" / "proxy.md"
HOST = "chat.example.com"
NGINX = """
user {user}; daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{server}
}}
"""
CADDY = """{{
	admin off
	auto_https disable_redirects
	skip_install_trust
	https_port {port}
	storage file_system {folder}
}}
{server}
"""


def binary(name: str) -> str | None:
    """Debian keeps nginx where only root's PATH leads."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def trusting() -> ssl.SSLContext:
    """Of a client that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def documented(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def replaced(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, f"docs/proxy.md no longer says {old!r}"
        text = text.replace(old, new)
    return text


class Proxy:
    """`https://chat.example.com:PORT`, answered by the server at `upstream` ("127.0.0.1:8000")."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def host(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def origin(self) -> str:
        return f"https://{self.host}"

    def command(self, upstream: str) -> list[str]:
        raise NotImplementedError

    def start(self, upstream: str) -> Self:
        log = self._folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                self.command(upstream), stdout=output, stderr=output, env={**os.environ, "HOME": str(self._folder)}
            )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as line:
                    trusting().wrap_socket(line, server_hostname=HOST).close()  # Caddy makes its certificate meanwhile
                    return self
            except OSError:
                time.sleep(0.01)
        raise AssertionError(log.read_text("utf-8"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


class Nginx(Proxy):
    """`changes`: of the documented block's text."""

    def __init__(self, folder: Path, changes: Mapping[str, str] | None = None) -> None:
        super().__init__(folder)
        self._changes = changes or {}

    def command(self, upstream: str) -> list[str]:
        nginx, openssl = binary("nginx"), binary("openssl")
        assert nginx is not None
        assert openssl is not None
        request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
        files = ["-subj", f"/CN={HOST}", "-keyout", str(self._folder / "key"), "-out", str(self._folder / "pem")]
        subprocess.run([openssl, *request, *files], check=True, capture_output=True)
        ours = {
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "127.0.0.1:8000": upstream,
            "/etc/ssl/chat.example.com.": f"{self._folder}/",
        }
        server = replaced(documented("nginx"), {**self._changes, **ours})
        config = self._folder / "nginx.conf"
        config.write_text(NGINX.format(user=getpass.getuser(), folder=self._folder, server=server))
        return [nginx, "-c", str(config), "-p", str(self._folder)]


class Caddy(Proxy):
    def command(self, upstream: str) -> list[str]:
        caddy = binary("caddy")
        assert caddy is not None
        ours = {
            "chat.example.com {": f"https://{self.host} {{\n\tbind 127.0.0.1\n\ttls internal",
            "127.0.0.1:8000": upstream,
        }
        server = replaced(documented("caddyfile"), ours)
        config = self._folder / "Caddyfile"
        config.write_text(CADDY.format(folder=self._folder, port=self.port, server=server))
        return [caddy, "run", "--config", str(config), "--adapter", "caddyfile"]
