"""Documents, their pages and passages, collections, and search in them by words and by vectors."""
