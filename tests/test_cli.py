"""The command line: what it loads, what it refuses, and with which exit code."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bdchat import __version__
from bdchat.cli import app, main
from tests.gguf_files import GGUFFile, boolean

HEAVY = ("pydantic", "starlette", "uvicorn", "numpy", "llama_cpp", "httpx", "huggingface_hub", "jinja2", "asyncio")


def test_help_loads_nothing_heavy() -> None:
    """Time is noise, imports are not: each of these costs 50 to 500 ms."""
    script = (
        "import sys; from bdchat.cli import app\n"
        "try: app(['--help'])\n"
        f"except SystemExit: print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "serve" in shown.stdout
    assert shown.stdout.splitlines()[-1] == "HEAVY []"


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"bdchat {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["serve", "--set", "server.prot=1"], "server.prot"),
        (["serve", "--set", "nonsense"], "SECTION.KEY=VALUE"),
        (["serve", "--set", "=1"], "SECTION.KEY=VALUE"),
        (["serve", "--port", "70000"], "server.port"),
        (["serve", "--host", ""], "server.host"),
        (["serve", "--lan", "--host", "127.0.0.1"], "--lan"),
        (["serve", "--set", "server.tls_cert=/x.pem"], "tls_key"),
        (["serve", "--set", "engine.n_ctx=many"], "engine.n_ctx"),
        (["doctor", "--set", "engine.n_batch=0"], "engine.n_batch"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(tmp_path: Path, arguments: list[str], named: str) -> None:
    result = CliRunner().invoke(app, [*arguments, "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr.startswith("bdchat: ")
    assert named in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_broken_settings_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bdchat.toml").write_text("[server")
    result = CliRunner().invoke(app, ["models", "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "bdchat.toml" in result.stderr


def test_an_unknown_model_names_those_there_are(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["pull", "no-such-model", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "smollm2-135m-instruct" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_pulled_model_that_cannot_be_served_says_so(tmp_path: Path) -> None:
    words = GGUFFile().with_pairs(diffusion__shift_logits=boolean(True)).write(tmp_path / "WORDS.GGUF")
    pulled = CliRunner().invoke(app, ["pull", str(words), "--data-dir", str(tmp_path)])
    assert (pulled.exit_code, pulled.stdout.split()[0]) == (0, "WORDS")
    assert "WORDS writes all words of a text at once" in pulled.stderr


def test_a_pulled_file_is_listed(tmp_path: Path, default_model_path: Path) -> None:
    runner = CliRunner()
    before = runner.invoke(app, ["models", "--data-dir", str(tmp_path)]).output
    assert "No models are installed yet" in before
    pulled = runner.invoke(app, ["pull", str(default_model_path), "--data-dir", str(tmp_path)])
    assert pulled.exit_code == 0, pulled.output
    assert str(tmp_path / "models" / default_model_path.name) in pulled.stdout
    listed = runner.invoke(app, ["models", "--data-dir", str(tmp_path)]).output
    assert "Q4_1" in listed
    assert "mistral-7b-instruct-v0.3" in listed


COMMANDS = (["models"], ["pull", "smollm2-135m-instruct"], ["user", "list"], ["restore", "backup.db"], ["chat", "hi"])


@pytest.mark.parametrize("arguments", [*COMMANDS, ["serve"], ["doctor"], ["backup", "backup.db"]], ids=" ".join)
def test_a_user_without_a_home_is_told_what_to_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setenv("HOME", "")
    monkeypatch.setenv("XDG_DATA_HOME", "")
    monkeypatch.delenv("BDCHAT_DATA_DIR", raising=False)
    monkeypatch.setattr("pwd.getpwuid", dict[int, object]().__getitem__)
    assert one_line(capsys, arguments).endswith("name a folder with --data-dir or BDCHAT_DATA_DIR")


@pytest.mark.parametrize("arguments", [["pull", "smollm2-135m-instruct"], ["user", "list"]], ids=" ".join)
@pytest.mark.parametrize("place", ["file", "file/below", "link-to-nothing", "link-to-nothing/below", "x" * 300])
def test_a_data_directory_that_cannot_be_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], place: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link-to-nothing").symlink_to(tmp_path / "not mounted")
    assert str(tmp_path) in one_line(capsys, [*arguments, "--data-dir", str(tmp_path / place)])


@pytest.mark.parametrize("arguments", [["--offline"], ["--set", "models.offline=true"]], ids=" ".join)
def test_a_first_start_offline_is_one_line_with_two_ways_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    said = one_line(capsys, ["serve", *arguments, "--data-dir", str(tmp_path)])
    assert said.endswith("and name it with --model. `bdchat serve --model none` serves without a model")


def test_what_the_machine_refuses_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A full disk behind `bdchat models > FILE` was a traceback."""
    with (
        open("/dev/full", "wb", buffering=0) as disk,
        io.TextIOWrapper(disk, encoding="utf-8", write_through=True) as full,
        contextlib.redirect_stdout(full),
    ):
        said = one_line(capsys, ["models", "--data-dir", str(tmp_path)])
    assert said == "bdchat: No space left on device"


def one_line(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    """What `bdchat …` said when it left with exit code 1."""
    argv, sys.argv = sys.argv, ["bdchat", *arguments]
    umask = os.umask(0o022)
    try:
        with pytest.raises(SystemExit) as left:
            main()
    finally:
        sys.argv = argv
        os.umask(umask)
    said = capsys.readouterr().err
    assert left.value.code == 1, said
    assert said.startswith("bdchat: ")
    assert said.count("\n") == 1
    return said.rstrip("\n")
