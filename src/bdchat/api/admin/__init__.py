"""Who runs the server: users, models, engine, storage, health."""
