"""What every Python client is asked to do, and how it tells what came of it: one JSON object on standard output.

    python -m tests.clients.inside NAME_client REAL_URL CLEVER_URL

REAL_URL serves the default model, which is weak: of it form is asked, and what is enforced. CLEVER_URL serves a script
(clever_engine.py) that thinks, calls the tool once and then answers.

A new client is a script beside this one, a line in CLIENTS of test_clients.py with the names of what it tells, and its
package in requirements.in or package.json, from which scripts/lock and npm write the locks.
"""

import json
import sys
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MODEL = "smollm2-135m-instruct"
KEY = "any"
HELLO = "Say hello."
ASK_WEATHER = "What will the weather be in Seoul over the next two days?"
ASK_PET = "Invent a pet."
LONG = "word " * 20_000  # more than the context


class Pet(BaseModel):
    """A pet that nobody has had."""

    model_config = ConfigDict(extra="forbid")  # a weak model that may go on with other keys does
    name: str = Field(pattern="^[A-Z][a-z]{2,8}$")
    kind: Literal["cat", "dog"]
    age: int = Field(ge=0, le=20)


def weather_text(city: str, days: int) -> str:
    return f"{18 + days} degrees in {city}"


def urls() -> tuple[str, str]:
    """Both with /v1: of the real server and of the clever one."""
    return f"{sys.argv[1]}/v1", f"{sys.argv[2]}/v1"


def tell(**findings: Any) -> None:
    print(json.dumps(findings))  # noqa: T201  # the answer
