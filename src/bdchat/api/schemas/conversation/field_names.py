"""An error of the chat request that a wire made of its own → the same under the wire's names. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from bdchat.api.http.errors import UnsupportedParameter
from bdchat.engine.errors import ContextLengthExceeded, InvalidRequest

Rename = Callable[[str], str]  # a path in the chat request → the path in the wire's


@contextmanager
def fields_named(rename: Rename) -> Iterator[None]:
    try:
        yield
    except InvalidRequest as error:
        raise InvalidRequest(rename(error.param), error.reason, code=error.code) from error
    except UnsupportedParameter as error:
        raise UnsupportedParameter(rename(error.param), error.reason) from error
    except ContextLengthExceeded as error:
        raise type(error)(error.num_prompt_tokens, error.n_ctx, rename(error.param)) from error


def by_beginning(param: str, names: Mapping[str, str]) -> str | None:
    """`names`: whole fields of the chat request → the wire's; the first that the path begins with counts."""
    for name, ours in names.items():
        if param == name or param.startswith((f"{name}.", f"{name}[")):
            return ours + param.removeprefix(name)
    return None


def by_tool(param: str, places: Sequence[int]) -> str | None:
    """A path in the chat request's tools → in a wire's whose tools lie one level higher; `places`: where each of the
    chat request's stood there."""
    if not param.startswith("tools["):
        return None
    index, _, rest = param.removeprefix("tools[").partition("]")
    if not index.isdecimal() or int(index) >= len(places):
        return None
    return f"tools[{places[int(index)]}]{rest.removeprefix('.function')}"
