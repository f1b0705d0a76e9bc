"""/api/admin/limits and /pins: what they take and give."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bdchat.api.http.endpoints import View
from bdchat.api.http.parsing import Strict, Text, invalid
from bdchat.api.schemas.sessions import MAX_SYSTEM_PROMPT_CHARS


def _not_blank(value: str) -> str:
    if not value.strip():
        raise invalid("must not be empty.")
    return value


class NewPin(Strict):
    """`system_prompt`: word for word as chats have it, or nothing of them is ready. `model` null: every chat model."""

    title: Annotated[Text, Field(min_length=1, max_length=100), AfterValidator(_not_blank)]
    system_prompt: Annotated[Text, Field(max_length=MAX_SYSTEM_PROMPT_CHARS), AfterValidator(_not_blank)]
    model: Annotated[Text, Field(min_length=1, max_length=200)] | None = None


class BoundsView(View):
    """0 = no bound."""

    max_running: int  # answers at once, per model
    max_queued: int  # waiting requests, per model
    tokens_per_minute: int


class AccountLoad(View):
    """`user_id` "" is all who have no account. `num_running` and `num_waiting` are of all models together."""

    user_id: str
    username: str | None  # None: no account, or one that is gone
    bounds: BoundsView  # that hold for it
    has_own: bool  # an admin gave it some of them
    num_running: int
    num_waiting: int
    num_tokens: int  # of the last minute


class AccountLoads(View):
    """Those that have limits of their own, or asked anything in the last minute; who runs and waits most first."""

    usual: BoundsView  # the settings'
    data: list[AccountLoad]
    num_more: int  # that are not shown


class ModelPin(View):
    """A pin in one model that is loaded."""

    model: str
    state: Literal["waiting", "kept", "refused"]  # waiting: for the model, or for its turn to be read
    num_tokens: int  # of the beginning that every chat with it shares
    num_bytes: int  # of its state, in memory and once more on disk
    is_in_ram: bool
    is_on_disk: bool  # then it survives a restart
    reason: str  # why it is refused, in English


class PinView(View):
    pin_id: str
    title: str
    system_prompt: str
    model: str | None
    created_by: str | None  # a name; None: of an account that is gone
    created_at_ms: int
    models: list[ModelPin]


class PinList(View):
    data: list[PinView]
    max_pins: int
