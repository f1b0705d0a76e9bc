"""Every setting, once, with its unit and its reason.

Order of precedence, last wins: the defaults here ← DATA_DIR/bdchat.toml ← BDCHAT_SECTION__KEY in the environment ←
flags and `--set section.key=value`. Unknown keys are errors. Only entry points (cli, scripts, tests) call `load`.
"""

import os
import pwd
import re
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

MIB = 1024 * 1024

Number = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Bytes = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Network = Annotated[str, AfterValidator(lambda text: str(ip_network(text, strict=False)))]  # "10.0.0.7", "10.0.0.0/8"

_HOST_NAME = re.compile(r"\[[0-9a-f:.]+\]|[0-9a-f]*:[0-9a-f:.]+|[a-z0-9._-]+", re.IGNORECASE)
_ORIGIN = re.compile(
    r"\*|null|[a-z][a-z0-9+.-]*:(//(\*|\[[0-9a-f:.]+\]|(\*\.)?[a-z0-9._-]+)?(:([0-9]{1,5}|\*))?)?", re.IGNORECASE
)


def _host_name(text: str) -> str:
    name = re.sub(r"(?<=[^:]):[0-9]{1,5}$", "", text) if text.count(":") == 1 or "]:" in text else text
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(f"{text!r} is no host name: write it without scheme, path and *, as in chat.example.com")
    return name


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(origin := text.rstrip("/") if not text.endswith("://") else text):
        raise ValueError(
            f"{text!r} is no origin: write a scheme and host, as in https://app.example.com, http://localhost:* or"
            " vscode-webview://*"
        )
    return origin


def _base_path(text: str) -> str:
    path = text.rstrip("/")
    if not re.fullmatch(r"(/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)*", path):
        raise ValueError(f"{text!r} is no path to serve below: write it as in /chat or /tools/chat")
    return path


HostName = Annotated[str, AfterValidator(_host_name)]
Origin = Annotated[str, AfterValidator(_origin)]


