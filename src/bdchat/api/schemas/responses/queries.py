"""The parts behind "?" of a stored response's paths. Unknown ones are ignored, as in OpenAI's own bodies."""

from typing import Annotated, Literal

from pydantic import Field

from bdchat.api.http.parsing import Text, Wire
from bdchat.api.schemas.stored import MAX_PAGE


class ResponseQuery(Wire):
    stream: bool = False
    starting_after: Annotated[int, Field(ge=0, le=2**53)] | None = None


class InputItemQuery(Wire):
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 20
    after: Annotated[Text, Field(min_length=1, max_length=80)] | None = None
    order: Literal["asc", "desc"] = "desc"
