"""Full-text search: index, query, results, Hangul bigrams."""
