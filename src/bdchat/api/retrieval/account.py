"""Who may use OpenAI's files: somebody with an account, for what is kept is somebody's. No I/O."""

from starlette.requests import HTTPConnection

from bdchat.api.http.errors import Unauthorized
from bdchat.api.http.identity import identity_of, require_user

MAKE_A_KEY = (
    "Files and vector stores belong to an account. Sign in on the page, make an API key there (Settings, API keys) and"
    " send it as 'Authorization: Bearer KEY'."
)


def require_account(connection: HTTPConnection) -> str:
    """The user_id. Raises Unauthorized for who has none, which says what to do; Forbidden for a key that lacks the
    scope."""
    identity = identity_of(connection)
    if identity is None or identity.is_guest:
        raise Unauthorized(was_given=False, reason=MAKE_A_KEY)
    return require_user(connection).user_id
