"""Laws of pulling: what is installed is what was promised; what was fetched is not fetched again."""

import errno
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest

from bdchat.engine.errors import ModelNotFound
from bdchat.engine.models.downloads import ProgressMeter, PullFailed, PullProgress, disk_fault, require_room
from tests.engine.loopback_hub import COMMIT, Hub, running_hub
from tests.engine.pulling import SMALL, catalog_at, entry_for, ignore, installed_files, partial_files, sha256
from tests.gguf_files import GGUFFile, model_of, write_split
from tests.patience import PATIENCE_S

MIB = 1 << 20
SPEC = "hf:owner/tiny-GGUF/sub/tiny.gguf"
BIG = model_of(25 * MIB)  # huggingface_hub writes in steps of 10 MiB


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub({"owner/tiny-GGUF/sub/tiny.gguf": SMALL}) as hub:
        yield hub
        huggingface_hub.close_session()


class Interrupting:
    """A progress callback that is Ctrl-C once so much has arrived."""

    def __init__(self, at: int) -> None:
        self._at = at

    def __call__(self, progress: PullProgress) -> None:
        if progress.phase == "download" and progress.num_bytes_done >= self._at:
            raise KeyboardInterrupt


def test_a_file_of_the_hub_is_installed_and_verified(tmp_path: Path, hub: Hub) -> None:
    seen: list[PullProgress] = []
    model = catalog_at(tmp_path, hub).pull(SPEC, seen.append)
    assert (model.name, model.checksum, model.problem) == ("tiny", "verified", None)
    assert model.path.read_bytes() == SMALL
    assert model.path == tmp_path / "models" / "tiny.gguf"
    assert partial_files(tmp_path) == []
    finished = {progress.phase: progress for progress in seen}
    assert finished["download"].num_bytes_done == finished["download"].num_bytes_total == len(SMALL)
    assert finished["verify"].num_bytes_done == len(SMALL)
    record = json.loads((tmp_path / "models/.records/tiny.gguf.json").read_bytes())
    assert (record["sha256"], record["revision"], record["source"]) == (sha256(SMALL), COMMIT, SPEC)


def test_the_hub_learns_no_more_than_our_name(tmp_path: Path, hub: Hub) -> None:
    catalog_at(tmp_path, hub).pull(SPEC, ignore)
    assert all(request.user_agent.startswith("bdchat/") for request in hub.seen)
    assert all(";" not in request.user_agent for request in hub.seen)


def test_a_second_pull_sends_nothing_again(tmp_path: Path, hub: Hub) -> None:
    catalog = catalog_at(tmp_path, hub)
    catalog.pull(SPEC, ignore)
    sent = hub.num_bytes_sent
    catalog.pull(SPEC, ignore)
    assert hub.num_bytes_sent == sent


def test_a_catalog_model_that_is_here_needs_no_network(tmp_path: Path, hub: Hub) -> None:
    catalog = catalog_at(tmp_path, hub, entry_for(SPEC, "tiny.gguf", sha256(SMALL)))
    catalog.pull("tiny", ignore)
    requests = len(hub.seen)
    assert catalog.pull("tiny", ignore).checksum == "verified"
    assert len(hub.seen) == requests


def test_ctrl_c_leaves_a_partial_that_the_next_pull_continues(tmp_path: Path, hub: Hub) -> None:
    hub.files["owner/tiny-GGUF/sub/tiny.gguf"] = BIG
    catalog = catalog_at(tmp_path, hub)
    with pytest.raises(KeyboardInterrupt):
        catalog.pull(SPEC, Interrupting(15 * MIB))
    assert installed_files(tmp_path) == []
    (kept_path,) = (tmp_path / "models" / ".partial").glob("*.part")
    kept = kept_path.stat().st_size
    assert kept == 10 * MIB
    seen: list[PullProgress] = []
    assert catalog.pull(SPEC, seen.append).path.read_bytes() == BIG
    assert hub.ranges() == [None, f"bytes={kept}-"]
    assert next(progress for progress in seen if progress.phase == "download").num_bytes_done == kept


@pytest.mark.slow  # huggingface_hub waits a second before it tries again
def test_a_cut_connection_is_resumed_without_resending(tmp_path: Path, hub: Hub) -> None:
    hub.files["owner/tiny-GGUF/sub/tiny.gguf"] = BIG
    hub.cut_after = 15 * MIB
    model = catalog_at(tmp_path, hub).pull(SPEC, ignore)
    assert model.path.read_bytes() == BIG
    assert hub.ranges() == [None, f"bytes={10 * MIB}-"]
    assert hub.num_bytes_sent == 15 * MIB + len(BIG) - 10 * MIB


