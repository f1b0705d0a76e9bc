"""What the sections of the settings are made of: kinds of values, and their base."""

import re
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MIB = 1024 * 1024

Number = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Bytes = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Network = Annotated[str, AfterValidator(lambda text: str(ip_network(text, strict=False)))]  # "10.0.0.7", "10.0.0.0/8"

_HOST_NAME = re.compile(r"\[[0-9a-f:.]+\]|[0-9a-f]*:[0-9a-f:.]+|[a-z0-9._-]+", re.IGNORECASE)
_ORIGIN = re.compile(
    r"\*|null|[a-z][a-z0-9+.-]*:(//(\*|\[[0-9a-f:.]+\]|(\*\.)?[a-z0-9._-]+)?(:([0-9]{1,5}|\*))?)?", re.IGNORECASE
)


def _host_name(text: str) -> str:
    name = re.sub(r"(?<=[^:]):[0-9]{1,5}$", "", text) if text.count(":") == 1 or "]:" in text else text
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(f"{text!r} is no host name: write it without scheme, path and *, as in chat.example.com")
    return name


def _origin(text: str) -> str:
    if not _ORIGIN.fullmatch(origin := text.rstrip("/") if not text.endswith("://") else text):
        raise ValueError(
            f"{text!r} is no origin: write a scheme and host, as in https://app.example.com, http://localhost:* or"
            " vscode-webview://*"
        )
    return origin


def base_path_text(text: str) -> str:
    path = text.rstrip("/")
    if not re.fullmatch(r"(/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)*", path):
        raise ValueError(f"{text!r} is no path to serve below: write it as in /chat or /tools/chat")
    return path


HostName = Annotated[str, AfterValidator(_host_name)]
Origin = Annotated[str, AfterValidator(_origin)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
