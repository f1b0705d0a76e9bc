"""Where settings come from, and in which order.

Order of precedence, last wins: the defaults of the sections ← DATA_DIR/bdchat.toml ← BDCHAT_SECTION__KEY in the
environment ← flags and `--set section.key=value`. Unknown keys are errors. Only entry points (cli, scripts, tests) call
`load`.
"""

import os
import pwd
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bdchat.settings.documents import ChromaSettings, DocumentSettings
from bdchat.settings.sections import (
    AuthSettings,
    EngineSettings,
    GenerationSettings,
    LimitSettings,
    ModelSettings,
    RedisSettings,
    ServerSettings,
    StoreSettings,
)


class NoDataDirectory(Exception):
    """One line: why there is no data directory, and how to name one. Not a wrong setting: the machine lacks it."""


# Where "none" is a value of its own, and not the absence of one.
CALLED_NONE = {("models", "default"), ("documents", "embedder"), ("documents", "reranker")}
NAME_ONE = "name a folder with --data-dir or BDCHAT_DATA_DIR"


def default_data_dir() -> Path:
    """Raises NoDataDirectory for a user without a home."""
    base = os.environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(base):  # the XDG specification: a relative one is as if it were not set
        return Path(base) / "bdchat"
    home = _home()
    if not os.path.isabs(home):
        raise NoDataDirectory(f"no place for models and chats: this user has no home directory; {NAME_ONE}")
    return Path(home) / ".local" / "share" / "bdchat"


def _home() -> str:
    """ "" where neither the environment nor the user database knows one, as under a container's `--user 54321`."""
    try:
        return os.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""


class Settings(BaseSettings):
    """The whole. Frozen, loaded once, handed down."""

    model_config = SettingsConfigDict(
        env_prefix="BDCHAT_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    data_dir: Path = Field(default_factory=default_data_dir)
    server: ServerSettings = ServerSettings()
    limits: LimitSettings = LimitSettings()
    engine: EngineSettings = EngineSettings()
    models: ModelSettings = ModelSettings()
    store: StoreSettings = StoreSettings()
    auth: AuthSettings = AuthSettings()
    generations: GenerationSettings = GenerationSettings()
    redis: RedisSettings = RedisSettings()
    documents: DocumentSettings = DocumentSettings()
    chroma: ChromaSettings = ChromaSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # `load` merges the sources itself, so that their order is in one place


class SettingsError(Exception):
    """One line that names the key and says what is wrong with it."""


_UNPREFIXED = {"BDCHAT_API_KEY": ("server", "api_key"), "BDCHAT_DATA_DIR": ("data_dir",)}


def load(*, data_dir: Path | None = None, overrides: dict[str, str] | None = None) -> Settings:
    """Merges all sources. `overrides` maps dotted keys ("server.port") to text. Raises SettingsError and
    NoDataDirectory."""
    environment = _from_environment()
    named = dict(overrides or {})
    root = _absolute(data_dir or named.pop("data_dir", "") or environment.get("data_dir") or default_data_dir())
    merged: dict[str, Any] = {}
    _merge(merged, _from_file(root / "bdchat.toml"))
    _merge(merged, environment)
    for key, value in named.items():
        _merge(merged, _nest(tuple(key.split(".")), value))
    merged["data_dir"] = root
    try:
        return Settings(**merged)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        known = first["type"] != "extra_forbidden"
        raise SettingsError(f"{key}: {first['msg'] if known else 'no such setting'}") from error


def _absolute(path: str | Path) -> Path:
    """Processes with another working directory read it too. Raises NoDataDirectory."""
    expanded = os.path.expanduser(path)  # Path.expanduser raises where this does nothing
    if expanded.startswith("~"):
        raise NoDataDirectory(f"the data directory {path}: there is no such home directory; {NAME_ONE}")
    try:
        return Path(expanded).absolute()
    except OSError as error:
        raise NoDataDirectory(
            f"the data directory {path} is relative, and the working directory is gone: {NAME_ONE}"
        ) from error


def _from_file(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    except OSError as error:
        raise NoDataDirectory(f"{path} cannot be read: {error.strerror or error}; {NAME_ONE}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if "data_dir" in found:
        raise SettingsError(f"{path}: data_dir cannot be named by a file that lies in it")
    return found


def _from_environment() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in os.environ.items():
        if name in _UNPREFIXED:
            _merge(found, _nest(_UNPREFIXED[name], value))
        elif name.startswith("BDCHAT_") and "__" in name:
            section, _, key = name.removeprefix("BDCHAT_").lower().partition("__")
            _merge(found, _nest((section, key), value))
    return found


def _nest(path: tuple[str, ...], value: object) -> dict[str, Any]:
    """("a", "b"), v → {"a": {"b": v}}; text that means a list or nothing becomes one."""
    if isinstance(value, str) and path[-1] in {"allowed_hosts", "cors_origins", "trusted_proxies"}:
        value = tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, str) and value.lower() in {"none", "null"} and path not in CALLED_NONE:
        value = None
    nested: Any = value
    for part in reversed(path):
        nested = {part: nested}
    return dict(nested)


def _merge(target: dict[str, Any], source: dict[str, Any]) -> None:
    for key, value in source.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value
