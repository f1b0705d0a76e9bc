"""States of sequences that gave way to others: where they wait, and how they come back."""
