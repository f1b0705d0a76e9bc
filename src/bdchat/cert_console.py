"""`bdchat cert`: a self-signed certificate for this machine's names and addresses, made by the `openssl` command.

It vouches for this server alone: one that could sign others (CA:TRUE) would, once a phone trusts it, let whoever takes
its key from this machine pretend to be any site.
"""

import hashlib
import ipaddress
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bdchat.api.http.security import WILDCARD_ADDRESSES
from bdchat.api.perimeter.addresses import network_addresses
from bdchat.private_files import make_folder, write_private
from bdchat.settings import Settings

DAYS = 820  # iOS and macOS take none that is valid for longer than 825
FOLDER, CERT, KEY = "tls", "cert.pem", "key.pem"
TIMEOUT_S = 60
MAX_NAME_CHARS = 64  # X.509's bound of a common name; browsers compare the alternative names, which are whole
HOST = re.compile(r"[A-Za-z0-9.:*_-]{1,253}")  # what can stand in the request without meaning anything else
REQUEST = """\
[req]
distinguished_name = subject
x509_extensions = server
prompt = no
[subject]
CN = {name}
O = bdchat
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = {names}
"""


class CertRefused(Exception):
    """One line: why there is no new certificate."""


def make(settings: Settings, more: Sequence[str], *, replaces: bool) -> str:
    """Into DATA_DIR/tls, both files for their owner alone (0600); says how they are used. `more`: further names.
    Raises CertRefused."""
    folder = settings.data_dir / FOLDER
    cert, key = folder / CERT, folder / KEY
    there = next((path for path in (cert, key) if path.exists()), None)
    if there is not None and not replaces:
        raise CertRefused(
            f"{there} already exists: --force replaces it with a new pair, which browsers must be told to trust again"
        )
    openssl = shutil.which("openssl")
    if openssl is None:
        raise CertRefused("the `openssl` command is not here: install it, or name a certificate that you have")
    hosts = _hosts(settings, more)
    make_folder(folder)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        made_cert, made_key = _made(openssl, hosts, Path(scratch))
        for path in (cert, key):
            path.unlink(missing_ok=True)  # a new file is private whatever the former was
        write_private(key, made_key)
        write_private(cert, made_cert)
    fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(made_cert.decode())).digest().hex(":").upper()
    return (
        f"{cert} is a certificate for {', '.join(hosts)}, for {DAYS} days.\n"
        f"Its SHA-256 fingerprint, to be compared where a browser asks: {fingerprint}\n"
        f"Serve with it: bdchat serve --lan --set server.tls_cert={cert} --set server.tls_key={key}\n"
        f"or permanently, in {settings.data_dir / 'bdchat.toml'}:\n"
        f'  [server]\n  tls_cert = "{cert}"\n  tls_key = "{key}"'
    )


def _hosts(settings: Settings, more: Sequence[str]) -> list[str]:
    """Names first; each once. Raises CertRefused."""
    for name in more:
        if not HOST.fullmatch(name):
            raise CertRefused(f"{name!r} is not a host name or address")
    own = socket.gethostname().lower()
    named = [*more, *settings.server.allowed_hosts, "localhost", own, f"{own.partition('.')[0]}.local"]
    addresses = [settings.server.host, *network_addresses(), "127.0.0.1", "::1"]
    found = dict.fromkeys(each.strip("[]") for each in (*named, *addresses))
    return sorted((host for host in found if HOST.fullmatch(host) and host not in WILDCARD_ADDRESSES), key=_is_address)


def _made(openssl: str, hosts: list[str], scratch: Path) -> tuple[bytes, bytes]:
    """The certificate and its key, in PEM. Raises CertRefused."""
    request, cert, key = scratch / "request.cnf", scratch / CERT, scratch / KEY
    names = ",".join(f"{'IP' if _is_address(host) else 'DNS'}:{host}" for host in hosts)
    request.write_text(REQUEST.format(name=hosts[0][:MAX_NAME_CHARS], names=names), "utf-8")
    command = [
        *(openssl, "req", "-x509", "-new", "-sha256", "-nodes", "-days", str(DAYS), "-config", str(request)),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", str(key), "-out", str(cert)),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CertRefused(f"openssl made no certificate: {error}") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise CertRefused(f"openssl made no certificate: {said[-1]}")
    return cert.read_bytes(), key.read_bytes()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
