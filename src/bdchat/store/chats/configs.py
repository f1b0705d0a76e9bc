"""A chat's own settings: one row, created when something differs from the defaults. Inside the caller's transaction."""

from typing import Any

from bdchat.store.db import Db
from bdchat.store.tables import SessionConfig


def of(db: Db, session_id: str) -> SessionConfig:
    """The defaults when nothing was set."""
    return db.get(SessionConfig, session_id) or SessionConfig(session_id=session_id)


def put(db: Db, session_id: str, values: dict[str, Any]) -> SessionConfig:
    """Replaces the whole: a column that `values` does not name gets its default."""
    config = db.merge(SessionConfig(session_id=session_id, **values))
    db.flush()
    return config


def change(db: Db, session_id: str, values: dict[str, Any]) -> SessionConfig:
    """What `values` does not name stays as it is, of the further fields (`params`) too."""
    before = of(db, session_id)
    params = {**before.params, **values.get("params", {})}
    return put(db, session_id, {**before.model_dump(exclude={"session_id"}), **values, "params": params})


def copy(db: Db, source_id: str, target_id: str) -> None:
    """For a fork."""
    config = db.get(SessionConfig, source_id)
    if config is not None:
        db.add(SessionConfig(**{**config.model_dump(), "session_id": target_id}))
        db.flush()