class NoDataDirectory(Exception):
    """One line: why there is no data directory, and how to name one. Not a wrong setting: the machine lacks it."""


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


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class ServerSettings(Section):
    # From anywhere else nobody gets in without an account or a key: 175,000 open model hosts were found on the net.
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000  # 0 = any free port, printed at start
    # Where a proxy serves us below a path of its host: "/tools/chat". Page, API and sockets are then at both.
    base_path: Annotated[str, AfterValidator(_base_path)] = ""
    api_key: Annotated[SecretStr, Field(min_length=1)] | None = None  # Bearer or x-api-key; BDCHAT_API_KEY is read too
    allowed_hosts: tuple[HostName, ...] = ()  # further Host names to answer to; loopback names and `host` always are
    # Pages elsewhere that may use the API with a key: "https://app.example.com", and where `*` stands for a host, its
    # first labels or its port: "vscode-webview://*", "https://*.example.com", "http://localhost:*". None by default.
    cors_origins: tuple[Origin, ...] = ()
    # PEM files, both or none: https and wss then, also on this machine. `bdchat cert` makes a pair.
    tls_cert: Path | None = None  # the certificate, and what it is signed by
    tls_key: Path | None = None
    drain_timeout_s: Seconds = 30.0  # SIGTERM: running answers get this long to finish
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @model_validator(mode="after")
    def _certificate_with_its_key(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together: name both files, or neither")
        return self


class LimitSettings(Section):
    """Bounds of outside input; each is checked before anything is allocated in proportion to it."""

    body_bytes: Count = 8 * MIB
    import_bytes: Count = 1024 * MIB  # of a file of chats; it waits on the disk, not in memory
    # Of a thread, to read a file of chats, and as much again for each 4 MiB of it: a ZIP of chats needs a quarter.
    import_cpu_s: Seconds = 30.0
    header_bytes: Count = 64 * 1024
    num_messages: Count = 2000
    num_choices: Count = 8
    num_top_logprobs: Number = 20  # OpenAI's own bound
    num_stop_strings: Number = 16
    stop_string_bytes: Bytes = 256
    num_logit_bias: Number = 1024
    num_prompts: Count = 256  # prompts in one /v1/completions call
    num_texts: Count = 2048  # texts in one /v1/embeddings or /v1/rerank call: OpenAI's own bound
    queue: Count = 64  # waiting requests per model; more get 503 with Retry-After
    # An answer from its place to its end; then it ends as `length` with its text kept. 0 = none. In an hour a
    # 7B model on two cores writes 15,000 tokens: who writes longer has lost its way, and others wait for its place.
    generation_s: Seconds = 3600.0
    connections: Count = 4096  # open at once, as far as file descriptors reach; beyond it silent ones give way
    # Of these from one address, an IPv6 network of 64 bits counting as one; loopback may have three quarters of all,
    # proxies all. A page has seven, an SDK's pool up to a hundred.
    connections_per_address: Count = 256
    head_timeout_s: Seconds = 10.0  # from its first byte, or from connecting, to the end of a request's head
    body_timeout_s: Seconds = 30.0  # a client that sends slower is cut off; of imports each MiB
    send_timeout_s: Annotated[float, Field(gt=0, le=3600)] = (
        10.0  # who takes nothing of an answer for so long is cut off
    )


class EngineSettings(Section):
    """One engine process per model. None = derived from the machine and the model at load."""

    # Longest sequence, served whole or refused; None = trained length, as memory allows.
    n_ctx: Annotated[int, Field(ge=64, le=4_194_304)] | None = None
    n_batch: Annotated[int, Field(ge=32, le=4096)] = 512  # prompt tokens per llama_decode; bounds compute memory
    n_threads: Annotated[int, Field(ge=1, le=512)] | None = None  # None = physical cores, minus one above four
    # -1 = all that llama.cpp can place; no effect without a GPU build.
    n_gpu_layers: Annotated[int, Field(ge=-1, le=10_000)] = -1
    use_mmap: bool = True
    use_mlock: bool = False  # keeps weights out of swap; needs RLIMIT_MEMLOCK
    # Running at once; decode scaling ends near 16 streams on CPU.
    max_sequences: Annotated[int, Field(ge=1, le=64)] = 16
    kv_layout: Literal["auto", "unified", "streams"] = "auto"  # auto = by calibration
    kv_type: Literal["auto", "f16", "bf16", "q8_0"] = "auto"  # changes text slightly: part of system_fingerprint
    flash_attention: Literal["auto", "on", "off"] = "auto"
    # auto = the encoding of each matrix that is fastest on this CPU, made once in the background and kept in the cache
    # folder; file = as it is in the file. Part of system_fingerprint.
    weights: Literal["auto", "file"] = "auto"
    # What another encoding may change: mean KL divergence from the file's answers to a fixed text, in nats a token.
    # The file itself, computed with another attention kernel, differs from itself by 0.005 with a 135M model.
    weights_max_kl: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.006
    weights_cache_bytes: Bytes = 16384 * MIB  # of disk for encodings of all models; the least recently used goes first
    # Every request gets the same tokens each time, also among others: nothing is reused, answers do not share steps.
    deterministic: bool = False
    swa_full: bool = True  # keep all of a sliding-window model's cells: any prefix can be reused
    # Bound for the KV cells; None = the whole context for all places up to 4 GiB, else for one, and 2 GiB or four long
    # conversations; at most a quarter of what is free, more only for one place of a named n_ctx.
    kv_memory_bytes: Bytes | None = None
    ram_cache_bytes: Bytes | None = None  # idle sequences kept outside the cells; None = 10 % of RAM, at most 1 GiB
    # Without a request for so long, idle sequences leave the cells for RAM and disk: longer than an answer is read.
    idle_after_s: Annotated[Seconds, Field(ge=2)] = 180.0
    idle_memory_bytes: Bytes | None = None  # that they then take in RAM; None = 256 MiB, or a quarter of the weights
    # Stored chats' sequences kept on disk, so that an old chat answers at once also after a restart; 0 = none.
    disk_cache_bytes: Bytes = 4096 * MIB
    # Pause between two tokens of a running answer while a prompt is read, unless many answers' own steps take longer.
    target_step_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 200.0
    # Guessed ahead and checked in one step, for each of up to five requests, where that is faster; 0 = never.
    max_draft_tokens: Annotated[int, Field(ge=0, le=48)] = 48
    # Guesses too: catalog name or path of a small model with the vocabulary of every chat model loaded. None = none.
    draft_model: Annotated[str, Field(min_length=1)] | None = None
    # Of recent answers, 130 bytes each, to guess from for their own account alone.
    draft_memory_tokens: Annotated[int, Field(ge=0, le=4_194_304)] = 65_536
    queue_timeout_s: Seconds = 60.0  # a request that got no place by then is answered 503
    load_timeout_s: Seconds = 600.0  # a 7B model on a slow disk; a hung load is ended
    # An address space for its plan, no network, no other program (isolation/confinement.py); False is for debuggers.
    confine: bool = True
    calibrate: bool = True  # False: the safe choice (streams, f16, no flash attention on CPU), no measurement

    @model_validator(mode="after")
    def _deterministic_in_streams(self) -> Self:
        if self.deterministic and self.kv_layout == "unified":
            raise ValueError("deterministic needs kv_layout = streams (or auto)")
        return self

    @property
    def wanted_layout(self) -> Literal["auto", "unified", "streams"]:
        """`kv_layout`, and what follows from the other settings."""
        return "streams" if self.deterministic else self.kv_layout


class ModelSettings(Section):
    # `bdchat serve` fetches the default model where it is not here yet, and says so first; True: it stops instead.
    offline: bool = False
    default: str = "smollm2-135m-instruct"  # catalog name or path to a .gguf; "none" starts without a model
    # A request under /v1 that names a model which is not served gets 404, as from OpenAI, or the default's answer: some
    # editors can name none but gpt-4o.
    unknown: Literal["refuse", "default"] = "refuse"
    # An installed, smaller model that answers in the default's place while memory does not hold that one; None: nobody.
    fallback: str | None = None
    # Admins may search the Hugging Face hub from the page; each search tells the hub its words. Off: nothing asks it.
    hub_search: bool = False


class StoreSettings(Section):
    """Where users, chats and answers are kept."""

    url: SecretStr | None = None  # postgresql://…; None = SQLite in the data directory
    num_readers: Annotated[int, Field(ge=1, le=64)] = 4  # connections that read, each with a thread
    undo_days: Number = 30  # a deleted chat can be brought back this long; ten minutes at least
    # That one account may keep: its rows, with the texts in them and what finds them. Korean text counts up to eight
    # times its length, other text four times: an export of 200 MB fits, and a copy of it.
    user_quota_bytes: Bytes = 4096 * MIB
    # That everybody without an account may keep together (store: true on loopback): some hundred long answers.
    guest_quota_bytes: Bytes = 64 * MIB
    guest_retention_days: Number = 7  # nobody can say whose they are: enough to come back after a weekend
    completion_retention_days: Number = 30  # of an account's answers outside chats, as OpenAI keeps them
    record_days: Number = 400  # the audit log, and keys, links and invitations that have ended: a year and a month
    usage_flush_s: Seconds = 1.0  # usage sums are written at most this often


class AuthSettings(Section):
    """Who may come in. The first account is the admin's, whatever `registration` says."""

    registration: Literal["closed", "invitation", "open"] = "closed"
    local_guest: bool = True  # /v1 on loopback without a key (IDE plugins); never off loopback
    idle_days: Count = 7  # a login unused for so long ends
    absolute_days: Count = 30  # and any login after so long
    attempts_per_minute: Count = 10  # wrong passwords per account and address; then 429
    attempts_per_address: Count = 60  # per minute, all accounts together; this machine is one address
    # Wrong passwords per account and hour, from everywhere; beyond them a device that it does not know waits its turn.
    attempts_per_account: Count = 30
    known_device_days: Count = 180  # unused for so long, a browser is a stranger to the account again
    invitations_per_day: Count = 50  # to chats, that one account may send: each rings at somebody's
    # Addresses whose X-Forwarded-For, -Proto, -Host and -Port (or Forwarded) are believed.
    trusted_proxies: tuple[Network, ...] = ()


SamplingSource = Literal["openai", "model"]


class GenerationSettings(Section):
    """Answers that belong to the server."""

    resume_at_start: bool = True  # unfinished answers go on after a crash; False marks them interrupted
    commit_interval_ms: Annotated[int, Field(ge=10, le=5000)] = 250  # at most so much text is lost in a crash
    event_retention_s: Seconds = 3600.0  # numbered events of ended answers stay readable; then only their text
    lease_s: Annotated[float, Field(ge=1, le=600)] = 6.0  # another server takes over an answer after this silence
    # Whose temperature, top_p, top_k, min_p and repeat_penalty a request to /v1 gets that names none: OpenAI's (1, 1,
    # off, off, off), which its clients count on, or the model's own. Chats of page and terminal always get those.
    sampling_defaults: SamplingSource = "openai"
    makes_titles: bool = True  # the model names a chat after its first answer


class RedisSettings(Section):
    """Only for several server processes over one PostgreSQL."""

    url: SecretStr | None = None  # redis://…; None = everything in process


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
    if isinstance(value, str) and value.lower() in {"none", "null"} and path != ("models", "default"):
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
