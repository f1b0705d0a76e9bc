"""Users, what they sign in with, what they used, and what was noted about it."""
