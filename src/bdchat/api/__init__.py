"""The HTTP and WebSocket server: the only room that imports both the engine and the store."""
