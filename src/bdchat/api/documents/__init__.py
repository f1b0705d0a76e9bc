"""REST endpoints for documents and collections; reading them, making their vectors, and finding passages."""
