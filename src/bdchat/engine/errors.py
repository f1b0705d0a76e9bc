"""The errors that an engine raises to its caller.

EngineError
├── InvalidRequest              param, reason        the caller's fault: a field is wrong
├── ContextLengthExceeded       num_prompt_tokens, n_ctx
│   └── ChatTooLong
├── QueueFull                   retry_after_s        too many are waiting
├── AccountLimitReached         limit, allowed, retry_after_s  too much of one account's
├── QueueTimeout                waited_s             waited its whole time without a place
├── ModelNotFound               model, available
│   └── UnknownModel            problem, advice      an operator's argument
├── ModelLoadFailed             model, reason        the file or its template is unusable
│   └── TooLittleMemory                              no smaller plan would help
├── EngineUnavailable           reason, retry_after_s  starting, restarting or draining
├── RequestQuarantined          num_deaths           it killed the engine twice
└── GenerationFailed            reason               llama.cpp refused to compute

Errors carry data; api/http/errors.py alone turns them into statuses and sentences for the wire.
"""

# What native code says when it gets no memory: llama.cpp and the C++ runtime have no codes for it.
_WANT_OF_MEMORY = (
    "bad_alloc",
    "Cannot allocate memory",
    "insufficient memory",
    "too little memory",
    "unable to allocate",
    "failed to allocate",
    "mem_buffer != NULL",
    "MemoryError",
    "can't start new thread",
)


def speaks_of_memory(words: str) -> bool:
    return any(said in words for said in _WANT_OF_MEMORY)


class EngineError(Exception):
    """Base. `str(error)` is one line for a log or a person."""


class InvalidRequest(EngineError):
    """`code` names the reason for programs that have words of their own."""

    def __init__(self, param: str, reason: str, *, code: str = "invalid_value") -> None:
        super().__init__(f"{param}: {reason}")
        self.param = param
        self.reason = reason
        self.code = code


class ContextLengthExceeded(EngineError):
    """`param`: the caller's field that holds the prompt."""

    def __init__(self, num_prompt_tokens: int, n_ctx: int, param: str = "messages") -> None:
        super().__init__(f"the prompt has {num_prompt_tokens} tokens, the context holds {n_ctx}")
        self.num_prompt_tokens = num_prompt_tokens
        self.n_ctx = n_ctx
        self.param = param


class ChatTooLong(ContextLengthExceeded):
    """Its last turn would fit, but the chat may drop nothing: its `context_overflow` is "error"."""


class QueueFull(EngineError):
    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"the queue is full; try again in {retry_after_s:.0f} s")
        self.retry_after_s = retry_after_s


class AccountLimitReached(EngineError):
    """`limit`: what is bounded, in words: "requests waiting", "tokens a minute"."""

    def __init__(self, limit: str, allowed: int, retry_after_s: float) -> None:
        super().__init__(
            f"this account may have {allowed:,} {limit}, and has them now; try again in {retry_after_s:.0f} s"
        )
        self.limit = limit
        self.allowed = allowed
        self.retry_after_s = retry_after_s


class QueueTimeout(EngineError):
    def __init__(self, waited_s: float) -> None:
        super().__init__(f"no place came free within {waited_s:.0f} s")
        self.waited_s = waited_s


class ModelNotFound(EngineError):
    """`remedy` says in one sentence what would bring it, where something is known to."""

    def __init__(self, model: str, available: tuple[str, ...], remedy: str = "") -> None:
        said = f"no model {model!r}; available: {', '.join(available) or 'none'}"
        super().__init__(f"{said}. {remedy}" if remedy else said)
        self.model = model
        self.available = available
        self.remedy = remedy


class UnknownModel(ModelNotFound):
    """What an operator named leads to no model. `advice` says in one sentence what does."""

    def __init__(self, model: str, available: tuple[str, ...], problem: str, advice: str) -> None:
        super().__init__(model, available)
        self.args = (f"{problem}. {advice}",)
        self.problem = problem
        self.advice = advice


class ModelLoadFailed(EngineError):
    def __init__(self, model: str, reason: str, retry_after_s: float | None = None) -> None:
        """`retry_after_s`: the next request after so long loads it again. None: nothing is known of it."""
        super().__init__(f"{model}: {reason}")
        self.model = model
        self.reason = reason
        self.retry_after_s = retry_after_s


class TooLittleMemory(ModelLoadFailed):
    """What the settings promise does not fit, or not even the least does."""


class EngineUnavailable(EngineError):
    def __init__(self, reason: str, retry_after_s: float) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class RequestQuarantined(EngineError):
    def __init__(self, num_deaths: int) -> None:
        super().__init__(f"this request ended the engine process {num_deaths} times and is refused")
        self.num_deaths = num_deaths


class GenerationFailed(EngineError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
