"""`bdchat cert`: who the certificate is for, who can read its key, and that a server and its clients can use it."""

import shutil
import ssl
import stat
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bdchat.cert_console import CertRefused, make
from bdchat.cli import app
from bdchat.settings import ServerSettings, Settings

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")


def settings(folder: Path, **server: object) -> Settings:
    return Settings(data_dir=folder, server=ServerSettings(**server))  # type: ignore[arg-type]


def names_in(cert: Path) -> set[str]:
    command = ["openssl", "x509", "-in", str(cert), "-noout", "-ext", "subjectAltName"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[1]
    return {name.partition(":")[2] for name in said.strip().split(", ")}


def test_it_names_this_machine_and_what_it_is_called_by(tmp_path: Path) -> None:
    said = make(settings(tmp_path, host="0.0.0.0", allowed_hosts=("chat.home",)), ["10.1.2.3"], replaces=False)
    cert, key = tmp_path / "tls" / "cert.pem", tmp_path / "tls" / "key.pem"
    names = names_in(cert)
    assert {"chat.home", "localhost", "127.0.0.1", "10.1.2.3"} <= names
    assert "0.0.0.0" not in names
    assert [stat.S_IMODE(path.stat().st_mode) for path in (cert, key, cert.parent)] == [0o600, 0o600, 0o700]
    assert f"--set server.tls_cert={cert} --set server.tls_key={key}" in said
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)
    assert sorted(path.name for path in cert.parent.iterdir()) == ["cert.pem", "key.pem"]


def test_a_pair_that_is_there_is_kept_unless_told(tmp_path: Path) -> None:
    make(settings(tmp_path), [], replaces=False)
    key = tmp_path / "tls" / "key.pem"
    former = key.read_bytes()
    key.chmod(0o644)
    with pytest.raises(CertRefused, match="--force"):
        make(settings(tmp_path), [], replaces=False)
    assert key.read_bytes() == former
    make(settings(tmp_path), [], replaces=True)
    assert key.read_bytes() != former
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["a b", "x\nCN = y", "evil,DNS:example.com", ""])
def test_what_is_no_name_is_one_line(tmp_path: Path, name: str) -> None:
    result = CliRunner().invoke(app, ["cert", name, "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "is not a host name" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "tls").exists()


def test_without_openssl_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CertRefused, match="openssl"):
        make(settings(tmp_path), [], replaces=False)


def test_a_name_longer_than_a_common_name_may_be_is_whole_among_the_alternatives(tmp_path: Path) -> None:
    name = f"{'a' * 60}.{'b' * 30}.example"
    make(settings(tmp_path), [name], replaces=False)
    assert name in names_in(tmp_path / "tls" / "cert.pem")
