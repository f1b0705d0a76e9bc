"""Which cells hold which tokens, and their snapshots in memory and on disk."""
