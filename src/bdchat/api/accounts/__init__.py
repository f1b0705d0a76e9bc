"""REST endpoints for a user's own account: sign-in, profile, API keys."""
