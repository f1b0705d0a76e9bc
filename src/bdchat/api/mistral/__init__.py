"""Mistral's wire under /v1/fim: what belongs between a prompt and a suffix."""
