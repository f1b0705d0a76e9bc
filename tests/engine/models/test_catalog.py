"""Laws of the catalog: names are looked up, broken files are listed, nothing here needs a network."""

import fcntl
import os
import re
from pathlib import Path

import pytest

from bdchat.engine.errors import InvalidRequest, ModelLoadFailed, ModelNotFound
from bdchat.engine.host import free_memory_bytes
from bdchat.engine.models.catalog import Catalog
from bdchat.engine.models.downloads import PullProgress
from bdchat.engine.models.installation import FILENAME
from bdchat.engine.models.rows import TABLE_CONTEXT, model_rows
from bdchat.engine.models.speed import MeasuredStep, Speeds
from bdchat.settings import Settings
from tests import gguf_files as files
from tests.conftest import DEFAULT_MODEL_FILE
from tests.gguf_files import GGUFFile, write_split

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog.load(tmp_path)


def put(catalog: Catalog, name: str, file: GGUFFile | None = None) -> Path:
    return (file or GGUFFile()).write(catalog.models_dir / name)


def test_the_default_of_the_settings_is_in_the_catalog(catalog: Catalog) -> None:
    entry = catalog.entries[Settings().models.default]
    assert entry.filename == DEFAULT_MODEL_FILE
    assert entry.source.startswith("pypi:")


def test_every_entry_is_complete_and_pinned(catalog: Catalog) -> None:
    for name, entry in catalog.entries.items():
        assert entry.name == name
        assert FILENAME.fullmatch(entry.filename)
        assert entry.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
        assert re.search(r"@[0-9a-f]{40}$|^pypi:.+==[\d.]+$", entry.source), f"{name} is not pinned"
        assert entry.source.startswith("pypi:") or f"/{entry.file}@" in entry.source
        assert entry.bytes > 0
        assert entry.context > 0
        assert entry.licence
        assert entry.description
        assert entry.languages == ("multilingual",) or all(re.fullmatch("[a-z]{2}", code) for code in entry.languages)


def test_the_catalog_offers_what_the_project_promises(catalog: Catalog) -> None:
    entries = catalog.entries.values()
    assert "mistral-7b-instruct-v0.3" in catalog.entries
    assert len(entries) >= 12
    assert {entry.good_for for entry in entries} == {"talk", "code", "reasoning", "vision", "search"}
    assert all((entry.good_for == "search") == (entry.kind == "embedding") for entry in entries)
    assert any(entry.kind == "embedding" for entry in entries)
    assert any("ko" in entry.languages and entry.bytes < 2e9 for entry in entries)


def test_the_readme_lists_every_model(catalog: Catalog) -> None:
    readme = (REPOSITORY / "models" / "README.md").read_text("utf-8")
    for entry in catalog.entries.values():
        (line,) = [line for line in readme.splitlines() if line.startswith(f"| `{entry.name}`")]
        assert entry.licence in line
        assert entry.quantization in line
        assert f"{entry.context:,}" in line


def test_an_empty_or_absent_folder_has_no_models(catalog: Catalog) -> None:
    assert catalog.installed() == ()
    with pytest.raises(ModelNotFound) as caught:
        catalog.resolve("smollm2-135m-instruct")
    assert caught.value.available == ()


def test_models_answer_to_catalog_name_stem_file_and_path(catalog: Catalog) -> None:
    path = put(catalog, DEFAULT_MODEL_FILE)
    for name in ("smollm2-135m-instruct", path.stem, path.name, str(path)):
        model = catalog.resolve(name)
        assert (model.name, model.path) == ("smollm2-135m-instruct", path)
        assert name in (*model.names, str(path))


def test_a_file_outside_the_catalog_is_named_by_its_stem(catalog: Catalog, tmp_path: Path) -> None:
    put(catalog, "mine.Q4.gguf")
    assert catalog.resolve("mine.Q4").name == "mine.Q4"
    elsewhere = GGUFFile().write(tmp_path / "elsewhere" / "other.gguf")
    model = catalog.resolve(str(elsewhere))
    assert (model.name, model.path, model.checksum) == ("other", elsewhere, "unknown")


