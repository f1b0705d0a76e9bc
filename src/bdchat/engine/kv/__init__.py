"""The KV cache: which cells hold which tokens, and snapshots in RAM and on disk."""
