"""deploy/ and docs/install.md name what is there: paths, flags, settings. A unit is verified by systemd where that is,
an image built where a builder is and somebody asks for it (BDCHAT_TEST_IMAGE=1: it compiles llama.cpp)."""

import os
import re
import shlex
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest
from typer.main import get_command

from bdchat.api.http.page import BUILT_PAGE
from bdchat.cli import app
from bdchat.engine.llama.rebuild import SAFE_CMAKE_ARGS
from bdchat.settings import Settings

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "deploy" / "bdchat.service"
CONTAINERFILE = ROOT / "deploy" / "Containerfile"
GUIDE = (ROOT / "docs" / "install.md").read_text("utf-8")
FILES = (UNIT.read_text("utf-8"), CONTAINERFILE.read_text("utf-8"), GUIDE)
SUBCOMMANDS = r"(serve|pull|models|chat|doctor|backup|restore|user \S+)"


def test_every_setting_in_the_environment_is_one() -> None:
    named = {name for text in FILES for name in re.findall(r"\bBDCHAT_[A-Z_]*__[A-Z_]+", text)}
    assert named >= {"BDCHAT_SERVER__HOST"}
    for name in named:
        section, _, key = name.removeprefix("BDCHAT_").lower().partition("__")
        assert key in type(getattr(Settings(), section)).model_fields, name
    others = {name for text in FILES for name in re.findall(r"\bBDCHAT_[A-Z_]+\b", text)} - named
    assert others == {"BDCHAT_DATA_DIR"}


def test_every_command_and_flag_of_ours_is_there() -> None:
    command = get_command(app)
    calls = [call for text in FILES for call in re.findall(rf"bdchat {SUBCOMMANDS}([^\n`|]*)", text)]
    calls += [("serve", flag) for flag in re.findall(r'CMD \["serve"(.*)\]', FILES[1])]
    assert len(calls) > 8
    for name, rest in calls:
        found = command
        for word in name.split():
            found = found.commands[word]  # type: ignore[attr-defined]
        known = {option for parameter in found.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z][a-z-]+", rest)) <= known, (name, rest)


def test_what_is_copied_and_run_while_an_image_is_built_is_there() -> None:
    text = FILES[1]
    for path in ("scripts/build", "requirements.lock"):
        assert f"{path}" in text
        assert (ROOT / path).exists()
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert {".git", ".venv"} <= set(ignored)
    built_from = {"scripts", "src", "webui", "models/catalog.toml", "pyproject.toml", "README.md", "LICENSE"}
    assert not built_from & {line.rstrip("/") for line in ignored}
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    found = re.search(r"python:(\d)\.(\d+)-slim", text)
    assert found
    assert (int(found[1]), int(found[2])) >= tuple(int(part) for part in requires.removeprefix(">=").split("."))


def test_the_guide_sets_the_flags_that_gcc_needs_before_pip_compiles() -> None:
    exported = re.search(r"^export (.*)$", GUIDE, re.MULTILINE)
    assert exported
    assert shlex.split(exported[1]) == [f"CMAKE_ARGS={SAFE_CMAKE_ARGS}"]
    assert GUIDE.index("export CMAKE_ARGS") < GUIDE.index("pip install bdchat")


def test_the_unit_is_sound(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    text = UNIT.read_text("utf-8")
    start = re.search(r"^ExecStart=(\S+) ", text, re.MULTILINE)
    assert start
    assert start[1] == "/opt/bdchat/bin/bdchat"  # where the guide installs it
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(start[1], "/bin/true"), "utf-8")
    verified = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr + verified.stdout) == (0, "")


def test_the_wheel_holds_page_and_catalogue(tmp_path: Path) -> None:
    if not (BUILT_PAGE / "index.html").is_file():
        pytest.skip("the page has not been built")
    subprocess.run(
        [ROOT / ".venv" / "bin" / "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(tmp_path.glob("bdchat-*.whl"))) as wheel:
        names = set(wheel.namelist())
        entry_points = wheel.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    page = {f"bdchat/webui/{path.relative_to(BUILT_PAGE)}" for path in BUILT_PAGE.rglob("*") if path.is_file()}
    assert page <= names
    assert {"bdchat/engine/models/catalog.toml", "bdchat/py.typed"} <= names
    assert any(re.fullmatch(r"bdchat/webui/assets/.*\.js", name) for name in names)
    assert "bdchat = bdchat.cli:main" in entry_points


@pytest.mark.slow
def test_the_image_is_built() -> None:
    builder = next((each for each in ("podman", "docker") if answers(each)), None)
    if builder is None or not os.environ.get("BDCHAT_TEST_IMAGE"):
        pytest.skip("there is no builder, or nobody asked (BDCHAT_TEST_IMAGE=1)")
    command = [builder, "build", "--tag", "bdchat-test", "--file", str(CONTAINERFILE), str(ROOT)]
    subprocess.run(command, check=True)
    shown = subprocess.run([builder, "run", "--rm", "bdchat-test", "--version"], capture_output=True, check=True)
    assert shown.stdout.startswith(b"bdchat ")


def answers(builder: str) -> bool:
    if not shutil.which(builder):
        return False
    return subprocess.run([builder, "info"], capture_output=True, check=False).returncode == 0
