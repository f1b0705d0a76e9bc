"""An error of the chat request that a wire made of its own → the same under the wire's names. Pure."""

from collections.abc import Callable, Iterator
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
