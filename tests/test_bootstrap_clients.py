"""The clients' bootstrap: when it installs again, and where its links lead."""

import os
from pathlib import Path

import pytest

import bootstrap_clients
from bootstrap_clients import (
    AGENTS,
    CLIENTS,
    LINKED,
    NODE_FILES,
    NUM_KEPT,
    Installation,
    agents_key,
    agents_sources,
    forget_old,
    key_of,
    link,
)
from bootstrap_console import BootstrapError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / AGENTS).mkdir(parents=True)
    for path in (Path("requirements-clients.lock"), *(CLIENTS / name for name in NODE_FILES)):
        (tmp_path / path).write_text(path.name)
    for path in agents_sources(tmp_path):
        path.write_text(path.name)
    return tmp_path


@pytest.mark.parametrize("path", [Path("requirements-clients.lock"), *(CLIENTS / name for name in NODE_FILES)])
def test_what_a_lock_names_decides_what_is_installed(root: Path, path: Path) -> None:
    before = key_of(root, "3.11")
    assert key_of(root, "3.12") != before
    (root / path).write_text("changed")
    assert key_of(root, "3.11") != before


def test_coding_agents_are_fetched_again_for_their_own_lock_alone(root: Path) -> None:
    before = agents_key(root), key_of(root, "3.11")
    (root / CLIENTS / "package-lock.json").write_text("changed")
    assert agents_key(root) == before[0]
    (root / AGENTS / "package-lock.json").write_text("changed")
    assert agents_key(root) != before[0]


def test_coding_agents_that_cannot_be_fetched_keep_nothing_else_from_being_tested(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise BootstrapError("the registry is down", remedy="try again later")

    monkeypatch.setattr(bootstrap_clients, "prepare", lambda *_: None)
    monkeypatch.setattr(bootstrap_clients, "prepare_agents", fails)
    assert bootstrap_clients.main() == 0
    told = "".join(capfd.readouterr())
    assert "the registry is down" in told
    assert "the tests of coding agents will fail" in told


def test_links_lead_to_the_newest_installation(root: Path, tmp_path: Path) -> None:
    for name in ("old", "new", "new"):
        link(Installation(tmp_path / name), root)
    assert {path.name: path.readlink() for path in (root / CLIENTS).iterdir() if path.is_symlink()} == {
        name: tmp_path / "new" / target for name, target in LINKED.items()
    }


def test_only_those_used_last_are_kept(tmp_path: Path) -> None:
    for number in range(NUM_KEPT + 2):
        (tmp_path / str(number)).mkdir()
        os.utime(tmp_path / str(number), (number, number))
    forget_old(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {str(number) for number in range(2, NUM_KEPT + 2)}
