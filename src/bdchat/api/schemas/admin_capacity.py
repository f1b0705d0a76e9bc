"""/api/admin/limits: what it gives. Counts and names."""

from bdchat.api.http.endpoints import View


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
