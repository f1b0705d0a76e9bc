"""Passages of documents in a prompt, and what an answer cites of them. Reads and writes no rows."""
