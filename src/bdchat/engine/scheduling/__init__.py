"""The scheduler: which tokens are computed in the next step. Knows tokens and cells, never text."""
