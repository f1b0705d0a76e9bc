"""Alembic's revisions, run by schema.upgrade and by nothing else."""
