"""Bounds of pinned system prompts. Pure."""

from collections.abc import Container, Sized
from typing import Protocol

from bdchat.engine.errors import InvalidRequest

MAX_PINS = 16
MAX_ID_CHARS = 64
MAX_PROMPT_CHARS = 262_144  # what no context of today holds


class KnownPins(Sized, Container[str], Protocol):
    """Ids of those that are pinned."""


def check_pin(pin_id: str, system_prompt: str, known: KnownPins) -> None:
    """Raises InvalidRequest("pin_id" | "system_prompt")."""
    if not 0 < len(pin_id) <= MAX_ID_CHARS:
        raise InvalidRequest("pin_id", f"must have 1 to {MAX_ID_CHARS} characters")
    if not system_prompt.strip():
        raise InvalidRequest("system_prompt", "must not be empty")
    if len(system_prompt) > MAX_PROMPT_CHARS:
        raise InvalidRequest("system_prompt", f"must have at most {MAX_PROMPT_CHARS:,} characters")
    if any("\ud800" <= letter <= "\udfff" for letter in pin_id + system_prompt):
        raise InvalidRequest("system_prompt", "has a lone surrogate")
    if pin_id not in known and len(known) >= MAX_PINS:
        raise InvalidRequest("pin_id", f"at most {MAX_PINS} system prompts can be pinned")
