"""Authentication: credential → identity, limits on attempts, and ending responses whose right has ended."""
