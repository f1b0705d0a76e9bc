"""What a path says of its route: the pattern, for logs, without ids and names; and its first name. Pure.

A path carries what nobody else may know: the token of a shared link, ids, whatever a stranger puts there.
"""

from starlette.routing import Match, Route, WebSocketRoute
from starlette.types import Scope

UNMATCHED = "(unmatched)"


def route_pattern(scope: Scope) -> str:
    """ "/api/shared/{token}"; UNMATCHED for a path that names no route, the page's own included."""
    app = scope.get("app")  # a response may be served without one
    for route in app.routes if app is not None else ():
        if isinstance(route, Route | WebSocketRoute) and route.matches(scope)[0] is not Match.NONE:
            return route.path
    return UNMATCHED


def first_name(path: str) -> str:
    """ "/chat/0193-abc" → "chat"; "" of "/"."""
    return path.lstrip("/").partition("/")[0]
