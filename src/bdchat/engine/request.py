"""The values of the engine's contract: requests in, events out.

Frozen msgspec structs, so that the same value that a caller builds is the value on the wire to the engine
process: nothing is translated twice. Token ids are ints of the model's own vocabulary; times are milliseconds.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Literal, Self

import msgspec

Role = Literal["system", "user", "assistant", "tool"]


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything here: immutable, keyword-only."""


class ToolCall(Value, frozen=True, kw_only=True):
    """An earlier call made by the assistant, as it must reappear in the prompt."""

    tool_call_id: str
    name: str
    arguments: str  # a JSON object as text, as OpenAI sends it


class ChatMessage(Value, frozen=True, kw_only=True):
    role: Role
    content: str = ""
    reasoning: str = ""  # the thought before an earlier answer, for templates that show it
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


class ChatPrompt(Value, frozen=True, kw_only=True, tag="chat"):
    """Rendered by the model's own chat template; user text never becomes a control token."""

    field: ClassVar[str] = "messages"  # what the caller's request calls it
    messages: tuple[ChatMessage, ...]
    tools: tuple[dict[str, object], ...] = ()  # OpenAI's function tools, for templates that show them
    tool_choice: Literal["none", "auto", "required"] = "auto"
    allowed_tools: tuple[str, ...] = ()  # names; () = all. A named choice: required, and one
    # False: at most one call. None: as the model is used to: several, but one where it must call and its template
    # knows no calls, for such a model repeats itself to the limit
    parallel_tool_calls: bool | None = None
    template_kwargs: dict[str, str | int | float | bool] = {}
    add_generation_prompt: bool = True
    closes_thought: bool = False  # a thought that the template opens for the answer is closed before it begins

    @property
    def callable_tools(self) -> tuple[dict[str, object], ...]:
        """Those that an answer may call; none with tool choice "none"."""
        if self.tool_choice == "none":
            return ()
        if not self.allowed_tools:
            return self.tools
        return tuple(tool for tool in self.tools if function_of(tool).get("name") in self.allowed_tools)


def function_of(tool: Mapping[str, object]) -> Mapping[str, object]:
    """What an OpenAI function tool is of; {} when it is of none."""
    function = tool.get("function")
    return function if isinstance(function, Mapping) else {}


class TextPrompt(Value, frozen=True, kw_only=True, tag="text"):
    """Raw text, no template. BOS is added when the model wants one and the text does not start with it."""

    field: ClassVar[str] = "prompt"
    text: str
    adds_special: bool = True  # False: no BOS
    parses_special: bool = True  # False: what looks like a control token is plain text


class TokenPrompt(Value, frozen=True, kw_only=True, tag="tokens"):
    """Token ids taken as they are; ids outside the vocabulary are an InvalidRequest("prompt")."""

    field: ClassVar[str] = "prompt"
    tokens: tuple[int, ...]


class OtherFile(Value, frozen=True, kw_only=True):
    """What stands elsewhere in the project and may tell what belongs into a gap."""

    name: str
    text: str


class FimPrompt(Value, frozen=True, kw_only=True, tag="fim"):
    """What stands around a gap, written with the model's own tokens for it (fill in the middle); user text never
    becomes a control token. What does not fit is left out from the outside: other files, the first ones first, then
    the prefix's head and the suffix's tail. A model without such tokens: InvalidRequest(suffix_field)."""

    field: ClassVar[str] = "prompt"
    prefix: str
    suffix: str
    other_files: tuple[OtherFile, ...] = ()
    suffix_field: str = "suffix"  # what the caller's request calls it
    num_answer_tokens: int | None = None  # kept free for the answer, up to half of the context; None: an eighth of it


Prompt = ChatPrompt | TextPrompt | TokenPrompt | FimPrompt


class TokenText(Value, frozen=True, kw_only=True):
    """What token ids say."""

    text: str  # that makes these tokens again: control tokens as templates write them, without a BOS that is added
    pieces: tuple[bytes, ...]  # of each token; may be part of a code point


class Constraint(Value, frozen=True, kw_only=True):
    """What the answer's text must be: JSON, a JSON Schema's instance, or in the language of an expression."""

    kind: Literal["json_object", "json_schema", "regex", "choice", "lark", "gbnf"]
    text: str = ""  # the schema as JSON, the expression, the choices as a JSON list, the grammar; "" for json_object
    field: str = "response_format"  # what the caller's request calls it


