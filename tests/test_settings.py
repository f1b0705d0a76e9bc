"""Settings: one object out of four sources, and one line when a source is wrong."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from bdchat.settings import NoDataDirectory, ServerSettings, Settings, SettingsError, default_data_dir, load


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BDCHAT_")]:
        monkeypatch.delenv(name)


def test_the_last_source_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bdchat.toml").write_text('[server]\nport = 1\nhost = "127.0.0.2"\nlog_level = "debug"\n')
    monkeypatch.setenv("BDCHAT_SERVER__PORT", "2")
    monkeypatch.setenv("BDCHAT_SERVER__HOST", "127.0.0.3")
    server = load(data_dir=tmp_path, overrides={"server.port": "3"}).server
    assert (server.port, server.host, server.log_level) == (3, "127.0.0.3", "debug")


def test_the_data_directory_comes_from_flag_then_environment_then_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert load().data_dir == default_data_dir() == tmp_path / "xdg" / "bdchat"
    monkeypatch.setenv("BDCHAT_DATA_DIR", str(tmp_path / "env"))
    assert load().data_dir == tmp_path / "env"
    assert load(overrides={"data_dir": str(tmp_path / "set")}).data_dir == tmp_path / "set"
    assert load(data_dir=tmp_path / "flag").data_dir == tmp_path / "flag"


def test_a_relative_data_directory_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(data_dir=Path("state")).data_dir == tmp_path / "state"


def _no_passwd_entry(uid: int) -> None:
    raise KeyError(uid)


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        ({"HOME": ""}, None),
        ({"HOME": "."}, None),
        ({"HOME": "/"}, Path("/.local/share/bdchat")),
        ({"XDG_DATA_HOME": "relative"}, None),
        ({"XDG_DATA_HOME": "/xdg"}, Path("/xdg/bdchat")),
    ],
)
def test_without_a_passwd_entry_the_environment_alone_knows_a_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str], found: Path | None
) -> None:
    monkeypatch.setattr("pwd.getpwuid", _no_passwd_entry)
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if found is None:
        with pytest.raises(NoDataDirectory, match="no home directory; name a folder with --data-dir"):
            load()
    else:
        assert load().data_dir == found
    assert load(data_dir=tmp_path).data_dir == tmp_path  # who names one needs no home
    monkeypatch.setenv("BDCHAT_DATA_DIR", str(tmp_path))
    assert load().data_dir == tmp_path


def test_an_empty_data_directory_is_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compose file's `BDCHAT_DATA_DIR=` meant the working directory."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("BDCHAT_DATA_DIR", "")
    assert load().data_dir == tmp_path / "bdchat"


def test_a_home_that_is_not_known_is_no_folder_named_tilde() -> None:
    with pytest.raises(NoDataDirectory, match="no such home directory"):
        load(data_dir=Path("~nobody-of-that-name/x"))


def test_a_working_directory_that_is_gone_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(NoDataDirectory, match="the working directory is gone"):
        load(data_dir=Path("state"))


def test_text_becomes_lists_and_nothing(tmp_path: Path) -> None:
    overrides = {"server.allowed_hosts": "chat.local, 10.0.0.1", "engine.n_ctx": "none", "models.default": "none"}
    overrides |= {"documents.embedder": "none"}
    settings = load(data_dir=tmp_path, overrides=overrides)
    assert settings.server.allowed_hosts == ("chat.local", "10.0.0.1")
    assert settings.engine.n_ctx is None
    assert settings.models.default == settings.documents.embedder == "none"


def test_the_api_key_is_read_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BDCHAT_API_KEY", "sk-secret")
    settings = load(data_dir=tmp_path)
    assert settings.server.api_key is not None
    assert settings.server.api_key.get_secret_value() == "sk-secret"
    assert "sk-secret" not in repr(settings)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("server.prot", "1"),
        ("sever.port", "1"),
        ("server.port", "70000"),
        ("server.port", "x"),
        ("server.host", ""),  # a socket would read it as every address of the machine
        ("server.api_key", ""),  # a key that everyone knows
        ("limits.queue", "-1"),
        ("engine.n_ctx", "2000000000"),
        ("engine.max_gap_ms", "nan"),
        ("engine.min_prefill_share", "1"),
        ("engine.target_step_ms", "200"),  # what the two above replaced
        ("server.drain_timeout_s", "inf"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_its_key(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(data_dir=tmp_path, overrides={key: value})
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith((f"{key}: ", f"{key.partition('.')[0]}: "))


@pytest.mark.parametrize("text", ["[server", "\xff", 'data_dir = "/elsewhere"', "[server]\nprot = 1"])
def test_a_wrong_file_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "bdchat.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError):
        load(data_dir=tmp_path)


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        settings.server.port = 1
    assert isinstance(settings, Settings)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("chat.example.com", "chat.example.com"),
        ("chat.example.com:8443", "chat.example.com"),
        ("::1", "::1"),
        ("[::1]:80", "[::1]"),
    ],
)
def test_a_host_is_named_with_its_port_or_without(written: str, means: str) -> None:
    assert ServerSettings(allowed_hosts=(written,)).allowed_hosts == (means,)


@pytest.mark.parametrize("slip", ["https://chat.example.com", "chat.example.com/x", "*.example.com", "*", "a b", ""])
def test_what_is_no_host_name_is_refused(slip: str) -> None:
    with pytest.raises(ValidationError, match="no host name"):
        ServerSettings(allowed_hosts=(slip,))
