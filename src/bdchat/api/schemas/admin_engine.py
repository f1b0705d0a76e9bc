"""/api/admin/overview, /engine, /requests and /generations: what they give. Only counts and names, never text."""

from typing import Any, Literal

from bdchat.api.http.endpoints import View


class Rates(View):
    """Tokens per second since the ask before; null: nobody asked before."""

    read_per_s: float | None
    written_per_s: float | None


class Overview(View):
    version: str
    database_version: str
    database_warning: str | None
    uptime_s: int
    num_users: int
    num_sessions: int
    num_messages: int
    num_people_online: int  # with a socket open here
    num_sockets: int
    num_running: int
    num_waiting: int
    rates: Rates
    cache_hit_share: float | None  # of all prompt tokens since the start; null: there were none
    free_memory_bytes: int
    total_memory_bytes: int
    errors_last_hour: dict[str, int]  # refusals by code
    num_failures_last_hour: int  # of them those that were the server's fault, and answers that broke off


class SequenceView(View):
    """One choice of a request, or (idle) cells that are kept as cache."""

    state: Literal["waiting", "reading", "writing", "paused", "idle"]  # paused: it gave its place to others
    request_id: str
    choice: int
    user_id: str | None  # null: not known here, or nobody's
    username: str | None
    session_id: str | None
    priority: Literal["interactive", "batch"]
    queue_position: int | None
    eta_ms: int | None  # expected until its first token or, when it is paused, its next one
    num_prompt_tokens: int
    num_cached_tokens: int
    num_cached_from_ram: int  # of those
    num_cached_from_disk: int
    num_computed_tokens: int
    num_completion_tokens: int
    num_cells: int
    num_own_cells: int
    num_preemptions: int  # how often it gave way
    age_ms: int


class CacheCounts(View):
    """Prompt tokens that were not computed, by where they were found."""

    resident: int
    ram: int
    disk: int


class EngineView(View):
    model: str
    state: str
    problem: str | None  # why it is "failed"
    is_default: bool
    is_leaving: bool
    pid: int | None
    num_restarts: int
    info: dict[str, Any] | None  # of the loaded model
    num_running: int
    num_waiting: int
    num_cells: int  # in use, idle ones included
    num_idle_cells: int
    num_cells_total: int
    kv_resident_bytes: int  # memory that the cells take, used or not
    ram_cache_bytes: int
    disk_cache_bytes: int
    num_requests: int
    num_cancelled: int
    num_failed: int
    num_evictions: int
    num_preemptions: int
    prompt_tokens_computed: int
    prompt_tokens_cached: CacheCounts
    cache_hit_share: float | None
    tokens_generated: int
    num_tokens_drafted: int  # guessed and checked
    num_tokens_accepted: int  # of those, right
    num_recent_tokens_drafted: int  # of num_tokens_drafted, from the accounts' recent answers
    num_recent_tokens_accepted: int
    num_model_tokens_drafted: int  # and by a draft model; the rest is from an answer's own text
    num_model_tokens_accepted: int
    rates: Rates
    sequences: list[SequenceView]


class EngineList(View):
    data: list[EngineView]


class RequestView(View):
    request_id: str
    user_id: str
    username: str | None
    model: str
    state: Literal["complete", "cancelled", "failed"]
    started_at_ms: int
    total_ms: int
    queue_ms: float | None
    first_text_ms: float | None
    num_read_tokens: int
    num_cached_tokens: int
    num_written_tokens: int


class RequestList(View):
    data: list[RequestView]


class RunningView(View):
    generation_id: str
    user_id: str
    username: str | None
    model: str
    session_id: str | None
    is_stored: bool
    started_at_ms: int
    num_written_tokens: int
    progress: dict[str, Any] | None  # while it waits or its prompt is read


class RunningList(View):
    data: list[RunningView]
