"""Rules that all request schemas share: strict types, null = absent, unknown fields ignored, errors that name the
field.

`parse` is the one border between outside JSON and the schemas. Raises InvalidRequest, UnsupportedParameter,
MalformedBody; never anything else, whatever the bytes are.
"""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from bdchat.api.http.errors import MalformedBody, UnsupportedParameter
from bdchat.engine.errors import InvalidRequest
from bdchat.settings import LimitSettings

UNSUPPORTED = "unsupported"  # the pydantic error type that becomes UnsupportedParameter


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True, defer_build=True)


class Strict(Wire):
    """Bodies and queries of /api: what is not known is refused, so that a slip of the pen is not silent."""

    model_config = ConfigDict(extra="forbid")


def _without_nul(value: str) -> str:
    if "\x00" in value:
        raise invalid("must not contain NUL.")
    return value


Text = Annotated[str, AfterValidator(_without_nul)]  # what a database can keep
Schema = TypeVar("Schema", bound=Wire)


def invalid(reason: str, *, at: str = "", code: str = "invalid_value") -> PydanticCustomError:
    """A refusal by a validator. `at` goes on from the field's own path: "[2].type". `code`: InvalidRequest's."""
    return PydanticCustomError("invalid", "{reason}", {"reason": reason, "at": at, "code": code})


def unsupported(reason: str, *, at: str = "") -> PydanticCustomError:
    return PydanticCustomError(UNSUPPORTED, "{reason}", {"reason": reason, "at": at})


def decode_object(body: bytes) -> dict[str, Any]:
    """RFC 8259 only: no NaN, no Infinity, no lone surrogates, UTF-8 throughout; of repeated keys the last counts."""
    try:
        value = msgspec.json.decode(body)
    except RecursionError as error:
        raise MalformedBody("The request body is nested too deeply.") from error
    except UnicodeDecodeError as error:
        raise MalformedBody("The request body is not valid UTF-8.") from error
    except ValueError as error:  # msgspec.DecodeError is one
        raise MalformedBody(f"We could not parse the JSON body of your request: {error}") from error
    if not isinstance(value, dict):
        raise MalformedBody("The request body must be a JSON object.")
    return value


def validate(
    schema: type[Schema], value: dict[str, Any], limits: LimitSettings, *, strict: bool | None = None
) -> Schema:
    """`strict` False: text is turned into numbers and booleans (queries)."""
    try:
        return schema.model_validate(value, context=limits, strict=strict)
    except ValidationError as error:
        raise _as_request_error(error.errors(include_url=False, include_input=False)[0]) from error
    except (RecursionError, OverflowError) as error:  # an integer of 400 digits where a float belongs
        raise MalformedBody("A value in the request body is out of range.") from error


def parse(schema: type[Schema], body: bytes, limits: LimitSettings) -> Schema:
    return validate(schema, decode_object(body), limits)


def _as_request_error(details: ErrorDetails) -> InvalidRequest | UnsupportedParameter:
    context = details.get("ctx", {})
    param = _path(details["loc"]) + str(context.get("at", ""))
    if details["type"] == UNSUPPORTED:
        return UnsupportedParameter(param, str(context["reason"]))
    reason = "this field is required." if details["type"] == "missing" else details["msg"]
    return InvalidRequest(param, reason, code=str(context.get("code", "invalid_value")))


def _path(location: Sequence[str | int]) -> str:
    """("messages", 3, "content") → messages[3].content"""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path
