"""Logits → the next token: penalties, filters, log-probabilities."""