@pytest.mark.slow  # likewise
def test_a_hub_that_dies_half_way_leaves_a_partial(tmp_path: Path, hub: Hub) -> None:
    """The connection breaks and the next attempt meets a 500; the pull after that goes on from the partial."""
    hub.files["owner/tiny-GGUF/sub/tiny.gguf"] = BIG
    catalog = catalog_at(tmp_path, hub)
    hub.cut_after, hub.status_after_cut = 15 * MIB, 500
    with pytest.raises(PullFailed, match="500"):
        catalog.pull(SPEC, ignore)
    assert installed_files(tmp_path) == []
    hub.status_of_get = 200
    assert catalog.pull(SPEC, ignore).path.read_bytes() == BIG
    assert hub.ranges()[-1] == f"bytes={10 * MIB}-"


def test_a_wrong_checksum_is_refused_and_removed(tmp_path: Path, hub: Hub) -> None:
    hub.etag = "0" * 64
    with pytest.raises(PullFailed, match="checksum is wrong") as caught:
        catalog_at(tmp_path, hub).pull(SPEC, ignore)
    assert caught.value.fault == "wrong_checksum"
    assert installed_files(tmp_path) == []
    assert partial_files(tmp_path) == []


def test_another_file_than_the_catalog_names_is_not_even_fetched(tmp_path: Path, hub: Hub) -> None:
    catalog = catalog_at(tmp_path, hub, entry_for(SPEC, "tiny.gguf", "1" * 64))
    with pytest.raises(PullFailed, match="offers another file"):
        catalog.pull("tiny", ignore)
    assert hub.num_bytes_sent == 0


def test_a_file_without_any_checksum_is_refused(tmp_path: Path, hub: Hub) -> None:
    hub.etag = "a-git-blob"
    with pytest.raises(PullFailed, match="names no checksum") as caught:
        catalog_at(tmp_path, hub).pull(SPEC, ignore)
    assert caught.value.fault == "no_checksum"
    assert partial_files(tmp_path) == []
    catalog_at(tmp_path, hub).pull(SPEC, ignore, sha256=sha256(SMALL))
    assert installed_files(tmp_path) == ["tiny.gguf"]


def test_an_intact_file_that_is_no_model_is_refused(tmp_path: Path, hub: Hub) -> None:
    hub.files["owner/tiny-GGUF/sub/tiny.gguf"] = b"<html>" * 1000
    with pytest.raises(PullFailed, match="not a GGUF") as caught:
        catalog_at(tmp_path, hub).pull(SPEC, ignore)
    assert caught.value.fault == "not_a_model"
    assert installed_files(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "code", "expected", "fault"),
    [
        (200, "", "has no file other.gguf", "not_found"),
        (401, "RepoNotFound", "there is no owner/tiny-GGUF, or it is private", "not_found"),
        (403, "GatedRepo", "accept it on its page", "refused"),
        (401, "", "HF_TOKEN", "refused"),
        (404, "RevisionNotFound", "no revision main", "not_found"),
        (500, "", "status 500", "source_trouble"),
    ],
)
def test_a_refusal_is_one_clear_line(
    tmp_path: Path, hub: Hub, status: int, code: str, expected: str, fault: str
) -> None:
    hub.status_of_head, hub.error_code = status, code
    with pytest.raises(PullFailed, match=expected) as caught:
        catalog_at(tmp_path, hub).pull("hf:owner/tiny-GGUF/other.gguf", ignore)
    assert "\n" not in str(caught.value)
    assert caught.value.fault == fault


def test_no_hub_at_all_is_one_clear_line(tmp_path: Path, hub: Hub) -> None:
    hub.url = "http://127.0.0.1:9"  # the discard port: nothing listens
    with pytest.raises(PullFailed, match="cannot be reached") as caught:
        catalog_at(tmp_path, hub).pull(SPEC, ignore)
    assert "\n" not in str(caught.value)
    assert caught.value.fault == "offline"  # nothing has come that could be gone on with


def test_a_full_or_closed_disk_is_told_wherever_it_shows(tmp_path: Path, hub: Hub) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    wrapped = RuntimeError("the download broke")
    wrapped.__cause__ = full
    assert (disk_fault(full), disk_fault(wrapped), disk_fault(OSError(errno.EROFS, ""))) == (
        "no_room",
        "no_room",
        "no_write",
    )
    assert disk_fault(ConnectionResetError(errno.ECONNRESET, "")) is None
    (tmp_path / "models").write_text("no folder")
    with pytest.raises(PullFailed) as caught:
        catalog_at(tmp_path, hub).pull(SPEC, ignore)
    assert caught.value.fault == "other"


