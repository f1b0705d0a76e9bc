"""OpenAI's wire under /v1: parse, generate, encode."""
