"""What is worth keeping, where, and what goes first."""
