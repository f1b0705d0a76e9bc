"""Logits become a token."""
