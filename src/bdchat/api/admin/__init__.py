"""REST endpoints for admins: users, models, engine, usage, storage; also health, metrics and housekeeping."""
