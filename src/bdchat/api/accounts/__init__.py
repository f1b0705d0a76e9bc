"""One's own account over REST: signing in, profile, API keys."""
