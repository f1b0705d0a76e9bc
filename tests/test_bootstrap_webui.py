"""The page's bootstrap: when it builds again, which Node it takes, and what it puts where the server looks."""

import gzip
from pathlib import Path

import pytest

from bootstrap_webui import is_built, is_new_enough, put_in_place, sources_key


@pytest.fixture
def webui(tmp_path: Path) -> Path:
    folder = tmp_path / "webui"
    for name in ("src/main.tsx", "src/main.test.tsx", "package-lock.json", "node_modules/x/index.js", "e2e.config.ts"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.mark.parametrize(
    ("name", "rebuilds"),
    [
        ("src/main.tsx", True),
        ("src/new.css", True),
        ("package-lock.json", True),
        ("src/main.test.tsx", False),
        ("node_modules/x/index.js", False),
        ("e2e.config.ts", False),
        ("dist/index.html", False),
    ],
)
def test_only_what_goes_into_the_page_makes_it_be_built_again(webui: Path, name: str, rebuilds: bool) -> None:
    before = sources_key(webui)
    (webui / name).parent.mkdir(exist_ok=True)
    (webui / name).write_text("changed")
    assert (sources_key(webui) != before) is rebuilds


def test_a_renamed_source_is_a_changed_source(webui: Path) -> None:
    before = sources_key(webui)
    (webui / "src/main.tsx").rename(webui / "src/other.tsx")
    assert sources_key(webui) != before


@pytest.mark.parametrize(
    ("version", "is_fit"),
    [
        ("v20.20.2", False),
        ("v22.21.0", False),
        ("v22.22.0", True),
        ("v23.9.0", False),
        ("v24.19.0", True),
        ("v26.0.0", True),
        ("", False),
    ],
)
def test_an_old_or_odd_node_is_not_taken(version: str, is_fit: bool) -> None:
    assert is_new_enough(version) is is_fit


def test_what_is_put_in_place_is_whole_stamped_and_compressed(tmp_path: Path) -> None:
    built, target = tmp_path / "dist", tmp_path / "page"
    for folder, text in ((built, "new"), (target, "old")):
        (folder / "assets").mkdir(parents=True)
        (folder / "assets" / f"{text}.js").write_text(text)
        (folder / "assets" / f"{text}.woff2").write_text(text)
    assert not is_built(target, "key")
    put_in_place(built, target, "key")
    assert is_built(target, "key")
    assert sorted(path.name for path in (target / "assets").iterdir()) == ["new.js", "new.js.gz", "new.woff2"]
    assert gzip.decompress((target / "assets" / "new.js.gz").read_bytes()) == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dist", "page"]
