"""Ollama's wire under /api: parse, generate, encode, one JSON object a line."""
