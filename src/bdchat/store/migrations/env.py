"""Alembic's entry point. The connection comes from schema.upgrade, within whose transaction everything happens."""

from alembic import context

from bdchat.store import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.User.metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
    transactional_ddl=True,
)
context.run_migrations()
