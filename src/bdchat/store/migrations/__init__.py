"""Alembic's revisions, run by `schema.upgrade` alone."""
