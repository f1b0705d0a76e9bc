"""Model files from the Hugging Face hub: `hf:OWNER/REPO/FILE.gguf[@REVISION]`.

huggingface_hub does the talking (HF_ENDPOINT, HF_HOME with its token and cache, HF_HUB_OFFLINE, proxies, retries). Its
hf_hub_download is not used: since 1.x it downloads to a name of its own and deletes what it has when it is
interrupted, so it cannot resume; its http_get can. Plain HTTP also for repositories in Xet storage, for the same
reason. No telemetry: only our own user agent is sent.
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from huggingface_hub import errors, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # public, but exported lazily

from bdchat import __version__
from bdchat.engine.gguf.parts import MAX_PARTS, PART_NAME
from bdchat.engine.models.downloads import (
    Fetched,
    ProgressMeter,
    PullFailed,
    PullFault,
    disk_fault,
    link_or_copy,
    require_room,
)
from bdchat.private_files import opener

SPEC = re.compile(
    r"hf:(?P<repo>[\w.-]+/[\w.-]+)/(?P<file>[^\x00-\x1f@]+\.gguf)(?:@(?P<revision>[\w./-]+))?", re.IGNORECASE
)
SHA256 = re.compile(r"[0-9a-f]{64}")

# The bases hold the HTTP library's own error, whichever library this release of huggingface_hub stands on.
HUB_ERRORS: tuple[type[Exception], ...] = (OSError, ValueError, *errors.HfHubHTTPError.__bases__)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    sha256: str | None
    size: int
    commit: str


class HubSource:
    def __init__(self, spec: str, *, endpoint: str | None = None) -> None:
        """endpoint: None = huggingface_hub's own choice (HF_ENDPOINT, else the public hub)."""
        match = SPEC.fullmatch(spec)
        if match is None or ".." in match["file"].split("/"):
            raise PullFailed(spec, "write hf:OWNER/REPO/FILE.gguf, with @REVISION after it if you want a certain one")
        self._spec = spec
        self._repo, self._file, self._revision = match["repo"], match["file"], match["revision"] or "main"
        self._endpoint = endpoint
        self._remote: RemoteFile | None = None  # asked once

    @property
    def filename(self) -> str:
        return PurePosixPath(self._file).name

    def parts(self) -> tuple["HubSource", ...]:
        """Whichever part is named, all are meant: one of them alone is no model."""
        part = PART_NAME.fullmatch(self.filename)
        count = int(part["count"]) if part else 1
        if part is None or count == 1:
            return (self,)
        if not 1 < count <= MAX_PARTS:
            raise PullFailed(self._spec, f"has {count} parts, at most {MAX_PARTS} are allowed")
        start, end = part.span("number")
        before = self._file[: len(self._file) - len(self.filename)] + self.filename[:start]
        files = (f"{before}{number:05}{self.filename[end:]}" for number in range(1, count + 1))
        specs = (f"hf:{self._repo}/{file}@{self._revision}" for file in files)
        return tuple(HubSource(spec, endpoint=self._endpoint) for spec in specs)

    def promised_sha256(self) -> str | None:
        return self._describe().sha256

    def fetch(self, folder: Path, meter: ProgressMeter) -> Fetched:
        remote = self._describe()
        partial = folder / f"{remote.sha256 or remote.commit}.part"
        try:
            if not self._from_cache(remote, partial, meter):
                self._download(remote, partial, meter)
        except HUB_ERRORS as error:
            has_come = partial.is_file() and partial.stat().st_size > 0
            raise self._failed(error, has_come=has_come) from error
        return Fetched(partial, remote.sha256, remote.commit)

    def _describe(self) -> RemoteFile:
        if self._remote is None:
            url = hf_hub_url(self._repo, self._file, revision=self._revision, endpoint=self._endpoint)
            try:
                metadata = get_hf_file_metadata(url, headers=hub_headers(), endpoint=self._endpoint)
            except HUB_ERRORS as error:
                raise self._failed(error) from error
            if metadata.commit_hash is None or metadata.size is None:
                raise PullFailed(self._spec, f"{url.split('/resolve/')[0]} does not answer like a Hugging Face hub")
            etag = metadata.etag or ""
            sha256 = etag if SHA256.fullmatch(etag) else None
            self._remote = RemoteFile(sha256, metadata.size, metadata.commit_hash)
        return self._remote

    def _from_cache(self, remote: RemoteFile, partial: Path, meter: ProgressMeter) -> bool:
        """What another program already fetched into HF_HOME is linked, not fetched again."""
        cached = try_to_load_from_cache(self._repo, self._file, revision=remote.commit)
        if not isinstance(cached, str):
            return False
        link_or_copy(Path(cached).resolve(), partial, meter)
        return True

    def _download(self, remote: RemoteFile, partial: Path, meter: ProgressMeter) -> None:

        # The partial's name is the content's checksum, so what is there belongs to this very file.
        done = partial.stat().st_size if partial.is_file() else 0
        if done > remote.size:
            partial.unlink()
            done = 0
        meter.start("download", done=done, total=remote.size)
        if done == remote.size:  # a part that had come whole when another was interrupted
            return
        require_room(self._spec, partial.parent, remote.size - done)
        # By commit, not by branch; the hub redirects to its storage and the token does not follow to another host.
        url = hf_hub_url(self._repo, self._file, revision=remote.commit, endpoint=self._endpoint)
        with open(partial, "ab", opener=opener) as file:
            http_get(
                url,
                file,
                resume_size=done,
                headers=hub_headers(),
                expected_size=remote.size,
                displayed_filename=self.filename,
                tqdm_class=_bar_class(meter, done),
            )

    def _failed(self, error: Exception, *, has_come: bool = False) -> PullFailed:
        """One line for the person who asked. `has_come`: some of the file is here, and is kept."""
        where = f"{self._repo}@{self._revision}"
        sentences: tuple[tuple[type[Exception], PullFault, str], ...] = (
            (errors.OfflineModeIsEnabled, "offline_mode", "HF_HUB_OFFLINE is set and the file is not here"),
            (
                errors.GatedRepoError,
                "refused",
                f"{self._repo} asks for an agreement: accept it on its page, then set HF_TOKEN",
            ),
            (errors.RevisionNotFoundError, "not_found", f"{self._repo} has no revision {self._revision}"),
            (errors.RemoteEntryNotFoundError, "not_found", f"{where} has no file {self._file}"),
            (
                errors.RepositoryNotFoundError,
                "not_found",
                f"there is no {self._repo}, or it is private and HF_TOKEN does not open it",
            ),
        )
        for kind, fault, sentence in sentences:
            if isinstance(error, kind):
                return PullFailed(self._spec, sentence, fault)
        if isinstance(error, errors.HfHubHTTPError):
            status = error.response.status_code
            if status in {401, 403}:
                return PullFailed(self._spec, "the hub refused access; set HF_TOKEN", "refused")
            return PullFailed(self._spec, f"the hub answered with status {status}", "source_trouble")
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        if (of_disk := disk_fault(error)) is not None:
            return PullFailed(self._spec, line[:200], of_disk)
        if has_come:
            sentence = f"the download stopped ({line[:200]}); pull again to go on where it stopped"
            return PullFailed(self._spec, sentence, "interrupted")
        return PullFailed(self._spec, f"the hub cannot be reached ({line[:200]})", "offline")


def hub_headers() -> dict[str, str]:
    # identity: offsets of a resumed download must be offsets of the file
    return build_hf_headers() | {"user-agent": f"bdchat/{__version__}", "Accept-Encoding": "identity"}


def _bar_class(meter: ProgressMeter, done: int) -> Any:
    """What http_get takes for a tqdm class. Any: it duck-types, tqdm's own type is far wider."""

    class Bar:
        def __init__(self, *, total: int | None = None, initial: int = 0, **ignored: object) -> None:
            self._done = done

        def __enter__(self) -> Self:
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            pass

        def update(self, num_bytes: int) -> None:
            self._done += num_bytes
            meter.reach(self._done)

    return Bar
