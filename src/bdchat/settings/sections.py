"""Every setting, once, with its unit and its reason; those of documents stand in documents.py."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from bdchat.settings.values import (
    MIB,
    Bytes,
    Count,
    HostName,
    Network,
    Number,
    Origin,
    Seconds,
    Section,
    base_path_text,
)


class ServerSettings(Section):
    # From anywhere else nobody gets in without an account or a key: 175,000 open model hosts were found on the net.
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000  # 0 = any free port, printed at start
    # Where a proxy serves us below a path of its host: "/tools/chat". Page, API and sockets are then at both.
    base_path: Annotated[str, AfterValidator(base_path_text)] = ""
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
    # Of one account; more than may wait, or be used in a minute, gets 429 with Retry-After. An admin can give it
    # its own bounds. 0 = none.
    account_running: Number = 0  # answers at once per model; its next ones wait, while others pass
    account_queue: Number = (
        32  # waiting requests per model: half of all, so that one account cannot shut the others out
    )
    account_tokens_per_minute: Number = 0  # read and written; what the cache spared is not counted
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
    # Between two tokens of an interactive answer at most, 19 times in 20, while others join: faster than one reads.
    max_gap_ms: Annotated[float, Field(gt=0, le=60_000, allow_inf_nan=False)] = 150.0
    # A waiting prompt is read at no less than this share of its speed alone, on a slow model at the cost of max_gap_ms.
    min_prefill_share: Annotated[float, Field(ge=0.1, le=0.9, allow_inf_nan=False)] = 0.6
    # Guessed ahead and checked in one step, for each of up to five requests, where that is faster; 0 = never.
    max_draft_tokens: Annotated[int, Field(ge=0, le=48)] = 48
    # Guesses too: catalog name or path of a small model with the vocabulary of every chat model loaded. None = none.
    draft_model: Annotated[str, Field(min_length=1)] | None = None
    # Of recent answers, 130 bytes each, to guess from for their own account alone.
    draft_memory_tokens: Annotated[int, Field(ge=0, le=4_194_304)] = 65_536
    queue_timeout_s: Seconds = 60.0  # a request that got no place by then is answered 503; a batch one after ten times
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
    # The same while somebody reads a stored response's stream. It shows committed events alone, so that a number in it
    # never means another event after a crash; and a commit costs a millisecond.
    shown_interval_ms: Annotated[int, Field(ge=5, le=5000)] = 40
    event_retention_s: Seconds = 3600.0  # numbered events of ended answers stay readable; then only their text
    lease_s: Annotated[float, Field(ge=1, le=600)] = 6.0  # another server takes over an answer after this silence
    # Whose temperature, top_p, top_k, min_p and repeat_penalty a request to /v1 gets that names none: OpenAI's (1, 1,
    # off, off, off), which its clients count on, or the model's own. Chats of page and terminal always get those.
    sampling_defaults: SamplingSource = "openai"
    makes_titles: bool = True  # the model names a chat after its first answer


class RedisSettings(Section):
    """Only for several server processes over one PostgreSQL."""

    url: SecretStr | None = None  # redis://…; None = everything in process
