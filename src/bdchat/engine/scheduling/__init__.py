"""Which tokens run next. Knows tokens and cells, never text."""
