"""System prompts that admins have pinned. Runs inside Database.write and read."""

from sqlmodel import col, func, select

from bdchat.store.db import Db
from bdchat.store.errors import Conflict, NotFound
from bdchat.store.ids import new_id, now_ms
from bdchat.store.tables import PinnedPrompt

MAX_PINS = 16  # each takes room in every model's cache


def list_all(db: Db) -> list[PinnedPrompt]:
    """The eldest first."""
    return list(db.exec(select(PinnedPrompt).order_by(col(PinnedPrompt.pin_id))))


def create(db: Db, created_by: str, *, title: str, system_prompt: str, model: str | None) -> PinnedPrompt:
    """Raises Conflict when there are MAX_PINS."""
    if db.exec(select(func.count()).select_from(PinnedPrompt)).one() >= MAX_PINS:
        raise Conflict(f"There are {MAX_PINS} pinned prompts already: take one away first.", code="too_many_pins")
    pin = PinnedPrompt(
        pin_id=new_id(),
        title=title,
        system_prompt=system_prompt,
        model=model,
        created_by=created_by,
        created_at_ms=now_ms(),
    )
    db.add(pin)
    db.flush()
    return pin


def delete(db: Db, pin_id: str) -> PinnedPrompt:
    """As it was. Raises NotFound."""
    pin = db.get(PinnedPrompt, pin_id)
    if pin is None:
        raise NotFound("pin", pin_id)
    db.delete(pin)
    db.flush()
    return pin
