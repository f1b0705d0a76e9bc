"""In which order those who wait get a place."""
