"""What is listed and shown of documents and collections, and to whom."""
