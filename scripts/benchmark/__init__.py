"""A load client for OpenAI-compatible servers, and the comparison of two of them. Knows HTTP and processes only."""
