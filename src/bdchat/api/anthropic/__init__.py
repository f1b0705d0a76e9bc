"""Anthropic's wire under /v1/messages: parse, generate, encode."""