@pytest.mark.parametrize(
    "spec",
    [
        "hf:owner/tiny.gguf",
        "hf:o/r/../x.gguf",
        "hf:o/r/model.bin",
        "pypi:x",
        "pypi:--index-url==1",
        "hf:o/r/a-00001-of-00002.gguf",
    ],
)
def test_a_bad_spec_is_refused(tmp_path: Path, spec: str) -> None:
    with pytest.raises(PullFailed):
        catalog_at(tmp_path).pull(spec, ignore)


def test_an_unknown_name_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound) as caught:
        catalog_at(tmp_path, None, entry_for(SPEC, "tiny.gguf", None)).pull("tinny", ignore)
    assert "The nearest names: tiny." in str(caught.value)


PULL_SCRIPT = """
import sys
from pathlib import Path
from bdchat.engine.models.catalog import Catalog
model = Catalog({}, Path(sys.argv[1])).pull(sys.argv[2], lambda progress: None)
print(model.path, model.checksum)
"""


def run_pull(tmp_path: Path, spec: str, **environment: str) -> subprocess.CompletedProcess[str]:
    source = Path(__file__).parents[3] / "src"
    env = os.environ | {"PYTHONPATH": str(source)} | environment
    command = [sys.executable, "-c", PULL_SCRIPT, str(tmp_path / "models"), spec]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def test_hf_endpoint_and_hf_home_are_honoured(tmp_path: Path, hub: Hub) -> None:
    """The token lies in HF_HOME; it goes to the hub and not to the storage that the hub redirects to."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "token").write_text("hf_secret")
    done = run_pull(tmp_path, SPEC, HF_ENDPOINT=hub.url, HF_HOME=str(home), HF_TOKEN="")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "models/tiny.gguf").read_bytes() == SMALL
    to_hub = [request for request in hub.seen if "/resolve/" in request.path]
    assert {request.authorization for request in to_hub} == {"Bearer hf_secret"}
    assert [request.authorization for request in hub.seen if request.path.startswith("/storage")] == [None]


def test_what_lies_in_the_hub_cache_is_linked_not_fetched(tmp_path: Path, hub: Hub) -> None:
    home = tmp_path / "home"
    repo = home / "hub" / "models--owner--tiny-GGUF"
    (repo / "blobs").mkdir(parents=True)
    blob = repo / "blobs" / sha256(SMALL)
    blob.write_bytes(SMALL)
    snapshot = repo / "snapshots" / COMMIT / "sub"
    snapshot.mkdir(parents=True)
    (snapshot / "tiny.gguf").symlink_to(blob)
    done = run_pull(tmp_path, SPEC, HF_ENDPOINT=hub.url, HF_HOME=str(home))
    assert done.returncode == 0, done.stderr
    assert hub.num_bytes_sent == 0
    assert (tmp_path / "models/tiny.gguf").stat().st_ino == blob.stat().st_ino


def test_a_pull_waits_for_another_of_the_same_file(tmp_path: Path, hub: Hub) -> None:
    catalog = catalog_at(tmp_path, hub)
    partials = tmp_path / "models" / ".partial"
    partials.mkdir(parents=True)
    seen: list[str] = []
    with (partials / "tiny.gguf.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def release(progress: PullProgress) -> None:
            seen.append(progress.phase)
            if progress.phase == "wait":
                assert hub.seen == []
                fcntl.flock(lock, fcntl.LOCK_UN)

        catalog.pull(SPEC, release)
    assert seen[0] == "wait"
    assert installed_files(tmp_path) == ["tiny.gguf"]


def test_another_file_of_the_same_name_is_never_overwritten(tmp_path: Path, hub: Hub) -> None:
    mine = model_of(8192, seed=5)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/tiny.gguf").write_bytes(mine)
    with pytest.raises(PullFailed, match="another file is already at") as caught:
        catalog_at(tmp_path, hub).pull(SPEC, ignore)
    assert caught.value.fault == "name_taken"
    assert (tmp_path / "models/tiny.gguf").read_bytes() == mine
    assert hub.num_bytes_sent == 0


def test_a_full_disk_is_noticed_before_the_download(tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="not enough room") as caught:
        require_room("tiny", tmp_path, 1 << 60)
    assert caught.value.fault == "no_room"


def test_progress_says_done_total_and_speed() -> None:
    now = [0.0]
    seen: list[PullProgress] = []
    meter = ProgressMeter(seen.append, clock=lambda: now[0])
    meter.start("download", done=100, total=300)
    now[0] = 0.05
    meter.add(50)
    now[0] = 1.0
    meter.add(50)
    meter.add(100)
    assert [progress.num_bytes_done for progress in seen] == [100, 200, 300]
    assert seen[-1] == PullProgress("download", 300, 300, 200.0)


# ---- a local path ----


def test_a_local_file_is_linked_and_takes_its_room_once(tmp_path: Path) -> None:
    mine = GGUFFile().write(tmp_path / "mine.gguf")
    model = catalog_at(tmp_path).pull(str(mine), ignore)
    assert model.path == tmp_path / "models" / "mine.gguf"
    assert model.path.stat().st_ino == mine.stat().st_ino
    assert model.checksum == "verified"
    assert catalog_at(tmp_path).pull(str(mine), ignore).path == model.path
    assert partial_files(tmp_path) == []


@pytest.mark.parametrize("name", ["TINY.GGUF", "모델 (1).gguf", "[x], v=1.gguf"])
def test_a_file_of_any_name_that_the_folder_lists_can_be_pulled(tmp_path: Path, name: str) -> None:
    mine = GGUFFile().write(tmp_path / name)
    model = catalog_at(tmp_path).pull(str(mine), ignore)
    assert (model.path.name, model.name, model.checksum) == (name, name[:-5], "verified")


@pytest.mark.parametrize("name", ["model.bin", ".hidden.gguf", "two\nlines.gguf"])
def test_a_name_that_the_folder_would_not_list_is_refused_with_the_rule(tmp_path: Path, name: str) -> None:
    with pytest.raises(PullFailed, match=r"must end in \.gguf \(in any case\), not begin with a dot"):
        catalog_at(tmp_path).pull(str(GGUFFile().write(tmp_path / name)), ignore)


@pytest.mark.parametrize("named", [0, 1])
def test_of_a_split_model_all_parts_are_pulled_whichever_is_named(tmp_path: Path, hub: Hub, named: int) -> None:
    parts = write_split(tmp_path / "mine", pattern="BIG-{:05}-of-{:05}.GGUF")
    hub.files = {f"owner/big/Q4/{part.name}": part.read_bytes() for part in parts}
    catalog = catalog_at(tmp_path, hub)
    model = catalog.pull(f"hf:owner/big/Q4/{parts[named].name}", ignore)
    assert (model.name, model.checksum, model.problem) == ("BIG-00001-of-00002", "verified", None)
    assert model.header is not None
    assert [part.read_bytes() for part in model.header.files] == list(hub.files.values())
    assert partial_files(tmp_path) == []
    sent = hub.num_bytes_sent
    catalog.pull(f"hf:owner/big/Q4/{parts[0].name}", ignore)
    assert hub.num_bytes_sent == sent


def test_of_a_split_model_nothing_is_in_place_before_all_is_there(tmp_path: Path, hub: Hub) -> None:
    parts = write_split(tmp_path / "mine")
    hub.files = {f"owner/big/{parts[0].name}": parts[0].read_bytes()}
    catalog = catalog_at(tmp_path, hub)
    with pytest.raises(PullFailed, match="no file big-00002-of-00002"):
        catalog.pull(f"hf:owner/big/{parts[0].name}", ignore)
    assert (tmp_path / "models").exists()
    assert [path for path in (tmp_path / "models").iterdir() if not path.name.startswith(".")] == []
    hub.files[f"owner/big/{parts[1].name}"] = parts[0].read_bytes()  # whole, and not the second part
    with pytest.raises(PullFailed, match="intact but"):
        catalog.pull(f"hf:owner/big/{parts[0].name}", ignore)
    assert partial_files(tmp_path) == []


def test_a_split_model_on_this_machine_is_pulled_by_its_first_part(tmp_path: Path) -> None:
    parts = write_split(tmp_path / "mine")
    model = catalog_at(tmp_path).pull(str(parts[0]), ignore)
    assert installed_files(tmp_path) == [part.name for part in parts]
    assert (model.problem, model.checksum) == (None, "verified")
    with pytest.raises(PullFailed, match="one checksum"):
        catalog_at(tmp_path).pull(str(parts[0]), ignore, sha256="0" * 64)


def test_a_local_file_that_is_broken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF")
    os.mkfifo(tmp_path / "fifo.gguf")
    for name, expected in {"bad": "not a GGUF", "fifo": "regular", "absent": "No such file"}.items():
        with pytest.raises(PullFailed, match=expected):
            catalog_at(tmp_path).pull(str(tmp_path / f"{name}.gguf"), ignore)
    assert installed_files(tmp_path) == []