class SamplingParams(Value, frozen=True, kw_only=True):
    """Already validated by the caller's edge; the engine asserts, it does not repair."""

    temperature: float = 1.0  # 0 = greedy
    top_p: float = 1.0  # 1 = off
    top_k: int = 0  # 0 = off
    min_p: float = 0.0  # 0 = off
    repeat_penalty: float = 1.0  # 1 = off; over the last repeat_last_n tokens, prompt included
    repeat_last_n: int | None = 64  # None = all
    presence_penalty: float = 0.0  # over generated tokens only, as OpenAI documents it
    frequency_penalty: float = 0.0
    logit_bias: dict[int, float] = {}
    seed: int | None = None  # None = random; choice i uses seed + i
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None  # None = to the end of the context
    ignore_eos: bool = False  # measurement only: generate exactly max_tokens
    num_top_logprobs: int | None = None  # None = no logprobs; 0 = the chosen token's only


class SamplingHints(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What those who made a model, or know it, say of how to sample it. None: nothing; repeat_last_n -1: all."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    repeat_last_n: int | None = None


class SamplingDefaults(Value, frozen=True, kw_only=True):
    """How a model is sampled in a chat where nobody says otherwise. Those here suit small models: the tail of the
    distribution, which OpenAI's temperature 1 over the whole vocabulary draws from, is where they lose the thread."""

    temperature: float = 0.7
    top_p: float = 0.95
    top_k: int = 40
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    repeat_last_n: int | None = 64  # None = all

    @classmethod
    def of(cls, *hints: SamplingHints | None) -> Self:
        """Of each number the first that is given counts."""
        said: dict[str, Any] = {}
        for each in hints:
            numbers = msgspec.structs.asdict(each) if each is not None else {}
            said = {name: number for name, number in numbers.items() if number is not None} | said
        if said.get("repeat_last_n") == -1:
            said["repeat_last_n"] = None
        return cls(**said)


class Priority(StrEnum):
    """Whether somebody waits for the answer. A batch request gets what interactive ones leave, and is paused for them;
    it never starves (scheduling/fairness)."""

    INTERACTIVE = "interactive"
    BATCH = "batch"


class GenerationRequest(Value, frozen=True, kw_only=True):
    request_id: str
    prompt: Prompt
    sampling: SamplingParams = SamplingParams()
    constraint: Constraint | None = None
    num_choices: int = 1
    cache_prompt: bool = True  # False: compute every prompt token, share nothing
    is_seeded: bool = False  # the caller named a seed: alone on the machine, cached or not, it is answered alike
    is_deterministic: bool = False  # the same tokens each time, alone and among others; reuses nothing and batches less
    num_prompt_logprobs: int | None = None  # None = none; computes every prompt token (echo with logprobs)
    echo: bool = False  # ask for Accepted.prompt_text
    user: str = ""  # whose request it is, for fairness; "" = the local guest
    priority: Priority = Priority.INTERACTIVE
    max_running: int = 0  # answers of `user` at once; what is more waits. 0 = no bound
    max_queued: int = 0  # of `user` waiting; what is more is refused: AccountLimitReached. 0 = no bound
    account: str = ""  # whose recent answers it may be guessed from; "" = nobody's. Never what a caller says of itself
    wants_progress: bool = False  # send Progress while it waits and while its prompt is read
    cache_tag: str = ""  # of the stored conversation it belongs to: its state may go to disk, and is forgotten with it

    @property
    def shares_cache(self) -> bool:
        """Whether it takes what others have computed, and leaves them what it computes."""
        return self.cache_prompt and not self.is_deterministic

    @property
    def may_be_respelled(self) -> bool:
        """Whether other tokens of the same text will do: not where the caller chose or scores the tokens."""
        return self.shares_cache and self.num_prompt_logprobs is None and not isinstance(self.prompt, TokenPrompt)


class Resumption(Value, frozen=True, kw_only=True):
    """What a request had produced when its engine died, or when it was stopped; the answer goes on from here.

    Per choice: the tokens sampled so far and how many characters of their text the caller has already seen."""

    prompt_tokens: tuple[int, ...]  # () = made again from the request's prompt
    seed: int  # the seed in force, also when the caller gave none
    choice_tokens: tuple[tuple[int, ...], ...]
    num_chars_sent: tuple[int, ...]
    finished: tuple[bool, ...]
    seconds_spent: float = 0.0  # since its first token, of the time that an answer may take


class EmbeddingRequest(Value, frozen=True, kw_only=True):
    """Texts to be turned into vectors or, with a query, to be ranked against it: then a vector is one score."""

    request_id: str
    texts: tuple[str | tuple[int, ...], ...]  # each a text, or token ids taken as they are
    field: str = "input"  # what the caller's request calls the texts
    is_list: bool = True  # False: it is one text, which needs no index to be named by
    query: str | None = None
    is_query: bool | None = None  # which side of a search the texts are on, for a model that asks; None: nobody told
    user: str = ""  # whose request it is


class Embeddings(Value, frozen=True, kw_only=True):
    """In the order of the request's texts. A vector is float32, little-endian: of unit length, a score as it is."""

    vectors: tuple[bytes, ...]
    num_tokens: tuple[int, ...]  # of each text, those that the model adds included


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"
    ERROR = "error"


class TopLogprob(Value, frozen=True, kw_only=True):
    token_id: int
    token_bytes: bytes
    logprob: float
    control_text: str = ""


class TokenLogprob(Value, frozen=True, kw_only=True):
    """One generated (or prompt) token. Logprobs are over the full vocabulary, before any sampling trick. A control
    token has no bytes in an answer's text; `control_text` is how a template writes it."""

    token_id: int
    token_bytes: bytes
    logprob: float | None  # None for the first prompt token only: nothing precedes it
    top: tuple[TopLogprob, ...] = ()  # most likely first; when any are asked for, the token itself is among them
    control_text: str = ""


class Usage(Value, frozen=True, kw_only=True):
    """Of one choice: each of n counts the prompt, which the first computes and the others find cached. Of an answer
    that goes on after its engine died: all its completion tokens, the rest since then."""

    num_prompt_tokens: int
    num_cached_tokens: int  # prompt tokens that were not computed for this choice
    num_completion_tokens: int  # the token that ended it is one, though no text shows it
    num_computed_tokens: int = 0  # prompt tokens that were: fewer when it was cancelled, more when it was preempted
    num_cached_from_ram: int = 0  # of num_cached_tokens, restored from the RAM tier
    num_cached_from_disk: int = 0  # and from the disk tier
    num_drafted_tokens: int = 0  # guessed ahead and checked
    num_accepted_tokens: int = 0  # of those, right
    num_preemptions: int = 0  # how often it gave way


class Timings(Value, frozen=True, kw_only=True):
    """Of one choice. queue + prefill + decode + swapped is the time from its arrival to its end; of an answer that goes
    on after its engine died, from its arrival at the new one."""

    queue_ms: float
    prefill_ms: float  # admission to first token
    decode_ms: float  # first token to last
    swapped_ms: float = 0.0  # paused in favour of others, after it had a place
    saved_ms: float = (
        0.0  # what reading the cached tokens would have taken, less what bringing them back took; < 0: lost
    )


class Accepted(Value, frozen=True, kw_only=True, tag="accepted"):
    """First event of every generation: the prompt is tokenised, fits, and has a place in the queue."""

    request_id: str
    prompt_tokens: tuple[int, ...]
    seed: int
    prompt_text: str | None = None  # when GenerationRequest.echo
    opens_thought: bool = False  # the chat's prompt ends inside a thought, which the answer goes on with


class PromptLogprobs(Value, frozen=True, kw_only=True, tag="prompt_logprobs"):
    request_id: str
    tokens: tuple[TokenLogprob, ...]


class Delta(Value, frozen=True, kw_only=True, tag="delta"):
    """New text of one choice. Whole code points; never part of a stop string.

    `tokens` are the ids sampled since the last Delta, also when their text is held back, so that
    text may be "" and tokens may be ahead of the text."""

    request_id: str
    index: int
    text: str
    tokens: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()


class Finished(Value, frozen=True, kw_only=True, tag="finished"):
    """Last event of one choice."""

    request_id: str
    index: int
    reason: FinishReason
    usage: Usage
    timings: Timings
    stop: str | None = None  # the stop string that matched
    message: str | None = None  # when reason is ERROR
    error: str | None = None  # then also the class name in errors.py: GenerationFailed or QueueTimeout


class Progress(Value, frozen=True, kw_only=True, tag="progress"):
    """Where a request is that said wants_progress, of its first choice: waiting, paused, or its prompt being read. At
    most twice a second, and at once where it does something else."""

    request_id: str
    queue_position: int | None  # 1 = next to get a place; None = it has one. Grows when one comes that goes before it
    num_prompt_tokens: int
    num_cached_tokens: int = 0  # of the prompt: not computed, known once it has a place
    num_computed_tokens: int = 0  # of the prompt, the cached ones included
    is_paused: bool = False  # it had a place, gave way to others and goes on by itself
    # Expected until its first token or, when it is paused, its next one; None: not known. It counts down by itself: it
    # is told again when it is off by more than a second and a tenth of it.
    eta_ms: int | None = None


Event = Accepted | Progress | PromptLogprobs | Delta | Finished
