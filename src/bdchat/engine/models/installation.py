"""Puts what a source fetches into the models folder: the file that was promised, a model, whole, one pull at a time.

Runs on the caller's thread. Of a split model no part is put in place before all have come and are one model.
"""

import os
import re
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from bdchat.engine.gguf.header import GGUFError, read_header
from bdchat.engine.models.downloads import Fetched, ProgressMeter, PullFailed, Source, only_one, sha256_of
from bdchat.engine.models.records import Records
from bdchat.private_files import make_folder

# What a file of ours may be called, so that the models folder lists it: no folder, no leading dot, no control
# characters, and text: a name that is not UTF-8 could be told to nobody.
FILENAME = re.compile(r"(?!\.)[^/\x00-\x1f\x7f\ud800-\udfff]{1,240}\.gguf", re.IGNORECASE)


class Installation:
    """Of one pull. `recorded_source`: what the record names; the catalogue's source where the spec is its name."""

    def __init__(self, models_dir: Path, records: Records, spec: str, *, recorded_source: str) -> None:
        self._models_dir = models_dir
        self._records = records
        self._spec = spec
        self._recorded_source = recorded_source

    def run(self, parts: Sequence[Source], wanted: str | None, meter: ProgressMeter) -> Path:
        """The file in place, of a split model the first. `wanted`: the sha256 that someone other than the source
        demands, of a model in one file. Raises PullFailed, OSError."""
        targets = [self._models_dir / self._checked_filename(part.filename) for part in parts]
        if len(parts) > 1 and wanted is not None:
            raise PullFailed(
                self._spec, f"is a model in {len(parts)} files; one checksum cannot be that of all of them"
            )
        is_read_only = self._models_dir.exists() and not self._can_write()  # others fill it, this user reads
        if is_read_only and self._are_here(parts, targets, wanted, meter):
            return targets[0]
        partial_dir = self._models_dir / ".partial"
        make_folder(partial_dir)
        with only_one(partial_dir / f"{targets[0].name}.lock", meter):
            if not self._are_here(parts, targets, wanted, meter):
                self._require_same(wanted, parts[0])
                fetched = [self._fetch(part, wanted, partial_dir, meter) for part in parts]
                self._require_model(fetched, targets, partial_dir)
                for each, target in reversed(list(zip(fetched, targets, strict=True))):  # the first part comes last
                    self._put(each, target, meter)
        return targets[0]

    def _checked_filename(self, filename: str) -> str:
        if FILENAME.fullmatch(filename) is None:
            rule = "it must end in .gguf (in any case), not begin with a dot, and be one readable line"
            raise PullFailed(self._spec, f"{filename!r} cannot be a model's file name: {rule}")
        return filename

    def _can_write(self) -> bool:
        return os.access(self._models_dir, os.W_OK)

    def _are_here(
        self, parts: Sequence[Source], targets: Sequence[Path], wanted: str | None, meter: ProgressMeter
    ) -> bool:
        promised = [wanted or part.promised_sha256() for part in parts]
        are_here = [self._is_here(*each, meter) for each in zip(targets, promised, strict=True)]  # each may refuse
        return all(are_here)

    def _is_here(self, target: Path, wanted: str | None, meter: ProgressMeter) -> bool:
        """True: the very file is in place already. Raises PullFailed when another one has its name."""
        if wanted is None or not target.exists():
            return False
        record = self._records.of(target)
        is_verified = record is not None and self._records.checksum(target) == "verified"
        digest = record.sha256 if record is not None and is_verified else sha256_of(target, meter)
        if digest != wanted:
            raise PullFailed(
                self._spec, f"another file is already at {target}; remove it or move it away first", "name_taken"
            )
        if not is_verified and self._can_write():
            self._records.write(target, source=self._recorded_source, sha256=digest, revision=None)
        return True

    def _require_same(self, wanted: str | None, source: Source) -> None:
        """Before gigabytes are fetched for nothing."""
        promised = source.promised_sha256() if wanted is not None else None
        if promised is not None and wanted != promised:
            raise PullFailed(
                self._spec, f"its source offers another file: sha256 {promised}, expected {wanted}", "wrong_checksum"
            )

    def _fetch(self, source: Source, wanted: str | None, partial_dir: Path, meter: ProgressMeter) -> Fetched:
        """With the file's checksum, when it is what everyone says it should be; else the file is removed."""
        fetched = source.fetch(partial_dir, meter)
        promised = {value for value in (wanted, fetched.sha256) if value is not None}
        if not promised:
            fetched.path.unlink()
            raise PullFailed(
                self._spec,
                "its source names no checksum; give one, or fetch the file yourself and pull its path",
                "no_checksum",
            )
        digest = sha256_of(fetched.path, meter)
        if promised != {digest}:
            fetched.path.unlink()
            wrong = f"has sha256 {digest}, expected {' and '.join(sorted(promised))}"
            raise PullFailed(self._spec, f"the checksum is wrong: the file {wrong}; it was removed", "wrong_checksum")
        return Fetched(fetched.path, digest, fetched.revision)

    def _require_model(self, fetched: Sequence[Fetched], targets: Sequence[Path], partial_dir: Path) -> None:
        """Parts are looked at under the names that they will have: that is how they are found. Else all are removed."""
        view = partial_dir / f"{targets[0].name}.parts"
        shutil.rmtree(view, ignore_errors=True)  # what a killed pull left
        first = fetched[0].path
        if len(fetched) > 1:
            make_folder(view)
            for each, target in zip(fetched, targets, strict=True):
                (view / target.name).symlink_to(each.path.resolve())
            first = view / targets[0].name
        try:
            read_header(first)
        except GGUFError as error:
            for each in fetched:
                each.path.unlink(missing_ok=True)
            raise PullFailed(self._spec, f"the file is intact but {error.reason}", "not_a_model") from error
        finally:
            shutil.rmtree(view, ignore_errors=True)

    def _put(self, fetched: Fetched, target: Path, meter: ProgressMeter) -> None:
        assert fetched.sha256 is not None
        if self._is_here(target, fetched.sha256, meter):
            fetched.path.unlink()
            return
        with fetched.path.open("rb") as file:
            os.fsync(file.fileno())  # a name must not survive a power cut that its bytes did not
        os.replace(fetched.path, target)
        self._share(target)
        self._records.write(target, source=self._recorded_source, sha256=fetched.sha256, revision=fetched.revision)

    def _share(self, target: Path) -> None:
        """In a folder that others of this machine may read, a model is theirs to read too. A file that has another name
        elsewhere keeps the mode that its owner gave it."""
        readers = self._models_dir.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)
        found = target.stat()
        if readers and found.st_nlink == 1:
            target.chmod(stat.S_IMODE(found.st_mode) | readers)
