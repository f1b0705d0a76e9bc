"""Bounds below HTTP: uvicorn's protocols, open connections, file descriptors."""
