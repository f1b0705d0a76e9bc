"""What takes many small writes: files come in, and go for good."""
