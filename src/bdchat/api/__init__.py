"""The HTTP room: the only one that knows the engine and the store."""