@pytest.mark.parametrize(
    "name", ["../secret", "..", "", ".", "models/../../x", "mine\0", "/absent.gguf", "~nobody9/x.gguf"]
)
def test_a_name_is_never_joined_to_a_path(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # a path of the operator's begins where the operator is
    put(catalog, "mine.gguf")
    GGUFFile().write(tmp_path / "secret.gguf")
    with pytest.raises(ModelNotFound) as caught:
        catalog.resolve(name)
    assert caught.value.available == ("mine",)


def test_a_model_is_listed_served_and_removed_by_the_same_names(catalog: Catalog) -> None:
    path = put(catalog, "sub/TINY.GGUF")
    assert [model.name for model in catalog.installed()] == ["TINY"]
    for name in ("TINY", "TINY.GGUF", "sub/TINY", "sub/TINY.GGUF", str(path), str(path.parent)):
        assert catalog.resolve(name).path == path
    assert {row.name: row.state for row in model_rows(catalog, free_bytes=0)}["TINY"] == "installed"
    assert catalog.remove("TINY").path == path
    assert not path.exists()


def test_an_operators_path_may_be_a_link_a_folder_or_a_file_without_a_suffix(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = GGUFFile().write(tmp_path / "blobs" / "sha256-0123")
    (tmp_path / "link.GGUF").symlink_to(blob)
    monkeypatch.chdir(blob.parent)
    for name in (str(blob), str(blob.parent / "../link.GGUF"), "sha256-0123"):
        assert catalog.resolve(name).header is not None
    for name, said in ((str(tmp_path), "it holds 2: "), (str(blob.parent), "it holds none"), ("absent", "no model")):
        GGUFFile().write(tmp_path / "second.gguf")
        with pytest.raises((ModelLoadFailed, ModelNotFound), match=said):
            catalog.resolve(name)


def test_a_split_model_that_lacks_a_part_is_listed_with_the_missing_parts_name(catalog: Catalog) -> None:
    first, second = write_split(catalog.models_dir)
    first.unlink()
    (model,) = catalog.installed()
    assert model.problem == "its part big-00001-of-00002.gguf is missing"
    catalog.remove(model.name)
    assert not second.exists()


def test_what_lies_in_a_linked_folder_is_served_and_not_deleted(catalog: Catalog, tmp_path: Path) -> None:
    theirs = GGUFFile().write(tmp_path / "lmstudio" / "theirs.gguf")
    mine = put(catalog, "mine.gguf")
    (catalog.models_dir / "linked").symlink_to(theirs.parent)
    (catalog.models_dir / "link.gguf").symlink_to(theirs)
    assert catalog.resolve("theirs").name == "theirs"
    with pytest.raises(InvalidRequest, match="delete it there"):
        catalog.remove("theirs")
    catalog.remove("link")  # the link, not the file
    assert theirs.exists()
    assert [model.path for model in catalog.installed()] == [mine, catalog.models_dir / "linked" / "theirs.gguf"]


def test_a_model_that_an_operator_named_stays_known_when_nobody_serves_it(tmp_path: Path) -> None:
    """Unloading one that was given by its path took away its row, and with it the way back."""
    file = GGUFFile().write(tmp_path / "elsewhere" / "far.gguf")
    for named in (file, file.parent):
        catalog = Catalog.load(tmp_path / "data", named=str(named))
        (model,) = catalog.installed()
        assert (model.name, model.is_ours, catalog.find("far").path) == ("far", False, file)
        assert [row.is_deletable for row in model_rows(catalog, free_bytes=0) if row.name == "far"] == [False]
        with pytest.raises(InvalidRequest):
            catalog.remove("far")
    assert file.exists()
    put(catalog, "far.gguf")  # of two with one name the folder's has it
    assert [(each.name, each.is_ours) for each in catalog.installed()] == [("far", True)]
    assert Catalog.load(tmp_path / "data", named="none").installed()[0].is_ours


def test_broken_files_are_listed_with_their_reason(catalog: Catalog) -> None:
    put(catalog, "good.gguf")
    (catalog.models_dir / "bad.gguf").write_bytes(b"GGUF")
    (catalog.models_dir / "gone.gguf").symlink_to("nowhere")
    (catalog.models_dir / "folder.gguf").mkdir()
    os.mkfifo(catalog.models_dir / "pipe.gguf")
    (catalog.models_dir / "notes.txt").touch()
    problems = {model.name: model.problem for model in catalog.installed()}
    assert problems == {
        "bad": "is not a GGUF file (its first four bytes are not GGUF)",
        "folder": "is a directory, not a model file",
        "gone": "cannot be opened: No such file or directory",
        "good": None,
        "pipe": "is not a regular file",
    }
    for name in ("bad", "folder", "gone", "pipe"):
        with pytest.raises(ModelLoadFailed) as caught:
            catalog.resolve(name)
        assert (caught.value.model, caught.value.reason) == (name, problems[name])


def test_a_removed_model_is_gone_with_its_record_and_nothing_else(catalog: Catalog) -> None:
    for name in ("mine.gguf", "other.gguf", "big-00001-of-00002.gguf", "big-00002-of-00002.gguf", "big.gguf"):
        put(catalog, name)
    record = catalog.models_dir / ".records" / "mine.gguf.json"
    record.parent.mkdir()
    record.write_text("{}")
    assert catalog.remove("mine").name == "mine"
    assert not record.exists()
    catalog.remove("big-00001-of-00002")
    assert sorted(path.name for path in catalog.models_dir.glob("*.gguf")) == ["big.gguf", "other.gguf"]
    for name in ("mine", "mine.gguf", "../other", "other.gguf", "", "."):
        with pytest.raises(ModelNotFound):
            catalog.remove(name)


def test_what_unfinished_pulls_left_is_counted_and_cleared_unless_one_runs(catalog: Catalog) -> None:
    assert catalog.partial_bytes() == 0
    catalog.clear_partials()
    folder = catalog.models_dir / ".partial"
    (folder / "x.pip").mkdir(parents=True)
    (folder / "x.pip" / "wheel").write_bytes(b"123")
    (folder / "x.part").write_bytes(b"12345")
    with (folder / "x.gguf.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process pulls
        catalog.clear_partials()
        assert catalog.partial_bytes() == 8
    catalog.clear_partials()
    assert [path.name for path in folder.iterdir()] == ["x.gguf.lock"]
    assert catalog.partial_bytes() == 0


def test_a_path_to_something_else_is_a_load_failure(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(ModelLoadFailed, match="directory"):
        catalog.resolve(f"{tmp_path}/")


def test_of_a_split_model_only_the_first_part_is_listed(catalog: Catalog) -> None:
    write_split(catalog.models_dir)
    (model,) = catalog.installed()
    assert model.name == "big-00001-of-00002"
    assert model.header is not None
    assert model.header.num_parts == 2
    assert model.num_bytes == model.header.model_bytes


def ignore(progress: PullProgress) -> None:
    pass


def test_a_pulled_file_that_was_changed_is_told(catalog: Catalog, tmp_path: Path) -> None:
    mine = GGUFFile().write(tmp_path / "mine.gguf")
    assert catalog.pull(str(mine), ignore).checksum == "verified"
    mine.unlink()
    path = put(catalog, "mine.gguf", GGUFFile(data=b"\x01" * 160))
    assert catalog.resolve("mine").checksum == "changed"
    (row,) = [row for row in model_rows(catalog, free_bytes=0) if row.path == path]
    assert "changed" in row.note


def test_rows_show_what_is_here_then_what_can_be_pulled(catalog: Catalog) -> None:
    path = put(catalog, DEFAULT_MODEL_FILE, GGUFFile().with_pairs(llama__context_length=files.u32(100_000)))
    (catalog.models_dir / "bad.gguf").write_bytes(b"")
    rows = model_rows(catalog, free_bytes=1 << 40)
    assert [row.state for row in rows[:3]] == ["broken", "installed", "available"]
    broken, here, *available = rows
    assert (broken.name, broken.note, broken.fits) == ("bad", "is an empty file", None)
    assert (here.name, here.path, here.licence) == ("smollm2-135m-instruct", path, "Apache-2.0")
    assert (here.quantization, here.parameters, here.n_ctx_train, here.n_ctx) == ("F32", "0M", 100_000, TABLE_CONTEXT)
    assert here.memory_bytes is not None
    assert here.fits
    assert {row.name for row in available} == set(catalog.entries) - {here.name}
    assert all(row.note == f"bdchat pull {row.name}" for row in available)


def test_languages_are_the_catalogs_else_the_files(catalog: Catalog) -> None:
    german = GGUFFile().with_pairs(general__languages=files.strings(["de"]))
    for name in ("qwen2.5-1.5b-instruct", "qwen2.5-coder-7b-instruct"):
        put(catalog, catalog.entries[name].filename, german)
    named, unnamed = catalog.find("qwen2.5-1.5b-instruct"), catalog.find("qwen2.5-coder-7b-instruct")
    assert named.languages == catalog.entries["qwen2.5-1.5b-instruct"].languages
    assert unnamed.languages == ("de",)


def test_a_row_tells_what_it_is_for_and_about_how_fast(catalog: Catalog) -> None:
    speeds = Speeds([MeasuredStep(machine="m", step_bytes=1_000_000_000, step_ms=100.0)])
    rows = {row.name: row for row in model_rows(catalog, free_bytes=4 << 30, speeds=speeds)}
    small, large, sparse = (rows[name] for name in ("qwen3.5-0.8b", "gemma-3-12b-it", "gemma-4-e2b-it"))
    assert (small.good_for, small.fits, large.fits) == ("talk", True, False)
    assert small.tokens_per_s == pytest.approx(10 * 1e9 / small.num_bytes)
    assert sparse.tokens_per_s is None  # not all of its weights are read
    assert rows["qwen3-embedding-0.6b"].tokens_per_s is None  # it writes nothing


def test_a_model_that_is_larger_than_free_memory_does_not_fit(catalog: Catalog) -> None:
    put(catalog, "mine.gguf")
    assert [row.fits for row in model_rows(catalog, free_bytes=1000) if row.name == "mine"] == [False]
    assert free_memory_bytes() > 0


def test_installed_embedding_models_are_told_apart(catalog: Catalog) -> None:
    put(catalog, "vectors.gguf", GGUFFile().with_pairs(llama__pooling_type=files.u32(1)))
    assert [row.kind for row in model_rows(catalog, free_bytes=0) if row.name == "vectors"] == ["embedding"]


@pytest.mark.gguf
def test_the_default_model_is_what_the_catalog_says(catalog: Catalog, default_model_path: Path) -> None:
    entry = catalog.entries["smollm2-135m-instruct"]
    model = catalog.pull(str(default_model_path), ignore, sha256=entry.sha256)
    assert model.entry == entry
    assert model.header is not None
    facts = (model.num_bytes, model.header.quantization, model.header.n_ctx_train, model.header.licence)
    assert facts == (entry.bytes, entry.quantization, entry.context, "apache-2.0")
